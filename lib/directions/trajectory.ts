import { LossAtlasError } from '../errors.js';
import { combine, disposeAll, gramMatrix, type ParameterVector } from '../model/parameter-vector.js';
import { requireFit, type Solution } from '../model/solution.js';
import { call } from '../native/call.js';
import { makeDirection, type Direction } from './direction.js';
import { Plane } from './plane.js';

/**
 * The plane of the two principal components of a training path: of θᵢ − θ_N, i = 0 … N, not centred (Li et al. 2018,
 * arXiv 1712.09913, section 7), by the N × N Gram matrix. (0, 0) is the last solution, axes have unit length, and
 * `explainedVariance` says what share of Σ‖θᵢ − θ_N‖² lies along each.
 *
 * Throws ERR_DIRECTION for a path that has no two dimensions, ERR_LAYOUT_MISMATCH.
 */
export async function trajectoryPlane(solutions: readonly Solution[]): Promise<Plane> {
  const last = solutions.at(-1);
  if (last === undefined || solutions.length < 3)
    throw new LossAtlasError('ERR_INVALID_OPTION', 'trajectoryPlane: a path needs at least three solutions.');
  for (const solution of solutions) requireFit(last.model, solution);
  const steps: ParameterVector[] = [];
  const axes: Direction[] = [];
  try {
    for (const { theta } of solutions.slice(0, -1)) steps.push(await combine([theta, last.theta], [1, -1]));
    const n = steps.length;
    const gram = await gramMatrix(steps);
    const { values, vectors } = await call((native) => native.symmetricEigen(gram, n));
    const total = values.reduce((sum, value) => sum + Math.max(0, value), 0);
    for (const [rank, index] of [n - 1, n - 2].entries()) {
      const value = values[index]!;
      if (!(value > 1e-10 * total))
        throw new LossAtlasError(
          'ERR_DIRECTION',
          'The path lies on a line (or does not move): it spans no plane.',
        );
      const row = vectors.subarray(index * n, (index + 1) * n);
      const share = value / total;
      using raw = await combine(
        steps as [ParameterVector, ...ParameterVector[]],
        Array.from(row, (weight) => weight / Math.sqrt(value)),
      );
      // Rounding of the sum, taken back.
      using unit = await raw.scale(1 / (await raw.norm()));
      axes.push(
        await makeDirection(unit, {
          kind: 'principal-component',
          label: `principal component ${rank + 1} (${(100 * share).toFixed(1)} % of variance)`,
          options: { at: last },
          defaultNormalization: 'none',
        }),
      );
    }
    const explainedVariance = Float64Array.of(values[n - 1]! / total, values[n - 2]! / total);
    return new Plane([axes[0]!, axes[1]!], { origin: last, explainedVariance });
  } catch (error) {
    disposeAll(axes);
    throw error;
  } finally {
    disposeAll(steps);
  }
}
