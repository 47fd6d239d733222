import type { SelfChecks } from '../results.js';

/** What every landscape says about itself. `centerIndex` is −1 where no point is the model itself. */
export function selfChecks(
  loss: Float64Array,
  modelLoss: number,
  centerIndex: number,
  directionCosine: number | null,
): SelfChecks {
  const finite = loss.filter((value) => Number.isFinite(value));
  const numNonFinite = loss.length - finite.length;
  return Object.freeze({
    centerDifference: centerIndex < 0 ? null : Math.abs(loss[centerIndex]! - modelLoss),
    cosine: directionCosine,
    numNonFinite,
    shareNonFinite: numNonFinite / loss.length,
    maxToCenterRatio: finite.reduce((max, value) => Math.max(max, value), -Infinity) / modelLoss,
  });
}
