import type { LinearOperator } from '../../operators/linear-operator.js';
import type { ParameterTrace } from '../../results.js';
import { notFinite } from '../krylov-subspace.js';
import { interval, meanEstimate, studentQuantile } from '../statistics.js';

/** Estimates of every parameter tensor's own trace, probe by probe, on top of a part that is known exactly. */
export class ParameterSamples {
  readonly #operator: LinearOperator;
  readonly #samples: Float64Array[] = [];
  readonly #exact: Float64Array;

  constructor(operator: LinearOperator, exact?: Float64Array) {
    this.#operator = operator;
    this.#exact = exact ?? new Float64Array(operator.space.parameters.length);
  }

  get count(): number {
    return this.#samples.length;
  }

  /** The estimates of one probe, without the exact part. Throws ERR_INVALID_DATA where one is not finite. */
  add(sample: Float64Array): void {
    if (!sample.every(Number.isFinite)) throw notFinite();
    this.#samples.push(sample);
  }

  /** The whole trace by each probe. */
  totals(): Float64Array {
    const exact = sum(this.#exact);
    return Float64Array.from(this.#samples, (sample) => exact + sum(sample));
  }

  /**
   * Means with t intervals of the samples; `inflation` widens them. The spread of a probe's total is known better than
   * that (see `hutchinson`), but of a single block the matrix tells nothing more.
   */
  estimates(inflation = 1): readonly ParameterTrace[] {
    const estimates = this.#operator.space.parameters.map(({ name }, p) => {
      const exact = this.#exact[p]!;
      if (this.count === 0) return Object.freeze({ name, ...interval(exact, 0, 0) });
      const values = this.#samples.map((sample) => exact + sample[p]!);
      const { value, standardError } = meanEstimate(values, 0.95);
      const quantile = studentQuantile(0.95, Math.max(1, this.count - 1));
      return Object.freeze({ name, ...interval(value, inflation * standardError, quantile) });
    });
    return Object.freeze(estimates);
  }
}

export function sum(values: ArrayLike<number>): number {
  let total = 0;
  for (let i = 0; i < values.length; i++) total += values[i]!;
  return total;
}
