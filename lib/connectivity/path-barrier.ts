import type { PathBarrier } from '../results.js';

/**
 * The barrier of losses along t from 0 to 1, ends included. Of accuracies `isAccuracy`: what they fall short of the line
 * between the ends.
 */
export function pathBarrier(t: Float64Array, values: Float64Array, isAccuracy = false): PathBarrier {
  const sign = isAccuracy ? -1 : 1;
  const costs = values.map((value) => sign * value);
  const [first, last] = [costs[0]!, costs.at(-1)!];
  const excess = costs.map((cost, i) => {
    // At the ends nothing, whatever rounding says.
    if (i === 0 || i === costs.length - 1) return Number.isNaN(cost) ? NaN : 0;
    return cost - ((1 - t[i]!) * first + t[i]! * last);
  });
  const highest = largest(excess);
  const worst = largest(costs);
  return Object.freeze({
    height: excess[highest]!,
    t: t[highest]!,
    aboveWorseEnd: costs[worst]! - Math.max(first, last),
    worst: values[worst]!,
    worstAt: t[worst]!,
  });
}

/** The first of the largest, or the first NaN. */
function largest(values: Float64Array): number {
  const unknown = values.findIndex((value) => Number.isNaN(value));
  if (unknown >= 0) return unknown;
  return values.reduce((best, value, i) => (value > values[best]! ? i : best), 0);
}
