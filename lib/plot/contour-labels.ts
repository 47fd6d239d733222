import { element, group, rotatedText, type Box, type Point } from './svg.js';
import { textWidth } from './text.js';
import { theme } from './theme.js';

export interface LabelledLevel {
  readonly label: string;
  /** Lines in SVG coordinates. */
  readonly lines: readonly (readonly Point[])[];
}

interface Placement {
  readonly center: Point;
  /** Degrees, readable from below. */
  readonly angle: number;
  readonly clearance: number;
}

const stepAlong = 7;
const minStraightness = 0.96;
/** Distance to other lines and labels below which a label would hide more than it tells. */
const minLineDistance = 6.5;
const minLabelDistance = 34;

/** One label on each level that has room for it, where the other lines are farthest; with a dark halo. */
export function drawContourLabels(
  levels: readonly LabelledLevel[],
  box: Box,
  fontSize: number,
  isBlocked: (point: Point) => boolean,
  isOnColors = true,
): string {
  const placed: Point[] = [];
  const marks: string[] = [];
  levels.forEach((level, i) => {
    const width = textWidth(level.label, fontSize) + 8;
    // Only the neighbours can be near.
    const others = [levels[i - 1], levels[i + 1]].flatMap((other) => other?.lines ?? []).flat();
    const isFree = (point: Point) =>
      isWithin(point, box, 8) &&
      !isBlocked(point) &&
      placed.every((other) => distance(other, point) > minLabelDistance);
    const candidates = level.lines.flatMap((line) => placements(line, width, others, isFree));
    const best = candidates.reduce<Placement | null>(
      (winner, candidate) => (winner === null || candidate.clearance > winner.clearance ? candidate : winner),
      null,
    );
    if (best === null) return;
    placed.push(best.center);
    const [x, y] = best.center;
    // Down by a third of the size, so that the line runs through the middle of the digits.
    const radians = (best.angle * Math.PI) / 180;
    const baseline: Point = [
      x - Math.sin(radians) * fontSize * 0.36,
      y + Math.cos(radians) * fontSize * 0.36,
    ];
    marks.push(rotatedText(level.label, baseline, best.angle, { class: 'contour-label' }));
  });
  const [fill, stroke] = isOnColors ? ['#ffffff', '#1b2b30'] : [theme.text, theme.background];
  const halo = { stroke, 'stroke-width': 3, 'stroke-linejoin': 'round', 'stroke-opacity': 0.75 };
  return group({ 'font-size': fontSize, fill, 'paint-order': 'stroke', ...halo }, marks);
}

/** The straight stretches of a line that hold a label of `width`. */
function placements(
  line: readonly Point[],
  width: number,
  others: readonly Point[],
  isFree: (point: Point) => boolean,
): Placement[] {
  const at = arcLength(line);
  const found: Placement[] = [];
  if (at.length < width * 1.6) return found;
  for (let middle = width * 0.7; middle <= at.length - width * 0.7; middle += stepAlong) {
    const [start, center, end] = [
      at.point(middle - width / 2),
      at.point(middle),
      at.point(middle + width / 2),
    ];
    const bend = (distance(start, center) + distance(center, end)) / width;
    if (distance(start, end) < width * minStraightness || bend < minStraightness) continue;
    if (![start, center, end].every(isFree)) continue;
    const clearance = others.reduce((least, other) => Math.min(least, distance(other, center)), 40);
    if (clearance < minLineDistance) continue;
    const slope = (Math.atan2(end[1] - start[1], end[0] - start[0]) * 180) / Math.PI;
    const angle = slope > 90 ? slope - 180 : slope <= -90 ? slope + 180 : slope;
    found.push({ center, angle, clearance });
  }
  return found;
}

function arcLength(line: readonly Point[]): { length: number; point: (distance: number) => Point } {
  const lengths = [0];
  line.slice(1).forEach((point, i) => lengths.push(lengths[i]! + distance(point, line[i]!)));
  const length = lengths.at(-1)!;
  return {
    length,
    point: (along) => {
      const k = Math.max(
        1,
        lengths.findIndex((end) => end >= along),
      );
      const [from, to] = [line[k - 1]!, line[k]!];
      const share = (along - lengths[k - 1]!) / (lengths[k]! - lengths[k - 1]! || 1);
      return [from[0] + share * (to[0] - from[0]), from[1] + share * (to[1] - from[1])];
    },
  };
}

function distance(a: Point, b: Point): number {
  return Math.hypot(a[0] - b[0], a[1] - b[1]);
}

function isWithin([x, y]: Point, { left, top, right, bottom }: Box, margin: number): boolean {
  return x > left + margin && x < right - margin && y > top + margin && y < bottom - margin;
}

/** The cross that marks the model itself. */
export function drawCenterMark([x, y]: Point, color: string): string {
  const d = `M${x - 7},${y}h14M${x},${y - 7}v14`;
  return group({ class: 'center-mark', fill: 'none' }, [
    element('path', { d, stroke: '#ffffff', 'stroke-width': 4.5, 'stroke-opacity': 0.8 }),
    element('path', { d, stroke: color, 'stroke-width': 2.4 }),
  ]);
}
