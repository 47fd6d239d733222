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
    'Every target of the data is ignoreIndex, so nothing counts. Check ignoreIndex.',
  );
}

/** Sums over batches, float64; see `evaluatePoints` of the addon for the numbers. */
export class EvaluationSum {
  readonly #sums: Float64Array;
  readonly #metricNames: readonly string[];

  /** `metricNames`: of the metrics that the addon computes, in its order. */
  constructor(metricNames: readonly string[]) {
    this.#metricNames = metricNames;
    this.#sums = new Float64Array(4 + 2 * metricNames.length);
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
    const metrics = this.#metricNames.map((name, i) => [name, rest[2 * i]! / rest[2 * i + 1]!] as const);
    return {
      loss: loss / count,
      accuracy: answers > 0 ? correct / answers : null,
      metrics: Object.fromEntries(metrics),
    };
  }
}
