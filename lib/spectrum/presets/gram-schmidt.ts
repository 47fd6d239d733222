import { combine, type ParameterVector } from '../../model/parameter-vector.js';
import { notFinite } from '../../operators/not-finite.js';

/** What both programs add to a divisor. */
export const epsilon = 1e-6;

/** v / (‖v‖ + 1e-6): a short vector gets shorter than 1, and one of rounding errors stays one. */
export async function normalized(vector: ParameterVector): Promise<ParameterVector> {
  const norm = await vector.norm();
  if (!Number.isFinite(norm)) throw notFinite();
  return vector.scale(1 / (norm + epsilon));
}

/** One pass of modified Gram–Schmidt against vectors that are taken for unit vectors, then `normalized`. */
export async function orthonormalized(
  vector: ParameterVector,
  against: readonly ParameterVector[],
): Promise<ParameterVector> {
  let rest = vector;
  try {
    for (const q of against) {
      const next = await combine([rest, q], [1, -(await rest.dot(q))]);
      if (rest !== vector) rest.dispose();
      rest = next;
    }
    return await normalized(rest);
  } finally {
    if (rest !== vector) rest.dispose();
  }
}
