import { LossAtlasError } from '../errors.js';
import { disposeAll, type ParameterVector } from '../model/parameter-vector.js';
import { call } from '../native/call.js';
import type { LinearOperator } from '../operators/linear-operator.js';
import { notFinite } from '../operators/not-finite.js';
import { invalidOption } from '../validate.js';
import { KrylovBasis, type BasisPlacement } from './krylov-basis.js';

/** Below this share of ‖A‖ what is left after orthogonalisation is rounding: the subspace is invariant. */
export const breakdownShare = { float32: 2e-7, float64: 1e-13 } as const;

/** Below this share of itself a new start vector already lies in the subspace. */
const startShare = 1e-6;

export interface RitzPairs {
  /** Ascending. */
  readonly values: Float64Array;
  /** vectors[i]: the unit eigenvector of QᵀAQ for values[i], over the vectors that were multiplied. */
  readonly vectors: readonly Float64Array[];
  /** ‖A·y − λy‖ of the Ritz vectors y, from what their products have outside the subspace. */
  readonly residualBounds: Float64Array;
}

/**
 * A subspace that grows by products, with full reorthogonalisation: QᵀAQ in float64, from the overlaps of the products
 * A·q with all of Q (Golub & Van Loan 2013, §10.3). One start vector makes it Lanczos, several make it block Lanczos, and
 * after `restart` it is thick-restart Lanczos (Wu & Simon 2000): it is the same recurrence each time.
 */
export class KrylovSubspace {
  readonly operator: LinearOperator;
  readonly basis: KrylovBasis;
  /** columns[j][i] = qᵢᵀA qⱼ for the vectors that were multiplied, i over all that there are. */
  readonly #columns: Float64Array[] = [];
  /** leftovers[j]: the norm of what A qⱼ has outside the basis. */
  readonly #leftovers: number[] = [];
  readonly #breakdown: number;
  /** The largest ‖A·q‖ so far: a lower bound of ‖A‖, soon a sharp one. */
  #scale = 0;

  private constructor(operator: LinearOperator, basis: KrylovBasis) {
    this.operator = operator;
    this.basis = basis;
    this.#breakdown = breakdownShare[operator.space.dtype];
  }

  /** Room for `capacity` vectors; `starts` are copied, orthogonalised and normalised. */
  static async start(
    operator: LinearOperator,
    starts: readonly ParameterVector[],
    capacity: number,
    placement: BasisPlacement = 'device',
  ): Promise<KrylovSubspace> {
    const basis = await KrylovBasis.create(operator.space, capacity, placement);
    const subspace = new KrylovSubspace(operator, basis);
    try {
      for (const vector of starts) await subspace.addStart(vector);
      if (basis.count > 0) return subspace;
      throw new LossAtlasError('ERR_DIRECTION', 'The start vector of Lanczos is zero or not finite.');
    } catch (error) {
      basis.dispose();
      throw error;
    }
  }

  /** Vectors that were multiplied: the order of QᵀAQ. */
  get numApplied(): number {
    return this.#columns.length;
  }
  /** Vectors that wait for their product. */
  get numPending(): number {
    return this.basis.count - this.numApplied;
  }

  /** Another vector to go on from; false if it brings nothing. */
  async addStart(vector: ParameterVector): Promise<boolean> {
    const { appended } = await this.basis.extend(vector, startShare);
    return appended;
  }

  /** Multiplies the next `count` vectors that wait, in one call of the operator. */
  async expand(count = 1, signal?: AbortSignal): Promise<void> {
    await expandTogether([this], count, signal);
  }

  /** Views of the next vectors that wait. */
  async pending(count: number): Promise<ParameterVector[]> {
    const rows: ParameterVector[] = [];
    const first = this.numApplied;
    for (let i = first; i < Math.min(first + count, this.basis.count); i++)
      rows.push(await this.basis.row(i));
    return rows;
  }

  /** The products of those vectors, in order. */
  async absorb(products: readonly ParameterVector[]): Promise<void> {
    for (const product of products) {
      const { overlaps, norm, appended } = await this.basis.extend(product, this.#breakdown, this.#scale);
      if (!Number.isFinite(norm)) throw notFinite();
      const column = new Float64Array(this.basis.capacity);
      column.set(overlaps);
      if (appended) column[overlaps.length] = norm;
      this.#columns.push(column);
      this.#scale = Math.max(this.#scale, Math.sqrt(overlaps.reduce((sum, x) => sum + x * x, norm * norm)));
      const isFull = this.basis.count === this.basis.capacity;
      const isRounding = norm <= this.#breakdown * this.#scale;
      this.#leftovers.push(appended || !isFull || isRounding ? 0 : norm);
    }
  }

  /** A·qⱼ = Σᵢ coefficients[i]·qᵢ, but for a rest of norm `leftover` that a full basis could not take. */
  product(j: number): { readonly coefficients: Float64Array; readonly leftover: number } {
    return { coefficients: this.#columns[j]!, leftover: this.#leftovers[j]! };
  }

  /** The Ritz pairs of the vectors that were multiplied. */
  async ritz(): Promise<RitzPairs> {
    const m = this.numApplied;
    const matrix = new Float64Array(m * m);
    for (let j = 0; j < m; j++) {
      for (let i = 0; i <= j; i++) {
        const mean = (this.#columns[j]![i]! + this.#columns[i]![j]!) / 2;
        matrix[i * m + j] = matrix[j * m + i] = mean;
      }
    }
    const { values, vectors } = await call((native) => native.symmetricEigen(matrix, m));
    const rows = Array.from({ length: m }, (_, i) => vectors.subarray(i * m, (i + 1) * m));
    return { values, vectors: rows, residualBounds: Float64Array.from(rows, (s) => this.#residual(s)) };
  }

  /** Goes on from these Ritz vectors and the vectors that wait; the rest of the subspace is given up. */
  async restart(ritz: RitzPairs, kept: readonly number[]): Promise<void> {
    const m = this.numApplied;
    const waiting = Array.from({ length: this.numPending }, (_, u) => m + u);
    const rotation = [
      ...kept.map((i) => ritz.vectors[i]!),
      ...waiting.map((u) => {
        const unit = new Float64Array(this.basis.count);
        unit[u] = 1;
        return unit;
      }),
    ];
    const columns = kept.map((i, k) => {
      const column = new Float64Array(this.basis.capacity);
      column[k] = ritz.values[i]!;
      waiting.forEach((u, w) => {
        column[kept.length + w] = this.#coupling(u, ritz.vectors[i]!);
      });
      return column;
    });
    await this.basis.rotate(rotation);
    this.#columns.splice(0, m, ...columns);
    this.#leftovers.splice(0, m, ...kept.map(() => 0));
  }

  dispose(): void {
    this.basis.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  /** q_uᵀ A y of a Ritz vector y. */
  #coupling(u: number, s: Float64Array): number {
    return s.reduce((sum, x, j) => sum + x * this.#columns[j]![u]!, 0);
  }

  /** The same to the last bit whether the basis had room for what the last product has outside, or not. */
  #residual(s: Float64Array): number {
    const couplings: number[] = [];
    for (let u = this.numApplied; u < this.basis.count; u++) couplings.push(this.#coupling(u, s));
    const outside = s.reduce((sum, x, j) => sum + Math.abs(x) * this.#leftovers[j]!, 0);
    return Math.hypot(...couplings, outside);
  }
}

/** Expands several subspaces of one operator, with all their products in one call of it. */
export async function expandTogether(
  subspaces: readonly KrylovSubspace[],
  count: number,
  signal?: AbortSignal,
): Promise<void> {
  const pending: ParameterVector[][] = [];
  let products: ParameterVector[] = [];
  try {
    for (const subspace of subspaces) pending.push(await subspace.pending(count));
    products = await subspaces[0]!.operator.apply(pending.flat(), signal);
    if (products.length !== pending.flat().length)
      throw invalidOption('operator.apply', 'a function that returns one product for each vector', products);
    let start = 0;
    for (const [i, subspace] of subspaces.entries()) {
      const end = start + pending[i]!.length;
      await subspace.absorb(products.slice(start, end));
      start = end;
    }
  } finally {
    disposeAll([...pending.flat(), ...products]);
  }
}
