import { hessian } from '../operators/hessian.js';
import type { Direction } from '../directions/direction.js';
import type { ParameterVector } from '../model/parameter-vector.js';
import type { Solution } from '../model/solution.js';
import type { Objective } from '../objective/objective.js';
import type { CurvatureCheck } from '../results.js';

/** h·‖d‖ / ‖θ‖: rounding grows below it, kinks and higher orders above. */
const relativeStep = { float32: 1e-2, float64: 1e-4 } as const;

/**
 * dᵀHd of each axis at the centre, once by a second difference of the very losses that a landscape shows, once by a
 * Hessian-vector product. Kinks (ReLU, max-pooling) and large third derivatives keep the two apart.
 */
export async function checkCurvature(
  objective: Objective,
  origin: ParameterVector,
  at: Solution | null,
  axes: readonly Direction[],
  signal?: AbortSignal,
): Promise<CurvatureCheck[]> {
  using operator = hessian(objective, at === null ? {} : { at });
  const out: CurvatureCheck[] = [];
  for (const { vector, description } of axes) {
    const step = relativeStep[objective.model.dtype] / description.relativeNorm;
    const [product] = await operator.apply([vector], signal);
    using applied = product!;
    const points = {
      origin,
      buffers: at?.buffers ?? null,
      directions: [vector],
      coefficients: Float64Array.of(-step, 0, step),
      numPoints: 3,
    };
    const [below, center, above] = await objective.evaluatePoints(points, signal);
    out.push({
      secondDifference: (above!.loss - 2 * center!.loss + below!.loss) / step ** 2,
      quadraticForm: await vector.dot(applied),
      step,
    });
  }
  return out;
}
