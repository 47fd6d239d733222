import { combine, type ParameterVector } from '../model/parameter-vector.js';
import { Direction, makeDirection, type DirectionSource } from './direction.js';

/** `direction` minus its projection on `other`: orthogonal in the Euclidean sense. */
export async function orthogonalize(
  direction: ParameterVector,
  other: ParameterVector,
): Promise<ParameterVector> {
  const share = (await direction.dot(other)) / (await other.dot(other));
  return combine([direction, other], [1, -share]);
}

export async function cosine(a: ParameterVector, b: ParameterVector): Promise<number> {
  return (await a.dot(b)) / ((await a.norm()) * (await b.norm()));
}

const maxRounds = 50;

/**
 * `raw` as a direction that is both normalised and orthogonal to `other`. Normalising by groups turns a direction a
 * little, so the two steps alternate until neither changes anything.
 */
export async function makeOrthogonalDirection(
  raw: ParameterVector,
  other: ParameterVector,
  source: DirectionSource,
): Promise<Direction> {
  const enough = raw.model.dtype === 'float64' ? 1e-13 : 1e-8;
  let direction = await makeDirection(raw, source);
  // A product with the weights is no scaling to a norm: repeated, it would be another product each time.
  if (direction.description.normalization === 'weight') return projectOnce(direction, other, source);
  let size = Math.abs(await cosine(direction.vector, other));
  for (let round = 0; round < maxRounds && size > enough; round++) {
    using before = direction;
    using turned = await orthogonalize(before.vector, other);
    direction = await makeDirection(turned, source);
    const now = Math.abs(await cosine(direction.vector, other));
    // Down to rounding it no longer shrinks.
    if (now > 0.9 * size && round > 2) break;
    size = now;
  }
  return direction;
}

/** Takes `direction` over. */
async function projectOnce(
  direction: Direction,
  other: ParameterVector,
  source: DirectionSource,
): Promise<Direction> {
  using before = direction;
  using turned = await orthogonalize(before.vector, other);
  const options = { ...source.options, normalization: 'none', ignore: before.description.ignored } as const;
  const { vector, description } = await makeDirection(turned, { ...source, options });
  const { label, normalization } = before.description;
  return new Direction(vector, { ...description, label, normalization });
}
