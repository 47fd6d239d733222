import { LossAtlasError } from '../../errors.js';
import { disposeAll, parameterDots, type ParameterVector } from '../../model/parameter-vector.js';
import { applyOne } from '../../operators/linear-operator.js';
import { KrylovBasis } from '../krylov-basis.js';
import { breakdownShare, KrylovSubspace } from '../krylov-subspace.js';
import type { DeflationVectors, TraceRun } from './options.js';

/** Orthonormal vectors Q, the trace of A on them, and the projection on what is orthogonal to them. */
export class Deflation {
  readonly #basis: KrylovBasis;
  readonly #count: number;
  readonly #isOwner: boolean;

  /** `traces`: Σⱼ qⱼᵀ E A qⱼ for each parameter tensor, E its coordinates; they add up to tr QᵀAQ. */
  private constructor(
    basis: KrylovBasis,
    count: number,
    readonly traces: Float64Array,
    readonly numProducts: number,
    isOwner: boolean,
  ) {
    this.#basis = basis;
    this.#count = count;
    this.#isOwner = isOwner;
  }

  /** P·v = v − Q(Qᵀv) */
  async project(vector: ParameterVector): Promise<ParameterVector> {
    return this.#basis.project(vector, this.#count);
  }

  dispose(): void {
    if (this.#isOwner) this.#basis.dispose();
  }

  /** Of any vectors, made orthonormal; costs a product for each that is left. */
  static async of(run: TraceRun, vectors: readonly ParameterVector[], extraProducts = 0): Promise<Deflation> {
    const { operator, progress } = run;
    const basis = await KrylovBasis.create(operator.space, Math.min(vectors.length, operator.size));
    try {
      for (const vector of vectors) {
        const { norm } = await basis.extend(vector, breakdownShare[operator.space.dtype]);
        if (!Number.isFinite(norm)) throw notFiniteVector();
      }
      if (basis.count === 0) throw notFiniteVector();
      const traces = new Float64Array(operator.space.parameters.length);
      for (let j = 0; j < basis.count; j++) {
        using q = await basis.row(j);
        using product = await applyOne(operator, q, progress.signal);
        add(traces, (await parameterDots([q], product))[0]!, 1);
        progress.advance();
      }
      return new Deflation(basis, basis.count, traces, basis.count + extraProducts, true);
    } catch (error) {
      basis.dispose();
      throw error;
    }
  }

  /** Of a Krylov subspace of the same operator: A·qⱼ is known there, so nothing is multiplied. */
  static async ofSubspace(
    subspace: KrylovSubspace,
    numProducts: number,
    isOwner: boolean,
  ): Promise<Deflation> {
    const { basis } = subspace;
    const { space } = subspace.operator;
    let count = 0;
    while (count < subspace.numApplied && subspace.product(count).leftover === 0) count++;
    const traces = new Float64Array(space.parameters.length);
    const rows: ParameterVector[] = [];
    try {
      for (let i = 0; i < basis.count; i++) rows.push(await basis.row(i));
      for (let j = 0; j < count; j++) {
        const { coefficients } = subspace.product(j);
        const largest = coefficients.reduce((most, c) => Math.max(most, Math.abs(c)), 0);
        // Lanczos leaves three that are more than rounding.
        const used = [...rows.keys()].filter(
          (i) => Math.abs(coefficients[i]!) > breakdownShare[space.dtype] * largest,
        );
        const dots = await parameterDots(
          used.map((i) => rows[i]!),
          rows[j]!,
        );
        used.forEach((i, k) => {
          add(traces, dots[k]!, coefficients[i]!);
        });
      }
      return new Deflation(basis, count, traces, numProducts, isOwner);
    } finally {
      disposeAll(rows);
    }
  }

  /** Of the result of `eigenpairs` or of vectors. */
  static async ofGiven(run: TraceRun, given: DeflationVectors): Promise<Deflation> {
    if (!('kind' in given)) return Deflation.of(run, given);
    const { basis, vectors } = given;
    return basis !== null && basis.operator === run.operator
      ? Deflation.ofSubspace(basis, 0, false)
      : Deflation.of(run, vectors);
  }

  /** Of `steps` Lanczos steps from a Gaussian start. */
  static async ofLanczos(run: TraceRun, steps: number): Promise<Deflation> {
    const { operator, progress } = run;
    using start = await operator.space.randomVector('gaussian', run.seed, lanczosStream);
    const capacity = Math.min(steps + 1, operator.size);
    const subspace = await KrylovSubspace.start(operator, [start], capacity);
    try {
      while (subspace.numApplied < steps && subspace.numPending > 0) {
        await subspace.expand(1, progress.signal);
        progress.advance();
      }
      return await Deflation.ofSubspace(subspace, subspace.numApplied, true);
    } catch (error) {
      subspace.dispose();
      throw error;
    }
  }

  /** Of A·S, S a Rademacher sketch from the first `size` streams (Meyer, Musco, Musco & Woodruff 2021). */
  static async ofSketch(run: TraceRun, size: number): Promise<Deflation> {
    const products: ParameterVector[] = [];
    try {
      for (let i = 0; i < size; i++) {
        using column = await run.operator.space.randomVector('rademacher', run.seed, i);
        products.push(await applyOne(run.operator, column, run.progress.signal));
        run.progress.advance();
      }
      return await Deflation.of(run, products, size);
    } finally {
      disposeAll(products);
    }
  }
}

function notFiniteVector(): LossAtlasError {
  return new LossAtlasError('ERR_DIRECTION', 'The vectors to deflate by are zero, or one is not finite.');
}

/** Far from the streams of the probes. */
const lanczosStream = 2 ** 40;

function add(traces: Float64Array, dots: Float64Array, factor: number): void {
  for (let p = 0; p < traces.length; p++) traces[p]! += factor * dots[p]!;
}
