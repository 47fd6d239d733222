import type { Camera, Vector } from './camera.js';
import { element, group, num, pathData, rotatedText, segment, text, type Point } from './svg.js';
import { fitText, textWidth, type FittedText } from './text.js';
import { theme, type TextSizes } from './theme.js';
import { scaleLabel, type ValueScale } from './value-scale.js';

/** Half height of the box whose base is −1 … 1. */
export const halfHeight = 0.72;

export const boxCorners: readonly Vector[] = [-1, 1].flatMap((x) =>
  [-1, 1].flatMap((y) => [-halfHeight, halfHeight].map((z): Vector => [x, y, z])),
);

export interface BoxAxis {
  readonly scale: ValueScale;
  /** −1 … 1 of a value (−halfHeight … halfHeight for the height). */
  readonly at: (value: number) => number;
  readonly label: string;
}

export interface BoxAxes {
  readonly x: BoxAxis;
  readonly y: BoxAxis;
  readonly z: BoxAxis;
}

/** Signs of the coordinates of the two walls behind the surface. */
interface BackWalls {
  readonly x: 1 | -1;
  readonly y: 1 | -1;
}

/** The walls that face the eye; of two that do (the eye is between them) the one to the upper left. */
function backWalls({ eye, project }: Camera): BackWalls {
  const sum = (point: Vector) => project(point)[0] + project(point)[1];
  const isBetween = (value: number) => Math.abs(value) < 1;
  const near = (value: number, low: Vector, high: Vector) =>
    isBetween(value) ? sum(high) > sum(low) : value > 0;
  return {
    x: near(eye[0], [-1, 0, -halfHeight], [1, 0, -halfHeight]) ? -1 : 1,
    y: near(eye[1], [0, -1, -halfHeight], [0, 1, -halfHeight]) ? -1 : 1,
  };
}

/** Floor, back walls and their grid lines: all that lies behind the surface. */
export function drawBackground({ x, y, z }: BoxAxes, camera: Camera): string {
  const back = backWalls(camera);
  const low = -halfHeight;
  const line = (from: Vector, to: Vector) => segment(camera.project(from), camera.project(to));
  const face = (fill: string, ...corners: Vector[]) =>
    element('path', { d: pathData(corners.map(camera.project), true), fill });
  const lines = [
    ...x.scale.ticks.map(({ value }) => {
      const at = x.at(value);
      return line([at, -1, low], [at, 1, low]) + line([at, back.y, low], [at, back.y, halfHeight]);
    }),
    ...y.scale.ticks.map(({ value }) => {
      const at = y.at(value);
      return line([-1, at, low], [1, at, low]) + line([back.x, at, low], [back.x, at, halfHeight]);
    }),
    ...z.scale.ticks.map(({ value }) => {
      const at = z.at(value);
      return line([back.x, -1, at], [back.x, 1, at]) + line([-1, back.y, at], [1, back.y, at]);
    }),
  ];
  const edges =
    line([back.x, back.y, low], [back.x, back.y, halfHeight]) +
    line([back.x, -1, low], [back.x, 1, low]) +
    line([-1, back.y, low], [1, back.y, low]);
  return group({ class: 'walls' }, [
    face(theme.floor, [-1, -1, low], [1, -1, low], [1, 1, low], [-1, 1, low]),
    face(
      theme.wallLeft,
      [back.x, -1, low],
      [back.x, 1, low],
      [back.x, 1, halfHeight],
      [back.x, -1, halfHeight],
    ),
    face(
      theme.wallRight,
      [-1, back.y, low],
      [1, back.y, low],
      [1, back.y, halfHeight],
      [-1, back.y, halfHeight],
    ),
    element('path', {
      d: lines.join(''),
      fill: 'none',
      stroke: '#ffffff',
      'stroke-width': 1.1,
      class: 'grid',
    }),
    element('path', { d: edges, fill: 'none', stroke: theme.wallEdge }),
  ]);
}

/** The three axes on the near edges, with ticks and labels. */
export function drawBoxAxes({ x, y, z }: BoxAxes, camera: Camera, sizes: TextSizes): string {
  const back = backWalls(camera);
  const low = -halfHeight;
  // The vertical edge that is leftmost on the screen.
  const uprights: [number, number][] = [
    [back.x, -back.y],
    [-back.x, back.y],
  ];
  const [ux, uy] = uprights.sort((a, b) => camera.project([...a, 0])[0] - camera.project([...b, 0])[0])[0]!;
  const outX: Vector = [0, -back.y, 0];
  const outY: Vector = [-back.x, 0, 0];
  const upright: Vector = ux === back.x ? outX : outY;
  return [
    drawEdge('axis-x', x, camera, (at) => [at, -back.y, low], outX, sizes),
    drawEdge('axis-y', y, camera, (at) => [-back.x, at, low], outY, sizes),
    drawEdge('axis-z', z, camera, (at) => [ux, uy, at], upright, sizes),
  ].join('');
}

/** One axis: line, ticks that point along `out`, tick labels and the label beyond them. */
function drawEdge(
  name: string,
  axis: BoxAxis,
  camera: Camera,
  point: (at: number) => Vector,
  out: Vector,
  sizes: TextSizes,
): string {
  const isHeight = name === 'axis-z';
  const end = isHeight ? halfHeight : 1;
  const [from, to] = [camera.project(point(-end)), camera.project(point(end))];
  const length = Math.hypot(to[0] - from[0], to[1] - from[1]);
  // Seen from above, heights have no room for numbers; the colours tell them.
  if (isHeight && length < 5 * sizes.tick) return '';
  const along = unit(from, to);
  const center = camera.project([0, 0, 0]);
  // Across the edge, away from the box.
  const across: Point = [-along[1], along[0]];
  const away = across[0] * (from[0] - center[0]) + across[1] * (from[1] - center[1]) >= 0 ? 1 : -1;
  const normal: Point = [across[0] * away, across[1] * away];
  const marks: string[] = [];
  const labels: string[] = [];
  let reach = 0;
  axis.scale.ticks.forEach(({ value, label }) => {
    const base = point(axis.at(value));
    const start = camera.project(base);
    const direction = isHeight
      ? normal
      : unit(start, camera.project([base[0] + out[0], base[1] + out[1], base[2]]));
    marks.push(`M${num(start[0])},${num(start[1])}l${num(direction[0] * 5)},${num(direction[1] * 5)}`);
    const width = textWidth(label, sizes.tick);
    // The label starts beside the tick: to its left, below or to its right, as the tick points.
    const x = start[0] + direction[0] * 0.75 * sizes.tick + (direction[0] * width) / 2;
    // A height beside the floor makes way for the tick label of the corner.
    const beside = isHeight ? Math.min(start[1], from[1] - sizes.tick - 1) : start[1];
    const y = beside + direction[1] * (sizes.tick + 1) + sizes.tick * 0.36;
    labels.push(text(label, [x, y], { 'text-anchor': 'middle' }));
    const middle: Point = [x - start[0], y - sizes.tick * 0.36 - start[1]];
    const half = (Math.abs(normal[0]) * width + Math.abs(normal[1]) * sizes.tick) / 2;
    reach = Math.max(reach, middle[0] * normal[0] + middle[1] * normal[1] + half);
  });
  const degrees = (Math.atan2(along[1], along[0]) * 180) / Math.PI;
  // Readable from below; the height axis reads upwards.
  const angle = isHeight ? degrees : degrees > 90 ? degrees - 180 : degrees <= -90 ? degrees + 180 : degrees;
  const title = fitLabel(scaleLabel(axis.label, axis.scale), length * 1.05, sizes.label);
  const gap = reach + title.size * 0.5 + 7;
  const place: Point = [(from[0] + to[0]) / 2 + normal[0] * gap, (from[1] + to[1]) / 2 + normal[1] * gap];
  const radians = (angle * Math.PI) / 180;
  const baseline: Point = [
    place[0] - Math.sin(radians) * title.size * 0.36,
    place[1] + Math.cos(radians) * title.size * 0.36,
  ];
  // The halo keeps labels readable where the surface leans over them.
  const halo = {
    'paint-order': 'stroke',
    stroke: theme.background,
    'stroke-width': 3,
    'stroke-linejoin': 'round',
  };
  return group({ class: name, 'font-size': sizes.tick }, [
    element('path', { d: segment(from, to) + marks.join(''), fill: 'none', stroke: '#55555c' }),
    group(halo, [...labels, rotatedText(title.text, baseline, angle, { 'font-size': title.size })]),
  ]);
}

/** Where there is no room for it, without the normalisation, which the caption has too. */
function fitLabel(label: string, width: number, size: number): FittedText {
  const whole = fitText(label, width, size, theme.minSize);
  if (whole.text === label) return whole;
  return fitText(label.replace(/\b[a-z]+-normalised /, ''), width, size, theme.minSize);
}

function unit(from: Point, to: Point): Point {
  const length = Math.hypot(to[0] - from[0], to[1] - from[1]) || 1;
  return [(to[0] - from[0]) / length, (to[1] - from[1]) / length];
}
