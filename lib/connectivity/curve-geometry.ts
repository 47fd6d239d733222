import { threePointPlane } from '../directions/solutions.js';
import type { Plane } from '../directions/plane.js';
import { LossAtlasError } from '../errors.js';
import { combine, disposeAll, gramMatrix, type ParameterVector } from '../model/parameter-vector.js';
import type { Solution } from '../model/solution.js';
import type { ConnectionPlane } from '../results.js';
import { curveSlopes, curveWeights, type CurveKind } from './curve.js';

/** Gauss and Legendre's rule of five points on [−1, 1]: nodes and weights. */
const gauss: readonly (readonly [number, number])[] = [
  [0, 128 / 225],
  ...[-1, 1].flatMap((sign) =>
    [-1, 1].map(
      (root) =>
        [
          (sign * Math.sqrt(5 + root * 2 * Math.sqrt(10 / 7))) / 3,
          (322 - root * 13 * Math.sqrt(70)) / 900,
        ] as const,
    ),
  ),
];
const numPanels = 100;

/** ∫‖φ′(t)‖dt of a curve with these control points, both ends among them; of a chain the sum of its pieces. */
export async function curveLength(kind: CurveKind, points: readonly Solution[]): Promise<number> {
  const numBends = points.length - 2;
  const steps = await differences(points);
  try {
    const gram = await gramMatrix(steps);
    const speed = (t: number) => {
      const slopes = curveSlopes(kind, numBends, t).subarray(1);
      return Math.sqrt(Math.max(0, quadraticForm(gram, slopes)));
    };
    // Pieces have one speed.
    if (kind !== 'bezier') {
      const numPieces = numBends + 1;
      const middles = Array.from({ length: numPieces }, (_, k) => (k + 0.5) / numPieces);
      return middles.reduce((sum, t) => sum + speed(t) / numPieces, 0);
    }
    const half = 0.5 / numPanels;
    return Array.from({ length: numPanels }, (_, panel) => (2 * panel + 1) * half).reduce(
      (sum, middle) =>
        sum + gauss.reduce((part, [node, weight]) => part + half * weight * speed(middle + half * node), 0),
      0,
    );
  } finally {
    disposeAll(steps);
  }
}

/** The plane through both ends and the middle control point; null where these lie on a line. */
export async function curvePlane(points: readonly Solution[]): Promise<Plane | null> {
  const middle = points[1 + Math.floor((points.length - 2) / 2)]!;
  try {
    return await threePointPlane(points[0]!, points.at(-1)!, middle);
  } catch (error) {
    if (error instanceof LossAtlasError && error.code === 'ERR_DIRECTION') return null;
    throw error;
  }
}

/** Where the curve lies on the plane, which has orthonormal axes and its origin at the first point. */
export async function onPlane(
  { axes }: Plane,
  kind: CurveKind,
  points: readonly Solution[],
  t: Float64Array,
): Promise<Omit<ConnectionPlane, 'surface'>> {
  const steps = await differences(points);
  const rests: ParameterVector[] = [];
  try {
    const coordinates: (readonly [number, number])[] = [];
    for (const step of steps) {
      const [x, y] = [await step.dot(axes[0].vector), await step.dot(axes[1].vector)];
      coordinates.push([x, y]);
      rests.push(await combine([step, axes[0].vector, axes[1].vector], [1, -x, -y]));
    }
    const gram = await gramMatrix(rests);
    const weights = Array.from(t, (at) => curveWeights(kind, points.length - 2, at).subarray(1));
    const along = (axis: 0 | 1) =>
      Float64Array.from(weights, (row) =>
        row.reduce((sum, weight, k) => sum + weight * coordinates[k]![axis], 0),
      );
    const places = [[0, 0] as const, ...coordinates];
    return {
      x: along(0),
      y: along(1),
      distance: Float64Array.from(weights, (row) => Math.sqrt(Math.max(0, quadraticForm(gram, row)))),
      solutions: Object.freeze(
        points.map(({ label }, k) => Object.freeze({ label, coordinates: Float64Array.from(places[k]!) })),
      ),
    };
  } finally {
    disposeAll([...steps, ...rests]);
  }
}

/** Pₖ − P₀, k = 1 …, to be disposed of. */
async function differences(points: readonly Solution[]): Promise<ParameterVector[]> {
  const [origin, ...others] = points;
  const steps: ParameterVector[] = [];
  try {
    for (const { theta } of others) steps.push(await combine([theta, origin!.theta], [1, -1]));
    return steps;
  } catch (error) {
    disposeAll(steps);
    throw error;
  }
}

function quadraticForm(matrix: Float64Array, vector: Float64Array): number {
  const n = vector.length;
  return vector.reduce(
    (sum, a, i) => sum + a * vector.reduce((row, b, j) => row + matrix[i * n + j]! * b, 0),
    0,
  );
}
