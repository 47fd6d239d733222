import { combine, disposeAll, type ParameterVector } from '../model/parameter-vector.js';
import { applyOne, type LinearOperator, requireOperator } from '../operators/linear-operator.js';
import type { DiagonalEstimate } from '../results.js';
import { Steps } from '../steps.js';
import type { AnalysisOptions } from '../types.js';
import { analysisChecks, checkOptions, isInteger, isPositive, isSeed } from '../validate.js';
import { notFinite } from '../operators/not-finite.js';

export interface DiagonalOptions extends AnalysisOptions {
  /** Probes at most; default 100, at least 2. */
  readonly probes?: number;
  /** Stop when ‖standard errors‖₂ is this share of ‖diagonal‖₂, from 10 probes on; default: run all `probes`. */
  readonly relativeError?: number;
  readonly seed?: number;
}

/** The diagonal with its vectors, which live on the model's device until `dispose()`. */
export interface DiagonalWithVectors extends DiagonalEstimate {
  /** Aᵢᵢ */
  readonly values: ParameterVector;
  /** Of each entry. */
  readonly standardErrors: ParameterVector;
  dispose(): void;
  [Symbol.dispose](): void;
}

/**
 * The diagonal of an operator: mean of v ⊙ Av over Rademacher probes v (Bekas, Kokiopoulou & Saad 2007). Entry i of one
 * probe has the variance ‖Aᵢ‖² − Aᵢᵢ² of its row; it is estimated by the sample variance.
 *
 *     using diag = await diagonal(hessian(loss), { probes: 200, seed: 1 });
 *     const entries = await diag.values.toArray();
 *     console.log(diag.relativeError, (await diag.standardErrors.toArray())[0]);
 *
 * Throws ERR_INVALID_OPTION, ERR_INVALID_DATA where a product is not finite.
 */
export async function diagonal(
  operator: LinearOperator,
  options: DiagonalOptions = {},
): Promise<DiagonalWithVectors> {
  requireOperator('diagonal', operator);
  checkOptions('diagonal', options, {
    ...analysisChecks,
    probes: isInteger(2),
    relativeError: isPositive,
    seed: isSeed,
  });
  const startedAt = performance.now();
  const { probes = 100, relativeError = 0, seed = 0 } = options;
  const progress = new Steps('diagonal', probes, options, relativeError > 0);
  const moments = new RunningMoments();
  try {
    let error = Infinity;
    while (moments.count < probes && !(moments.count >= 10 && error <= relativeError)) {
      await addProbe(operator, seed, moments, progress);
      if (moments.count > 1) error = await moments.relativeError();
    }
    progress.finish();
    const figures = { norm: await moments.mean.norm(), trace: await traceOf(moments.mean) };
    const provenance = await operator.provenance(startedAt);
    const [values, standardErrors] = [moments.mean, await moments.standardErrors()];
    moments.release();
    const dispose = () => {
      disposeAll([values, standardErrors]);
    };
    return Object.freeze({
      kind: 'diagonal',
      formatVersion: 1,
      ...figures,
      relativeError: error,
      numProducts: moments.count,
      converged: options.relativeError === undefined || error <= relativeError,
      seed,
      provenance,
      values,
      standardErrors,
      dispose,
      [Symbol.dispose]: dispose,
    });
  } finally {
    moments.dispose();
  }
}

async function addProbe(
  operator: LinearOperator,
  seed: number,
  moments: RunningMoments,
  progress: Steps,
): Promise<void> {
  using v = await operator.space.randomVector('rademacher', seed, moments.count);
  using product = await applyOne(operator, v, progress.signal);
  if (!Number.isFinite(await product.dot(product))) throw notFinite();
  await moments.add(await v.multiply(product));
  progress.advance();
}

async function traceOf(values: ParameterVector): Promise<number> {
  return (await values.toArray()).reduce((sum, x) => sum + x, 0);
}

/** Mean and sum of squared deviations, entry by entry (Welford 1962): float32 keeps its digits. */
class RunningMoments {
  #mean: ParameterVector | undefined;
  #squares: ParameterVector | undefined;
  #totalSquares = 0;
  count = 0;

  get mean(): ParameterVector {
    return this.#mean!;
  }

  /** Takes the sample over. */
  async add(sample: ParameterVector): Promise<void> {
    this.count++;
    if (this.#mean === undefined) {
      this.#mean = sample;
      return;
    }
    using taken = sample;
    using deviation = await combine([taken, this.mean], [1, -1]);
    using square = await deviation.multiply(deviation);
    const share = (this.count - 1) / this.count;
    const squares = this.#squares;
    this.#squares =
      squares === undefined ? await square.scale(share) : await combine([squares, square], [1, share]);
    squares?.dispose();
    this.#totalSquares += share * (await deviation.dot(deviation));
    const before = this.mean;
    this.#mean = await combine([before, deviation], [1, 1 / this.count]);
    before.dispose();
  }

  /** ‖standard errors‖₂ / ‖diagonal‖₂, whose square the mean's overestimates by that of the errors. */
  async relativeError(): Promise<number> {
    const error = Math.sqrt(this.#totalSquares / (this.count * (this.count - 1)));
    if (error === 0) return 0;
    return error / Math.sqrt(Math.max(0, (await this.mean.norm()) ** 2 - error ** 2));
  }

  async standardErrors(): Promise<ParameterVector> {
    const squares = await this.#squares!.toArray();
    const freedom = this.count * (this.count - 1);
    return this.mean.space.vector(squares.map((square) => Math.sqrt(square / freedom)));
  }

  /** The mean belongs to the caller from now on. */
  release(): void {
    this.#mean = undefined;
  }

  dispose(): void {
    disposeAll([this.#mean, this.#squares].filter((vector) => vector !== undefined));
  }
}
