import type { MarkedSolution } from '../results.js';
import type { Camera, Vector } from './camera.js';
import { around, drawMarkLabels, placeLabels } from './label-placement.js';
import { halfHeight, type BoxAxes } from './surface-box.js';
import type { HeightField } from './surface-mesh.js';
import { element, group, segment, type Box, type Point } from './svg.js';
import { theme, type TextSizes } from './theme.js';

export interface Pins {
  readonly content: string;
  /** Pins in the frame that the surface hides, or that stand where nothing is drawn. */
  readonly numHidden: number;
}

interface Pin {
  readonly label: string;
  readonly head: Point;
  readonly foot: Point;
}

const pinLength = 0.2;
const numSteps = 160;

/** A pin on the surface at each of the `solutions` (all within the frame), as far as the surface does not hide it. */
export function drawPins(
  solutions: readonly MarkedSolution[],
  field: HeightField,
  axes: BoxAxes,
  camera: Camera,
  frame: Box,
  sizes: TextSizes,
): Pins {
  const pins: Pin[] = [];
  for (const { label, coordinates } of solutions) {
    const [x, y] = [axes.x.at(coordinates[0]!), axes.y.at(coordinates[1]!)];
    const height = heightAt(field, x, y);
    if (Number.isNaN(height)) continue;
    const at = (share: number): Vector => [x, y, height + share * pinLength];
    if (isHidden(at(1), field, camera)) continue;
    // The surface hides a pin from its foot upwards.
    const visible = [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1].find(
      (share) => !isHidden(at(share + 0.01), field, camera),
    );
    pins.push({ label, head: camera.project(at(1)), foot: camera.project(at(visible ?? 1)) });
  }
  const items = pins.map(({ label, head }) => ({ label, point: head }));
  const taken = pins.flatMap(({ head, foot }) => [
    around(head, 5),
    { left: foot[0] - 2, right: foot[0] + 2, top: head[1], bottom: foot[1] },
  ]);
  const labels = placeLabels(items, frame, sizes.note, taken);
  const marks = pins.map(({ head, foot }) => {
    const needle = element('path', { d: segment(head, foot), stroke: theme.axis, 'stroke-width': 1.4 });
    return (
      needle + element('circle', { cx: head[0], cy: head[1], r: 3.8, fill: theme.mark, stroke: '#ffffff' })
    );
  });
  return {
    content: group({ class: 'solutions' }, marks) + drawMarkLabels(labels, sizes.note),
    numHidden: solutions.length - pins.length,
  };
}

/** Whether the way from a point to the eye leads below the surface. */
function isHidden(point: Vector, field: HeightField, { eye }: Camera): boolean {
  for (let k = 1; k <= numSteps; k++) {
    // Beyond a length of 4 every ray has left the box.
    const way = (4 * k) / numSteps / Math.hypot(eye[0] - point[0], eye[1] - point[1], eye[2] - point[2]);
    const [x, y, z] = point.map((value, i) => value + way * (eye[i]! - value)) as [number, number, number];
    if (Math.abs(x) > 1 || Math.abs(y) > 1 || z > halfHeight) return false;
    // A hair of tolerance for the interpolation.
    if (z < heightAt(field, x, y) - 0.004) return true;
  }
  return false;
}

/** Bilinear between the points of the field; NaN in holes and outside. */
function heightAt({ x, y, z }: HeightField, px: number, py: number): number {
  const [i, u] = cellOf(x, px);
  const [j, v] = cellOf(y, py);
  if (i < 0 || j < 0) return NaN;
  const k = j * x.length + i;
  const near = z[k]! * (1 - u) + z[k + 1]! * u;
  const far = z[k + x.length]! * (1 - u) + z[k + x.length + 1]! * u;
  return near * (1 - v) + far * v;
}

/** Index of the cell that holds `value` and the share of it that lies before; −1 outside. */
function cellOf(coordinates: Float64Array, value: number): [number, number] {
  for (let i = 0; i + 1 < coordinates.length; i++) {
    const share = (value - coordinates[i]!) / (coordinates[i + 1]! - coordinates[i]!);
    if (share >= 0 && share <= 1) return [i, share];
  }
  return [-1, 0];
}
