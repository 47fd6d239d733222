import { LossAtlasError } from '../../errors.js';
import { combine, disposeAll, parameterDots, type ParameterVector } from '../../model/parameter-vector.js';
import { applyOne } from '../../operators/linear-operator.js';
import { KrylovBasis } from '../krylov-basis.js';
import { breakdownShare, KrylovSubspace } from '../krylov-subspace.js';
import type { DeflationVectors, TraceRun } from './options.js';

/** Orthonormal vectors Q, the trace of A on them, and the projection on what is orthogonal to them. */
export class Deflation {
  /**
   * Q is the first `count` vectors of `basis`. `traces`: Σⱼ qⱼᵀ E A qⱼ for each parameter tensor, E its coordinates; they
   * add up to tr QᵀAQ.
   */
  protected constructor(
    protected readonly basis: KrylovBasis,
    protected readonly count: number,
    readonly traces: Float64Array,
    readonly numProducts: number,
    private readonly isOwner: boolean,
  ) {}

  /** P·v = v − Q(Qᵀv) */
  async project(vector: ParameterVector): Promise<ParameterVector> {
    return this.basis.project(vector, this.count);
  }

  dispose(): void {
    if (this.isOwner) this.basis.dispose();
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

  /** Of the result of `eigenpairs` or of vectors. */
  static async ofGiven(run: TraceRun, given: DeflationVectors): Promise<Deflation> {
    if (!('kind' in given)) return Deflation.of(run, given);
    const { basis, vectors } = given;
    return basis !== null && basis.operator === run.operator
      ? KrylovDeflation.ofSubspace(basis, 0, false)
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
      return await KrylovDeflation.ofSubspace(subspace, subspace.numApplied, true);
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

/** Of a Krylov subspace of the same operator: A·Q is known there, so nothing is multiplied. */
export class KrylovDeflation extends Deflation {
  private constructor(
    private readonly subspace: KrylovSubspace,
    count: number,
    traces: Float64Array,
    numProducts: number,
    isOwner: boolean,
  ) {
    super(subspace.basis, count, traces, numProducts, isOwner);
  }

  static async ofSubspace(
    subspace: KrylovSubspace,
    numProducts: number,
    isOwner: boolean,
  ): Promise<KrylovDeflation> {
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
      return new KrylovDeflation(subspace, count, traces, numProducts, isOwner);
    } finally {
      disposeAll(rows);
    }
  }

  /** A·P·v from A·v, without a product: A·P·v = A·v − A·Q(Qᵀv). */
  async projectedProduct(vector: ParameterVector, product: ParameterVector): Promise<ParameterVector> {
    const inside = new Float64Array(this.basis.count);
    for (let j = 0; j < this.count; j++) {
      using q = await this.basis.row(j);
      add(inside, this.subspace.product(j).coefficients, await q.dot(vector));
    }
    const [known] = await this.basis.combine([inside]);
    using onBasis = known!;
    return await combine([product, onBasis], [1, -1]);
  }
}

function notFiniteVector(): LossAtlasError {
  return new LossAtlasError('ERR_DIRECTION', 'The vectors to deflate by are zero, or one is not finite.');
}

/** Far from the streams of the probes. */
const lanczosStream = 2 ** 40;

function add(sums: Float64Array, terms: Float64Array, factor: number): void {
  for (let i = 0; i < sums.length; i++) sums[i]! += factor * terms[i]!;
}
