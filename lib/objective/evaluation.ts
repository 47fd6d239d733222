import { LossAtlasError } from '../errors.js';

/** What an objective says of one point. */
export interface Evaluation {
  readonly loss: number;
  /** Share of right answers; null where the criterion has none. */
  readonly accuracy: number | null;
  /** By name, as means over samples. */
  readonly metrics: Readonly<Record<string, number>>;
}

/** A mean over nothing has no value. */
export function requireCount(count: number): void {
  if (count > 0) return;
  throw new LossAtlasError(
    'ERR_EMPTY_DATA',
    "Every target of the data is the label to ignore, so nothing counts. Check option 'ignoreIndex'.",
  );
}

/** Sums over batches, float64; see `evaluatePoints` of the addon for the numbers. */
export class EvaluationSum {
  readonly #sums: Float64Array;
  readonly #metricNames: readonly string[];

  /** `metricNames`: as the objective has them; all but `error` are computed by the addon, in this order. */
  constructor(metricNames: readonly string[]) {
    this.#metricNames = metricNames;
    this.#sums = new Float64Array(4 + 2 * metricNames.filter((name) => name !== 'error').length);
  }

  get count(): number {
    return this.#sums[1]!;
  }

  add(values: Float64Array, point: number): void {
    const width = this.#sums.length;
    for (let i = 0; i < width; i++) this.#sums[i]! += values[width * point + i]!;
  }

  mean(): Evaluation {
    requireCount(this.count);
    const [loss = 0, count = 0, correct = 0, answers = 0, ...rest] = this.#sums;
    const accuracy = answers > 0 ? correct / answers : null;
    let next = 0;
    const metrics = this.#metricNames.map((name) => {
      if (name === 'error') return [name, 1 - accuracy!] as const;
      return [name, rest[next++]! / rest[next++]!] as const;
    });
    return {
      loss: loss / count,
      accuracy,
      metrics: Object.fromEntries(metrics),
    };
  }
}
