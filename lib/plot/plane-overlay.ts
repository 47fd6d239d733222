import type { MarkedSolution, Trajectory } from '../results.js';
import type { Check } from '../validate.js';
import type { Axes } from './axes.js';
import { drawCenterMark } from './contour-labels.js';
import { around, drawMarkLabels, isInBox, placeLabels } from './label-placement.js';
import { isShown, outsideNotes, type PlaneFrame } from './plane-frame.js';
import { element, group, pathData, type Box, type Point } from './svg.js';
import { theme, type TextSizes } from './theme.js';

/** What is marked on a plane besides its values. */
export interface PlaneMarks {
  readonly solutions: readonly MarkedSolution[];
  readonly trajectory: Trajectory | null;
  /** Without points of its own, such as a path between two minima. */
  readonly curve?: PlaneCurve | undefined;
}

/** A line on a plane. */
export type PlaneCurve = Pick<Trajectory, 'x' | 'y'>;

export const isPlaneCurve: Check = (value) => {
  const { x, y } = Object(value) as Partial<PlaneCurve>;
  const isLine = x instanceof Float64Array && y instanceof Float64Array && x.length === y.length;
  return isLine ? null : 'an object with equally many x and y, each a Float64Array';
};

export interface PlaneOverlay {
  /** To be clipped to the frame. */
  readonly clipped: readonly string[];
  readonly above: readonly string[];
  /** Whether a contour label at this point would cover a mark. */
  readonly isBlocked: (point: Point) => boolean;
}

/** How many marks the frame does not show. */
export function marksNotes({ trajectory, ...marks }: PlaneMarks, frame: PlaneFrame): string[] {
  const solutions = ownSolutions({ ...marks, trajectory });
  const path = trajectory === null ? [] : pathPoints(trajectory);
  const countOutside = (points: readonly Point[]) => points.filter((point) => !isShown(point, frame)).length;
  return [
    ...outsideNotes('solutions', countOutside(solutions.map(coordinatesOf)), solutions.length),
    ...outsideNotes('path points', countOutside(path), path.length),
  ];
}

/** The cross at the model, the path with its two ends, and the solutions, with labels that keep clear of each other. */
export function layoutOverlay(
  marks: PlaneMarks,
  frame: PlaneFrame,
  axes: Axes,
  sizes: TextSizes,
): PlaneOverlay {
  const place = ([x, y]: Point): Point => [axes.x(x), axes.y(y)];
  const center = isShown([0, 0], frame) ? place([0, 0]) : null;
  const solutions = ownSolutions(marks)
    .filter((solution) => isShown(coordinatesOf(solution), frame))
    .map((solution) => ({ label: solution.label, point: place(coordinatesOf(solution)) }));
  const path = marks.trajectory === null ? [] : pathPoints(marks.trajectory);
  const shown = path.filter((point) => isShown(point, frame)).map(place);
  const curve = marks.curve === undefined ? [] : pathPoints(marks.curve).map(place);
  const ends = pathEnds(marks.trajectory)
    .filter(({ point }) => isShown(point, frame))
    .map(({ label, point }) => ({ label, point: place(point) }));
  const taken: Box[] = [
    ...(center === null ? [] : [around(center, 8)]),
    ...solutions.map(({ point }) => around(point, 6)),
    ...alongPath(path.map(place)).map((point) => around(point, 3)),
    ...alongPath(curve).map((point) => around(point, 3)),
  ];
  const labels = placeLabels([...ends, ...solutions], axes.box, sizes.note, taken);
  return {
    clipped: [
      curve.length === 0 ? '' : drawPath('curve', curve, []),
      path.length === 0 ? '' : drawPath('trajectory', path.map(place), shown),
    ],
    above: [
      group(
        { class: 'solutions', fill: theme.background, stroke: theme.axis, 'stroke-width': 1.6 },
        solutions.map(({ point: [cx, cy] }) => element('circle', { cx, cy, r: 4.2 })),
      ),
      center === null ? '' : drawCenterMark(center, theme.mark),
      drawMarkLabels(labels, sizes.note),
    ],
    isBlocked: (point) =>
      (center !== null && Math.hypot(point[0] - center[0], point[1] - center[1]) < 14) ||
      taken.some((box) => isInBox(point, box, 8)) ||
      labels.some(({ box }) => isInBox(point, box, 8)),
  };
}

function drawPath(name: string, path: readonly Point[], shown: readonly Point[]): string {
  const line = { d: pathData(path), fill: 'none', 'stroke-linejoin': 'round' };
  return group({ class: name }, [
    element('path', { ...line, stroke: '#ffffff', 'stroke-width': 4, 'stroke-opacity': 0.75 }),
    element('path', { ...line, stroke: theme.path, 'stroke-width': 1.8 }),
    group(
      { class: 'path-points', fill: theme.path, stroke: '#ffffff', 'stroke-width': 0.9 },
      shown.map(([cx, cy]) => element('circle', { cx, cy, r: 2.8 })),
    ),
  ]);
}

/** Solutions that the path does not show already. */
function ownSolutions({ solutions, trajectory }: PlaneMarks): readonly MarkedSolution[] {
  return solutions.filter(({ label }) => trajectory?.labels.includes(label) !== true);
}

function coordinatesOf({ coordinates }: MarkedSolution): Point {
  return [coordinates[0]!, coordinates[1]!];
}

function pathPoints({ x, y }: PlaneCurve): Point[] {
  return Array.from(x, (value, i): Point => [value, y[i]!]);
}

function pathEnds(trajectory: Trajectory | null): { label: string; point: Point }[] {
  if (trajectory === null) return [];
  const points = pathPoints(trajectory);
  return [...new Set([0, points.length - 1])]
    .filter((i) => points[i] !== undefined)
    .map((i) => ({ label: trajectory.labels[i]!, point: points[i]! }));
}

/** Points every few units along a path, for labels to keep clear of. */
function alongPath(path: readonly Point[]): Point[] {
  const spacing = 6;
  return path.flatMap((point, i) => {
    const next = path[i + 1];
    if (next === undefined) return [point];
    const [dx, dy] = [next[0] - point[0], next[1] - point[1]];
    // Far outside the frame nothing is covered.
    const count = Math.min(200, Math.max(1, Math.ceil(Math.hypot(dx, dy) / spacing)));
    return Array.from({ length: count }, (_, k): Point => [
      point[0] + (dx * k) / count,
      point[1] + (dy * k) / count,
    ]);
  });
}
