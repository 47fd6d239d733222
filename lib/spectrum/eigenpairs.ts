import { LossAtlasError } from '../errors.js';
import type { ParameterSpace } from '../model/parameter-space.js';
import { combine, disposeAll, ParameterVector } from '../model/parameter-vector.js';
import { type LinearOperator, requireOperator } from '../operators/linear-operator.js';
import type { Eigenpairs, Provenance } from '../results.js';
import { Steps } from '../steps.js';
import type { AnalysisOptions } from '../types.js';
import {
  analysisChecks,
  checkOptions,
  invalidOption,
  isBoolean,
  isInteger,
  isOneOf,
  isPositive,
  isSeed,
  type Check,
} from '../validate.js';
import { planBasis, type BasisOptions, type BasisPlan } from './basis-plan.js';
import { RandomStarts, searchPairs, type FoundPairs, type Search } from './eigenpair-search.js';
import { KrylovSubspace } from './krylov-subspace.js';

export interface EigenpairsOptions extends AnalysisOptions, BasisOptions {
  /** Number of pairs, at most n; default 2. For `both-ends` the larger half comes from the top. */
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

export const isWhich = isOneOf('largest-magnitude', 'largest', 'smallest', 'both-ends');

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
    which: isWhich,
    keepBasis: isBoolean,
  });
  const startedAt = performance.now();
  const { which = 'largest-magnitude', seed = 0, keepBasis = false } = options;
  const { tolerance, verify } = precisionOf(operator.space, options);
  const k = numPairs('eigenpairs', options.k, operator.size);
  const maxProducts = Math.max(k, options.maxProducts ?? Math.max(300, 4 * k));
  const blockSize = Math.min(options.blockSize ?? 1, operator.size);
  // Below it a restart would keep nothing but the pairs themselves.
  const needed = Math.min(operator.size, k + 2 * blockSize + 1);
  const wanted = Math.min(operator.size, Math.max(needed, maxProducts + 2 * blockSize));
  const plan = planBasis(operator.space, options, { wanted, needed });
  const search = { k, which, tolerance, maxProducts, blockSize, verify };
  const progress = new Steps('eigenpairs', maxProducts + (verify ? k : 0), options, true);
  const random = new RandomStarts(operator, seed);
  const subspace = await startSubspace(random, options.start ?? [], blockSize, plan);
  let pairs: FoundPairs | undefined;
  let isKept = false;
  try {
    pairs = await searchPairs(subspace, search, random, progress);
    progress.finish();
    const provenance = await operator.provenance(startedAt);
    isKept = keepBasis;
    return withVectors(pairs, keepBasis ? subspace : null, seed, provenance);
  } catch (error) {
    disposeAll(pairs?.vectors ?? []);
    throw error;
  } finally {
    if (!isKept) subspace.dispose();
  }
}

/** How many pairs: of the default as many as there are. */
export function numPairs(name: string, k: number | undefined, size: number): number {
  if (k !== undefined && k > size)
    throw invalidOption(`${name}: option 'k'`, `at most ${size}, the parameters there are`, k);
  return k ?? Math.min(2, size);
}

/** Tolerance, and whether residuals are measured, where the options leave that open. */
export function precisionOf(
  { dtype }: ParameterSpace,
  { tolerance = dtype === 'float64' ? 1e-8 : 1e-4, verify }: Pick<EigenpairsOptions, 'tolerance' | 'verify'>,
): Pick<Search, 'tolerance' | 'verify'> {
  return { tolerance, verify: verify ?? tolerance < 4096 * roundingUnit[dtype] };
}

/** The result, which owns the vectors and the basis. */
export function withVectors(
  { vectors, ...pairs }: FoundPairs,
  basis: KrylovSubspace | null,
  seed: number,
  provenance: Provenance,
): EigenpairsWithVectors {
  const dispose = () => {
    disposeAll(vectors);
    basis?.dispose();
  };
  return Object.freeze({
    kind: 'eigenpairs',
    formatVersion: 1,
    ...pairs,
    seed,
    provenance,
    vectors,
    basis,
    dispose,
    [Symbol.dispose]: dispose,
  });
}

async function startSubspace(
  random: RandomStarts,
  start: readonly ParameterVector[],
  blockSize: number,
  { room, basisPlacement }: BasisPlan,
): Promise<KrylovSubspace> {
  const starts: ParameterVector[] = [];
  try {
    for (let i = 0; i < Math.min(start.length, blockSize); i++) {
      const given = start.filter((_, place) => place % blockSize === i);
      starts.push(await mixedStart(given, random));
    }
    while (starts.length < blockSize) starts.push(await random.next());
    return await KrylovSubspace.start(random.operator, starts, room, basisPlacement);
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
