import { LossAtlasError } from '../errors.js';
import { disposeAll, type ParameterVector } from '../model/parameter-vector.js';
import { call } from '../native/call.js';
import { applyOne, type LinearOperator } from '../operators/linear-operator.js';
import { KrylovBasis } from './krylov-basis.js';

/** Below this share of ‖A‖ what is left after orthogonalisation is rounding: the subspace is invariant. */
const breakdownShare = { float32: 2e-7, float64: 1e-13 } as const;

export interface RitzPairs {
  /** Ascending. */
  readonly values: Float64Array;
  /** vectors[i]: the unit eigenvector of T for values[i]. */
  readonly vectors: readonly Float64Array[];
  /** ‖A·y − λy‖ of the Ritz vectors y: β·|last entry|. */
  readonly residualBounds: Float64Array;
}

/**
 * The Lanczos process with full reorthogonalisation (Golub & Van Loan 2013, §10.1; Parlett 1998): T = QᵀAQ, α and β in
 * float64. After an invariant subspace it goes on with a fresh random vector if asked to, with β = 0 between.
 */
export class Lanczos {
  readonly operator: LinearOperator;
  readonly basis: KrylovBasis;
  readonly alpha: number[] = [];
  /** beta[j] couples steps j and j + 1. */
  readonly beta: number[] = [];
  /** No direction is left: the Ritz values are exact for what the start reaches. */
  exhausted = false;
  readonly #breakdown: number;
  /** The largest ‖A·q‖ so far: a lower bound of ‖A‖, soon a sharp one. */
  #scale = 0;

  private constructor(operator: LinearOperator, basis: KrylovBasis) {
    this.operator = operator;
    this.basis = basis;
    this.#breakdown = breakdownShare[operator.space.dtype];
  }

  /** Room for `maxSteps` steps; `start` is copied and normalised. */
  static async start(operator: LinearOperator, start: ParameterVector, maxSteps: number): Promise<Lanczos> {
    const basis = await KrylovBasis.create(operator.space, maxSteps);
    try {
      const { appended } = await basis.extend(start, 0);
      if (appended) return new Lanczos(operator, basis);
      throw new LossAtlasError('ERR_DIRECTION', 'The start vector of Lanczos is zero or not finite.');
    } catch (error) {
      basis.dispose();
      throw error;
    }
  }

  get numSteps(): number {
    return this.alpha.length;
  }

  /** One product and one orthogonalisation. */
  async step(signal?: AbortSignal): Promise<void> {
    const j = this.numSteps;
    const q = await this.basis.row(j);
    let w: ParameterVector | undefined;
    try {
      w = await applyOne(this.operator, q, signal);
      const { overlaps, norm, appended } = await this.basis.extend(w, this.#breakdown, this.#scale);
      if (!Number.isFinite(norm)) {
        throw notFinite();
      }
      this.alpha.push(overlaps[j]!);
      this.beta.push(norm);
      this.#scale = Math.max(this.#scale, Math.sqrt(overlaps.reduce((sum, x) => sum + x * x, norm * norm)));
      this.exhausted = !appended && this.basis.count < this.basis.capacity;
      if (this.exhausted) this.beta[j] = 0;
    } finally {
      disposeAll(w === undefined ? [q] : [q, w]);
    }
  }

  /** Goes on after an invariant subspace with `vector`; false if the whole space is spanned. */
  async restart(vector: ParameterVector): Promise<boolean> {
    const { appended } = await this.basis.extend(vector, 1e-3);
    this.exhausted = !appended;
    return appended;
  }

  async ritz(): Promise<RitzPairs> {
    const m = this.numSteps;
    const matrix = new Float64Array(m * m);
    for (let j = 0; j < m; j++) {
      matrix[j * m + j] = this.alpha[j]!;
      if (j + 1 < m) matrix[j * m + j + 1] = matrix[(j + 1) * m + j] = this.beta[j]!;
    }
    const { values, vectors } = await call((native) => native.symmetricEigen(matrix, m));
    const rows = Array.from({ length: m }, (_, i) => vectors.subarray(i * m, (i + 1) * m));
    return {
      values,
      vectors: rows,
      residualBounds: Float64Array.from(rows, (row) => Math.abs(row[m - 1]! * this.beta[m - 1]!)),
    };
  }

  dispose(): void {
    this.basis.dispose();
  }
}

/** What a product with NaN or infinity means. */
export function notFinite(): LossAtlasError {
  return new LossAtlasError(
    'ERR_INVALID_DATA',
    'A product with the operator is not finite: the parameters hold NaN, or the loss overflows there. Evaluate the loss first; float64 has more range.',
  );
}
