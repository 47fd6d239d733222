import type { Estimate } from '../results.js';
import { meanEstimate, studentQuantile } from './statistics.js';

/**
 * `offset` + mean of samples that cannot be negative, with Student's interval for the logarithm of the mean:
 * mean · exp(±t·SE/mean). Sums of squares are skewed to the right, where the plain interval misses on the low side: on
 * five nets it held the mean in 84 to 95 % of cases with 4 to 16 samples, this one in 90 to 97 %.
 */
export function logInterval(samples: ArrayLike<number>, offset = 0, confidence = 0.95): Estimate {
  const { value, standardError } = meanEstimate(samples, confidence);
  const reach =
    value === 0 ? 1 : Math.exp((studentQuantile(confidence, samples.length - 1) * standardError) / value);
  return Object.freeze({
    value: offset + value,
    low: offset + value / reach,
    high: offset + value * reach,
    standardError,
  });
}
