import type { LinearOperator } from '../../operators/linear-operator.js';
import type { Estimate, ParameterTrace } from '../../results.js';
import { notFinite } from '../../operators/not-finite.js';
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

  /** Each parameter's estimate by `makeEstimate` from its samples, to which the exact part is added. */
  estimates(makeEstimate: MakeEstimate = meanOf): readonly ParameterTrace[] {
    const estimates = this.#operator.space.parameters.map(({ name }, p) => {
      const exact = this.#exact[p]!;
      if (this.count === 0) return Object.freeze({ name, ...interval(exact, 0, 0) });
      const values = this.#samples.map((sample) => sample[p]!);
      return Object.freeze({ name, ...makeEstimate(values, exact) });
    });
    return Object.freeze(estimates);
  }
}

/** `offset` + the mean of the samples. */
export type MakeEstimate = (samples: ArrayLike<number>, offset: number) => Estimate;

/** With Student's interval: of a single block the matrix tells no more than the samples do. */
function meanOf(samples: ArrayLike<number>, offset: number): Estimate {
  const { value, standardError } = meanEstimate(samples, 0.95);
  return interval(offset + value, standardError, studentQuantile(0.95, samples.length - 1));
}

export function sum(values: ArrayLike<number>): number {
  let total = 0;
  for (let i = 0; i < values.length; i++) total += values[i]!;
  return total;
}
