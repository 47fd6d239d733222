import { combine, disposeAll, type ParameterVector } from '../model/parameter-vector.js';
import { applyOne, type LinearOperator } from '../operators/linear-operator.js';
import type { Eigenpairs } from '../results.js';
import type { Steps } from '../steps.js';
import { basisBytes } from './basis-plan.js';
import type { KrylovSubspace, RitzPairs } from './krylov-subspace.js';

/** Which pairs are wanted, and what they may cost. */
export interface Search {
  readonly k: number;
  readonly which: Eigenpairs['which'];
  readonly tolerance: number;
  readonly maxProducts: number;
  readonly blockSize: number;
  /** Whether every residual is measured by one more product. */
  readonly verify: boolean;
}

/** Pairs with their vectors, which the caller disposes of. */
export interface FoundPairs extends Pick<
  Eigenpairs,
  | 'which'
  | 'values'
  | 'residuals'
  | 'converged'
  | 'allConverged'
  | 'tolerance'
  | 'numProducts'
  | 'numRestarts'
  | 'basisSize'
  | 'basisBytes'
> {
  readonly vectors: readonly ParameterVector[];
}

/**
 * Extreme eigenpairs from a subspace, which grows until it holds them, and is restarted where it is full. One that has
 * products already is looked at first, and may do as it is; `numProducts` are those that were made here.
 */
export async function searchPairs(
  subspace: KrylovSubspace,
  search: Search,
  random: RandomStarts,
  progress: Steps,
): Promise<FoundPairs> {
  const { operator } = subspace;
  const { k, which, tolerance, verify } = search;
  const { ritz, numProducts, numRestarts } = await iterate(subspace, search, random, progress);
  const chosen = select(ritz.values, k, which);
  const vectors = await subspace.basis.combine(chosen.map((i) => ritz.vectors[i]!));
  try {
    const values = Float64Array.from(chosen, (i) => ritz.values[i]!);
    const residuals = Float64Array.from(chosen, (i) => ritz.residualBounds[i]!);
    for (let i = 0; verify && i < k; i++) {
      residuals[i] = await residualNorm(operator, vectors[i]!, values[i]!, progress.signal);
      progress.advance();
    }
    const scale = largestMagnitude(ritz.values);
    const converged = Array.from(residuals, (r) => r <= tolerance * scale);
    const basisSize = subspace.basis.capacity;
    return {
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
      vectors: Object.freeze(vectors),
    };
  } catch (error) {
    disposeAll(vectors);
    throw error;
  }
}

interface Found {
  readonly ritz: RitzPairs;
  readonly numProducts: number;
  readonly numRestarts: number;
}

async function iterate(
  subspace: KrylovSubspace,
  { k, which, tolerance, maxProducts, blockSize }: Search,
  random: RandomStarts,
  progress: Steps,
): Promise<Found> {
  const { size } = subspace.operator;
  const basisSize = subspace.basis.capacity;
  let numProducts = 0;
  let numRestarts = 0;
  let nextCheck = subspace.numApplied === 0 ? k + 2 : 0;
  let before: readonly number[] | undefined;
  for (;;) {
    const isDone = numProducts >= maxProducts;
    const isExhausted = subspace.numPending === 0;
    const isFull =
      basisSize < size && subspace.basis.count + Math.min(blockSize, subspace.numPending) > basisSize;
    if (isDone || isExhausted || isFull || numProducts >= nextCheck) {
      const ritz = await subspace.ritz();
      const scale = largestMagnitude(ritz.values);
      const chosen = select(ritz.values, k, which);
      nextCheck = numProducts + Math.max(1, Math.floor(subspace.numApplied / 20));
      const found = { ritz, numProducts, numRestarts };
      if (isDone) return found;
      if (!isExhausted) {
        const isSmall =
          chosen.length === k && chosen.every((i) => ritz.residualBounds[i]! <= 0.8 * tolerance * scale);
        if (isSmall) return found;
        if (isFull) {
          const room = basisSize - subspace.numPending - blockSize;
          const kept = select(ritz.values, Math.min(room, k + Math.ceil((room - k) / 2)), which);
          await subspace.restart(ritz, kept);
          numRestarts++;
        }
      } else {
        // A Krylov space holds one copy of a multiple eigenvalue: fresh vectors find the others, until one brings nothing.
        const values = chosen.map((i) => ritz.values[i]!);
        const isSame =
          values.length === k && values.every((v, i) => Math.abs(v - (before?.[i] ?? NaN)) <= 1e-6 * scale);
        before = values;
        if (isSame || subspace.basis.count === size) return found;
        if (subspace.basis.count === basisSize) {
          await subspace.restart(ritz, select(ritz.values, Math.max(k, basisSize - 2), which));
          numRestarts++;
        }
        if (!(await random.addTo(subspace))) return found;
      }
    }
    const count = Math.min(blockSize, subspace.numPending, maxProducts - numProducts);
    await subspace.expand(count, progress.signal);
    numProducts += count;
    progress.advance(count);
  }
}

/** Gaussian start vectors, each with a stream of its own, from `firstStream` on. */
export class RandomStarts {
  #stream: number;
  constructor(
    readonly operator: LinearOperator,
    readonly seed: number,
    firstStream = 0,
  ) {
    this.#stream = firstStream;
  }

  async next(): Promise<ParameterVector> {
    return this.operator.space.randomVector('gaussian', this.seed, this.#stream++);
  }

  async addTo(subspace: KrylovSubspace): Promise<boolean> {
    using vector = await this.next();
    return await subspace.addStart(vector);
  }
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
