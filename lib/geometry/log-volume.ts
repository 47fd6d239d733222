import type { Estimate } from '../results.js';
import { interval, studentQuantile } from '../spectrum/statistics.js';

/** Coefficients of Stirling's series, B₂ₖ / (2k(2k − 1)). */
const stirling = [1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360360];

/** log Γ(x) for x > 0, to rounding: Stirling's series from 15 on, and below by Γ(x) = Γ(x + 1) / x. */
export function logGamma(x: number): number {
  let [shift, z] = [0, x];
  while (z < 15) {
    shift += Math.log(z);
    z++;
  }
  const series = stirling.reduceRight((sum, b) => b + sum / z ** 2, 0) / z;
  return (z - 0.5) * Math.log(z) - z + 0.5 * Math.log(2 * Math.PI) + series - shift;
}

/** log of the volume of the unit ball in n dimensions. */
export function logUnitBall(n: number): number {
  return (n / 2) * Math.log(Math.PI) - logGamma(1 + n / 2);
}

/** log mean exp */
export function logMeanExp(values: readonly number[]): number {
  const top = values.reduce((a, b) => Math.max(a, b), -Infinity);
  if (!Number.isFinite(top)) return top;
  const sum = values.reduce((total, value) => total + Math.exp(value - top), 0);
  return top + Math.log(sum / values.length);
}

/**
 * log of π^(n/2) / Γ(1 + n/2) · E[rⁿ] (Huang et al. 2019, arXiv 1906.03291) with the jackknife's standard error and
 * Student's interval, and the effective number of rays, (Σrⁿ)² / Σr²ⁿ: in many dimensions a few rays make up all of it.
 */
export function logVolume(
  radii: readonly number[],
  n: number,
  confidence: number,
): { readonly volume: Estimate; readonly effectiveSampleSize: number } {
  const terms = radii.map((radius) => n * Math.log(radius));
  const count = terms.length;
  const mean = logMeanExp(terms);
  const value = logUnitBall(n) + mean;
  const effectiveSampleSize = count * Math.exp(2 * mean - logMeanExp(terms.map((term) => 2 * term)));
  if (count < 2)
    return {
      volume: Object.freeze({ value, low: NaN, high: NaN, standardError: NaN }),
      effectiveSampleSize,
    };
  const without = leaveOneOut(terms);
  const center = without.reduce((sum, x) => sum + x, 0) / count;
  const variance = ((count - 1) / count) * without.reduce((sum, x) => sum + (x - center) ** 2, 0);
  return {
    volume: interval(value, Math.sqrt(variance), studentQuantile(confidence, count - 1)),
    effectiveSampleSize,
  };
}

/** log mean exp of all but each in turn: sums from both ends, since a difference would cancel what the largest leaves. */
function leaveOneOut(terms: readonly number[]): number[] {
  const add = (a: number, b: number) => {
    const top = Math.max(a, b);
    return top === -Infinity ? top : top + Math.log(Math.exp(a - top) + Math.exp(b - top));
  };
  const count = terms.length;
  const after = new Array<number>(count + 1).fill(-Infinity);
  for (let i = count - 1; i >= 0; i--) after[i] = add(after[i + 1]!, terms[i]!);
  let before = -Infinity;
  return terms.map((term, i) => {
    const rest = add(before, after[i + 1]!) - Math.log(count - 1);
    before = add(before, term);
    return rest;
  });
}
