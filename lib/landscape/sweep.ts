import type { ParameterVector } from '../model/parameter-vector.js';
import type { Objective } from '../objective/objective.js';
import type { Steps } from '../steps.js';

/** A native call should take about this long, so that abort and progress are prompt and calls cost nothing. */
const targetSeconds = 0.1;
const maxChunk = 256;

export interface SweepValues {
  readonly loss: Float64Array;
  readonly accuracy: Float64Array | null;
}

/**
 * Evaluates the objective at origin + Σᵢ coefficients[p·k + i]·directions[i] for all p. Non-finite values are kept as
 * they come. Each point is computed from the origin, so the values do not depend on how they are chunked.
 */
export async function sweep(
  objective: Objective,
  origin: ParameterVector,
  directions: readonly ParameterVector[],
  coefficients: Float64Array,
  steps: Steps,
): Promise<SweepValues> {
  const k = directions.length;
  const numPoints = coefficients.length / k;
  const loss = new Float64Array(numPoints);
  const accuracy = new Float64Array(numPoints);
  let chunk = 1;
  for (let start = 0; start < numPoints;) {
    const count = Math.min(chunk, numPoints - start);
    const before = performance.now();
    const part = coefficients.subarray(start * k, (start + count) * k);
    const values = await objective.evaluatePoints(origin, directions, part, count, steps.signal);
    values.forEach((value, i) => {
      loss[start + i] = value.loss;
      accuracy[start + i] = value.accuracy ?? NaN;
    });
    start += count;
    const secondsPerPoint = (performance.now() - before) / 1000 / count;
    chunk = Math.max(1, Math.min(maxChunk, Math.round(targetSeconds / secondsPerPoint)));
    steps.advance(count);
  }
  // A criterion either has an accuracy at every point or at none.
  return { loss, accuracy: Number.isNaN(accuracy[0]) ? null : accuracy };
}

/** `points` equally spaced coordinates; with an odd number and a symmetric range the middle one is exactly 0. */
export function coordinates(range: readonly [number, number], points: number): Float64Array {
  const [low, high] = range;
  if (points === 1) return Float64Array.of((low + high) / 2);
  return Float64Array.from({ length: points }, (_, i) => low + (high - low) * (i / (points - 1)));
}
