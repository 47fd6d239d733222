import type { Estimate } from '../results.js';

/** P(T ≤ t) of Student's t with `freedom` degrees of freedom (Abramowitz & Stegun 1964, 26.7.3 and 26.7.4). */
export function studentCdf(t: number, freedom: number): number {
  const theta = Math.atan(t / Math.sqrt(freedom));
  const cos2 = Math.cos(theta) ** 2;
  const odd = freedom % 2 === 1;
  let term = odd ? Math.cos(theta) : 1;
  let sum = odd && freedom === 1 ? 0 : term;
  for (let k = odd ? 2 : 1; k <= freedom - 3; k += 2) {
    term *= (cos2 * k) / (k + 1);
    sum += term;
  }
  const area = odd ? (2 / Math.PI) * (theta + Math.sin(theta) * sum) : Math.sin(theta) * sum;
  return 0.5 + area / 2;
}

const quantiles = new Map<string, number>();

/** The t with P(|T| ≤ t) = `confidence`, by bisection; remembered, since bands ask for it at every point. */
export function studentQuantile(confidence: number, freedom: number): number {
  const key = `${confidence}/${freedom}`;
  const known = quantiles.get(key) ?? bisectQuantile(confidence, freedom);
  quantiles.set(key, known);
  return known;
}

function bisectQuantile(confidence: number, freedom: number): number {
  if (!(confidence > 0 && confidence < 1))
    throw new RangeError(`no quantile for a confidence of ${confidence}`);
  const target = 0.5 + confidence / 2;
  let low = 0;
  let high = 1;
  while (studentCdf(high, freedom) < target) high *= 2;
  for (let i = 0; i < 200 && high - low > 1e-14 * high; i++) {
    const middle = (low + high) / 2;
    if (studentCdf(middle, freedom) < target) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/** Mean of independent samples with its t interval; the interval is NaN for fewer than two. */
export function meanEstimate(samples: ArrayLike<number>, confidence: number): Estimate {
  const list = Array.from(samples);
  const count = list.length;
  const value = list.reduce((sum, x) => sum + x, 0) / count;
  if (count < 2) return Object.freeze({ value, low: NaN, high: NaN, standardError: NaN });
  const variance = list.reduce((sum, x) => sum + (x - value) ** 2, 0) / (count - 1);
  return interval(value, Math.sqrt(variance / count), studentQuantile(confidence, count - 1));
}

export function interval(value: number, standardError: number, quantile: number): Estimate {
  const half = quantile * standardError;
  return Object.freeze({ value, low: value - half, high: value + half, standardError });
}

/**
 * Σ above / Σ below over independent pairs, with the jackknife's standard error and a t interval (Efron 1982); the
 * interval is NaN for fewer than two, the value 0 where nothing is above.
 */
export function jackknifeRatio(
  above: readonly number[],
  below: readonly number[],
  confidence: number,
): Estimate {
  const count = above.length;
  const ratio = (a: number, b: number) => (a === 0 ? 0 : a / b);
  const sum = (list: readonly number[]) => list.reduce((total, x) => total + x, 0);
  const [a, b] = [sum(above), sum(below)];
  const value = ratio(a, b);
  if (count < 2) return Object.freeze({ value, low: NaN, high: NaN, standardError: NaN });
  const without = above.map((x, i) => ratio(a - x, b - below[i]!));
  const mean = sum(without) / count;
  const variance = ((count - 1) / count) * without.reduce((total, x) => total + (x - mean) ** 2, 0);
  return interval(value, Math.sqrt(variance), studentQuantile(confidence, count - 1));
}

/** b − a of independent estimates with `freedomA` and `freedomB` degrees of freedom: Welch's t interval (1947). */
export function differenceEstimate(
  a: Estimate,
  freedomA: number,
  b: Estimate,
  freedomB: number,
  confidence: number,
): Estimate {
  const [va, vb] = [a.standardError ** 2, b.standardError ** 2];
  const value = b.value - a.value;
  const standardError = Math.sqrt(va + vb);
  if (!Number.isFinite(standardError)) return Object.freeze({ value, low: NaN, high: NaN, standardError });
  if (standardError === 0) return Object.freeze({ value, low: value, high: value, standardError });
  const freedom = (va + vb) ** 2 / (va ** 2 / freedomA + vb ** 2 / freedomB);
  return interval(value, standardError, studentQuantile(confidence, Math.max(1, Math.floor(freedom))));
}
