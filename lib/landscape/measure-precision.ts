import type { Objective, PointSet } from '../objective/objective.js';
import type { ReducedPrecision } from '../objective/subspace.js';
import type { PrecisionNote } from '../results.js';
import { invalidOption } from '../validate.js';

/** Points that are computed once more in the model's own type: a sixteenth, within these. */
const [fewest, most] = [3, 9];

/** Throws ERR_INVALID_OPTION where the model or its device has no such precision, or gradients are wanted. */
export function requirePrecision(
  caller: string,
  precision: ReducedPrecision,
  objective: Objective,
  gradientNorm: boolean,
): void {
  const { computeDtype, device } = objective.model;
  const refuse = (expected: string) => invalidOption(`${caller}: option 'precision'`, expected, precision);
  if (computeDtype !== 'float32') throw refuse(`absent for a model that computes in ${computeDtype}`);
  if (precision === 'tf32' && device === 'cpu') throw refuse("'bf16' on the CPU: 'tf32' is a GPU's");
  if (gradientNorm)
    throw refuse("absent where there is option 'gradientNorm': gradients keep the model's own type");
}

/** What the precision did to the losses, at points that are spread evenly over the sweep. */
export async function measurePrecision(
  kind: ReducedPrecision,
  objective: Objective,
  points: PointSet,
  loss: Float64Array,
  signal?: AbortSignal,
): Promise<PrecisionNote> {
  const wanted = Math.min(most, Math.max(fewest, Math.round(points.numPoints / 16)));
  const count = Math.min(wanted, points.numPoints);
  const places = Array.from({ length: count }, (_, i) =>
    count === 1 ? 0 : Math.round((i * (points.numPoints - 1)) / (count - 1)),
  );
  const k = points.directions.length;
  const coefficients = Float64Array.from(
    places.flatMap((place) => [...points.coefficients.subarray(place * k, (place + 1) * k)]),
  );
  const exact = await objective.evaluatePoints({ ...points, coefficients, numPoints: count }, signal);
  const errors = exact
    .map((evaluation, i) => Math.abs(loss[places[i]!]! - evaluation.loss) / Math.abs(evaluation.loss))
    .filter((error) => Number.isFinite(error));
  return Object.freeze({
    kind,
    lossError: errors.length === 0 ? NaN : Math.max(...errors),
    numCompared: count,
  });
}
