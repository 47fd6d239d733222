import { LossAtlasError } from '../errors.js';
import { combineBuffers } from '../model/buffer-state.js';
import { combine, disposeAll } from '../model/parameter-vector.js';
import { requireFit, type Solution } from '../model/solution.js';
import { Direction, makeDirection } from './direction.js';
import { orthogonalize } from './orthogonal.js';
import { Plane } from './plane.js';

/**
 * From one solution to another: at 0 lies `from`, at 1 `to`. Running statistics change along with the parameters
 * (`states` of Li et al. 2018).
 */
export async function differenceDirection(from: Solution, to: Solution): Promise<Direction> {
  requireFit(from.model, to);
  using vector = await combine([to.theta, from.theta], [1, -1]);
  if ((await vector.norm()) === 0) {
    throw new LossAtlasError(
      'ERR_DIRECTION',
      `'${from.label}' and '${to.label}' have the same parameters: there is no line between them.`,
    );
  }
  const direction = await makeDirection(vector, {
    kind: 'difference',
    label: `from ${from.label} to ${to.label}`,
    options: { at: from },
    defaultNormalization: 'none',
  });
  return withBuffers(direction, await combineBuffers([to.buffers, from.buffers], [1, -1]));
}

/**
 * The plane through three solutions: (0, 0) is `a`, the first axis points to `b`, the second towards `c`, both of unit
 * length; `plane.solutions` has the coordinates of all three. Running statistics are interpolated between the three.
 *
 * Throws ERR_DIRECTION where the three lie on a line, ERR_LAYOUT_MISMATCH.
 */
export async function threePointPlane(a: Solution, b: Solution, c: Solution): Promise<Plane> {
  requireFit(a.model, b);
  requireFit(a.model, c);
  using toB = await combine([b.theta, a.theta], [1, -1]);
  using toC = await combine([c.theta, a.theta], [1, -1]);
  const [lengthB, lengthC] = [await toB.norm(), await toC.norm()];
  if (!(lengthB > 0 && lengthC > 0)) throw collinear(a, b, c);
  const unit = async (label: string, vector: typeof toB, length: number) => {
    using scaled = await vector.scale(1 / length);
    return await makeDirection(scaled, {
      kind: 'difference',
      label,
      options: { at: a },
      defaultNormalization: 'none',
    });
  };
  const axes: Direction[] = [];
  try {
    const first = await unit(`towards ${b.label}`, toB, lengthB);
    axes.push(first);
    const along = await toC.dot(first.vector);
    using once = await orthogonalize(toC, first.vector);
    using rest = await orthogonalize(once, first.vector);
    const height = await rest.norm();
    if (!(height > 1e-6 * lengthC)) throw collinear(a, b, c);
    const second = await unit(`towards ${c.label}`, rest, height);
    axes.push(second);
    // Buffers are affine on the plane: those of the three solutions at their coordinates.
    const x = await combineBuffers([b.buffers, a.buffers], [1 / lengthB, -1 / lengthB]);
    axes[0] = withBuffers(first, x);
    const y = await combineBuffers([c.buffers, a.buffers, x], [1 / height, -1 / height, -along / height]);
    axes[1] = withBuffers(second, y);
    return new Plane([axes[0], axes[1]], {
      origin: a,
      solutions: [
        { label: a.label, coordinates: Float64Array.of(0, 0) },
        { label: b.label, coordinates: Float64Array.of(lengthB, 0) },
        { label: c.label, coordinates: Float64Array.of(along, height) },
      ],
    });
  } catch (error) {
    disposeAll(axes);
    throw error;
  }
}

function withBuffers({ vector, description }: Direction, buffers: Direction['buffers']): Direction {
  return new Direction(vector, description, buffers);
}

function collinear(a: Solution, b: Solution, c: Solution): LossAtlasError {
  return new LossAtlasError(
    'ERR_DIRECTION',
    `'${a.label}', '${b.label}' and '${c.label}' lie on a line, or two of them are the same: they span no plane. ` +
      'Draw the line between two of them with interpolate.',
  );
}
