import { LossAtlasError } from '../errors.js';
import { combine, disposeAll, ParameterVector } from '../model/parameter-vector.js';
import { applyOne, type LinearOperator, requireOperator } from '../operators/linear-operator.js';
import type { Eigenpairs } from '../results.js';
import { Steps } from '../steps.js';
import type { AnalysisOptions } from '../types.js';
import {
  analysisChecks,
  checkOptions,
  isBoolean,
  isInteger,
  isOneOf,
  isPositive,
  isSeed,
  type Check,
} from '../validate.js';
import { basisBytes, planBasis, type BasisOptions } from './basis-plan.js';
import { KrylovSubspace, type RitzPairs } from './krylov-subspace.js';

export interface EigenpairsOptions extends AnalysisOptions, BasisOptions {
  /** Number of pairs; default 2. For `both-ends` the larger half comes from the top. */
  readonly k?: number;
  /** Default `largest-magnitude`. */
  readonly which?: Eigenpairs['which'];
  /** Residual ‖Av − λv‖ relative to the largest |λ|; default 1e-4 (float32) or 1e-8 (float64). */
  readonly tolerance?: number;
  /** Products at most, before the pairs are verified, and at least k; default the larger of 300 and 4k. */
  readonly maxProducts?: number;
  /**
   * Vectors that are multiplied at once (block Lanczos); default 1. More find multiple eigenvalues, and pay where the
   * operator takes several vectors in one pass (`batched`).
   */
  readonly blockSize?: number;
  /**
   * Vectors to start from, for example those of a neighbouring point; default random ones of `seed`. More than
   * `blockSize` are added up: products with their sum find all of them sooner than products with each.
   */
  readonly start?: readonly ParameterVector[];
  /**
   * Measure every residual by one more product. Else it comes from the products that were made, which is as exact as
   * rounding. Default: where the tolerance comes near rounding, below 4096 units (5e-4 in float32, 1e-12 in float64).
   */
  readonly verify?: boolean;
  /** Keep the whole Krylov basis with the result, for `trace` by deflation; default false. */
  readonly keepBasis?: boolean;
  readonly seed?: number;
}

/** 2⁻²³ and 2⁻⁵². */
const roundingUnit = { float32: 2 ** -23, float64: 2 ** -52 } as const;

/** Checks of everything but `k` and `which`. */
export const eigenpairsChecks: Readonly<Record<string, Check>> = {
  ...analysisChecks,
  tolerance: isPositive,
  maxProducts: isInteger(1),
  blockSize: isInteger(1),
  basisSize: isInteger(3),
  memoryBudget: isPositive,
  basisPlacement: isOneOf('device', 'host'),
  start: (v) =>
    Array.isArray(v) && v.length > 0 && v.every((item) => item instanceof ParameterVector)
      ? null
      : 'an array of at least one ParameterVector of the operator’s space',
  verify: isBoolean,
  seed: isSeed,
};

/** Eigenpairs with their vectors, which live on the model's device until `dispose()`. */
export interface EigenpairsWithVectors extends Eigenpairs {
  readonly vectors: readonly ParameterVector[];
  /** With `keepBasis` the Krylov subspace that they come from, disposed of with them; else null. */
  readonly basis: KrylovSubspace | null;
  dispose(): void;
  [Symbol.dispose](): void;
}

/**
 * Extreme eigenpairs of an operator by thick-restart Lanczos (Wu & Simon 2000) with full reorthogonalisation. The values
 * come in the order that `which` names (`both-ends`: largest first, then from the most negative up). Every pair carries
 * its residual and says whether it converged.
 *
 *     using top = await eigenpairs(hessian(loss), { k: 2, which: 'largest' });
 *
 * Throws ERR_OUT_OF_MEMORY before it starts if the memory budget holds no basis, ERR_DIRECTION for a zero start.
 */
export async function eigenpairs(
  operator: LinearOperator,
  options: EigenpairsOptions = {},
): Promise<EigenpairsWithVectors> {
  requireOperator('eigenpairs', operator);
  checkOptions('eigenpairs', options, {
    ...eigenpairsChecks,
    k: isInteger(1),
    which: isOneOf('largest-magnitude', 'largest', 'smallest', 'both-ends'),
    keepBasis: isBoolean,
  });
  const startedAt = performance.now();
  const { which = 'largest-magnitude', seed = 0, keepBasis = false } = options;
  const tolerance = options.tolerance ?? (operator.space.dtype === 'float64' ? 1e-8 : 1e-4);
  const verify = options.verify ?? tolerance < 4096 * roundingUnit[operator.space.dtype];
  const k = Math.min(options.k ?? 2, operator.size);
  const maxProducts = Math.max(k, options.maxProducts ?? Math.max(300, 4 * k));
  const blockSize = Math.min(options.blockSize ?? 1, operator.size);
  // Below it a restart would keep nothing but the pairs themselves.
  const needed = Math.min(operator.size, k + 2 * blockSize + 1);
  const wanted = Math.min(operator.size, Math.max(needed, maxProducts + 2 * blockSize));
  const plan = planBasis(operator.space, options, { wanted, needed });
  const { room: basisSize, basisPlacement } = plan;
  const start = options.start ?? [];
  const search = { k, which, tolerance, maxProducts, blockSize, seed, start, basisSize, basisPlacement };
  const progress = new Steps('eigenpairs', maxProducts + (verify ? k : 0), options, true);
  const { ritz, subspace, numProducts, numRestarts } = await iterate(operator, search, progress);
  const vectors: ParameterVector[] = [];
  let isKept = false;
  try {
    const chosen = select(ritz.values, k, which);
    vectors.push(...(await subspace.basis.combine(chosen.map((i) => ritz.vectors[i]!))));
    const values = Float64Array.from(chosen, (i) => ritz.values[i]!);
    const residuals = Float64Array.from(chosen, (i) => ritz.residualBounds[i]!);
    for (let i = 0; verify && i < k; i++) {
      residuals[i] = await residualNorm(operator, vectors[i]!, values[i]!, progress.signal);
      progress.advance();
    }
    progress.finish();
    const scale = largestMagnitude(ritz.values);
    const converged = Array.from(residuals, (r) => r <= tolerance * scale);
    const basis = keepBasis ? subspace : null;
    const dispose = () => {
      disposeAll(vectors);
      basis?.dispose();
    };
    const provenance = await operator.provenance(startedAt);
    isKept = keepBasis;
    return Object.freeze({
      kind: 'eigenpairs',
      formatVersion: 1,
      which,
      values,
      residuals,
      converged: Object.freeze(converged),
      allConverged: converged.every(Boolean),
      tolerance,
      numProducts: numProducts + (verify ? k : 0),
      numRestarts,
      basisSize,
      basisBytes: basisBytes(operator.space, basisSize),
      seed,
      provenance,
      vectors: Object.freeze(vectors),
      basis,
      dispose,
      [Symbol.dispose]: dispose,
    });
  } catch (error) {
    disposeAll(vectors);
    throw error;
  } finally {
    if (!isKept) subspace.dispose();
  }
}

interface Search extends Required<Pick<BasisOptions, 'basisSize' | 'basisPlacement'>> {
  readonly k: number;
  readonly which: Eigenpairs['which'];
  readonly tolerance: number;
  readonly maxProducts: number;
  readonly blockSize: number;
  readonly start: readonly ParameterVector[];
  readonly seed: number;
}

interface Found {
  readonly ritz: RitzPairs;
  readonly subspace: KrylovSubspace;
  readonly numProducts: number;
  readonly numRestarts: number;
}

async function iterate(operator: LinearOperator, search: Search, progress: Steps): Promise<Found> {
  const { k, which, tolerance, maxProducts, blockSize, basisSize } = search;
  const random = new RandomStarts(operator, search.seed);
  const subspace = await startSubspace(operator, search, random);
  let numProducts = 0;
  let numRestarts = 0;
  let nextCheck = k + 2;
  let before: readonly number[] | undefined;
  try {
    for (;;) {
      const count = Math.min(blockSize, subspace.numPending, maxProducts - numProducts);
      await subspace.expand(count, progress.signal);
      numProducts += count;
      progress.advance(count);
      const isDone = numProducts >= maxProducts;
      const isExhausted = subspace.numPending === 0;
      const isFull =
        basisSize < operator.size &&
        subspace.basis.count + Math.min(blockSize, subspace.numPending) > basisSize;
      if (!isDone && !isExhausted && !isFull && numProducts < nextCheck) continue;
      const ritz = await subspace.ritz();
      const scale = largestMagnitude(ritz.values);
      const chosen = select(ritz.values, k, which);
      nextCheck = numProducts + Math.max(1, Math.floor(subspace.numApplied / 20));
      if (isDone) return { ritz, subspace, numProducts, numRestarts };
      if (!isExhausted) {
        const isSmall =
          chosen.length === k && chosen.every((i) => ritz.residualBounds[i]! <= 0.8 * tolerance * scale);
        if (isSmall) return { ritz, subspace, numProducts, numRestarts };
        if (!isFull) continue;
        const room = basisSize - subspace.numPending - blockSize;
        await subspace.restart(
          ritz,
          select(ritz.values, Math.min(room, k + Math.ceil((room - k) / 2)), which),
        );
        numRestarts++;
        continue;
      }
      // A Krylov space holds one copy of a multiple eigenvalue: fresh vectors find the others, until one brings nothing.
      const values = chosen.map((i) => ritz.values[i]!);
      const isSame =
        values.length === k && values.every((v, i) => Math.abs(v - (before?.[i] ?? NaN)) <= 1e-6 * scale);
      before = values;
      if (isSame || subspace.basis.count === operator.size)
        return { ritz, subspace, numProducts, numRestarts };
      if (subspace.basis.count === basisSize) {
        await subspace.restart(ritz, select(ritz.values, Math.max(k, basisSize - 2), which));
        numRestarts++;
      }
      if (!(await random.addTo(subspace))) return { ritz, subspace, numProducts, numRestarts };
    }
  } catch (error) {
    subspace.dispose();
    throw error;
  }
}

/** Gaussian start vectors, each with a stream of its own. */
class RandomStarts {
  #stream = 0;
  constructor(
    readonly operator: LinearOperator,
    readonly seed: number,
  ) {}

  async next(): Promise<ParameterVector> {
    return this.operator.space.randomVector('gaussian', this.seed, this.#stream++);
  }

  async addTo(subspace: KrylovSubspace): Promise<boolean> {
    using vector = await this.next();
    return await subspace.addStart(vector);
  }
}

async function startSubspace(
  operator: LinearOperator,
  search: Search,
  random: RandomStarts,
): Promise<KrylovSubspace> {
  const { start, blockSize } = search;
  const starts: ParameterVector[] = [];
  try {
    for (let i = 0; i < Math.min(start.length, blockSize); i++) {
      const given = start.filter((_, place) => place % blockSize === i);
      starts.push(await mixedStart(given, random));
    }
    while (starts.length < blockSize) starts.push(await random.next());
    return await KrylovSubspace.start(operator, starts, search.basisSize, search.basisPlacement);
  } finally {
    disposeAll(starts);
  }
}

/**
 * Of the random part in a start vector. Given eigenvectors alone are an invariant subspace: pairs that are not among them
 * would never be seen, and the given ones pass for the extremes.
 */
const randomShare = 0.1;

/** The sum of the given vectors, normalised, and a little of a random one. */
async function mixedStart(
  [first, ...others]: readonly ParameterVector[],
  random: RandomStarts,
): Promise<ParameterVector> {
  const factor = async (vector: ParameterVector) => 1 / ((await vector.norm()) || 1);
  const factors = [await factor(first!)];
  for (const vector of others) factors.push(await factor(vector));
  using sum = await combine([first!, ...others], factors);
  const norm = await sum.norm();
  if (!(norm > 0 && norm < Infinity))
    throw new LossAtlasError(
      'ERR_DIRECTION',
      "The vectors of option 'start' add up to zero, or are not finite.",
    );
  using other = await random.next();
  return await combine([sum, other], [1, (randomShare * norm) / (await other.norm())]);
}

/** Indices into ascending values, in the order of the result. */
function select(values: Float64Array, k: number, which: Eigenpairs['which']): number[] {
  const ascending = Array.from(values.keys());
  switch (which) {
    case 'largest':
      return ascending.reverse().slice(0, k);
    case 'smallest':
      return ascending.slice(0, k);
    case 'largest-magnitude':
      return ascending.sort((a, b) => Math.abs(values[b]!) - Math.abs(values[a]!)).slice(0, k);
    case 'both-ends': {
      // Where there are fewer than k, none may come twice.
      const count = Math.min(k, values.length);
      const numTop = Math.ceil(count / 2);
      return [...ascending.slice(values.length - numTop).reverse(), ...ascending.slice(0, count - numTop)];
    }
  }
}

function largestMagnitude(values: Float64Array): number {
  return Math.max(Math.abs(values[0]!), Math.abs(values[values.length - 1]!));
}

async function residualNorm(
  operator: LinearOperator,
  vector: ParameterVector,
  value: number,
  signal: AbortSignal | undefined,
): Promise<number> {
  using product = await applyOne(operator, vector, signal);
  using difference = await combine([product, vector], [1, -value]);
  return await difference.norm();
}
