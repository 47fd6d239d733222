import { group, text as textElement, type Box, type Point } from './svg.js';
import { fitText, textWidth } from './text.js';

/** A label beside its point. */
export interface PlacedLabel {
  readonly text: string;
  /** Middle of the baseline. */
  readonly baseline: Point;
  readonly box: Box;
}

interface Anchored {
  readonly label: string;
  readonly point: Point;
}

/** Where a label may stand, in the order of preference: signs of the shift from its point. */
const sides: readonly Point[] = [
  [1, 0],
  [-1, 0],
  [0, -1],
  [0, 1],
  [1, -1],
  [-1, -1],
  [1, 1],
  [-1, 1],
];
const distances = [8, 16, 26];
const maxShare = 0.4;

/** Places labels one after the other inside `frame`, each where it covers least of `taken` and of those before. */
export function placeLabels(
  items: readonly Anchored[],
  frame: Box,
  size: number,
  taken: readonly Box[],
): PlacedLabel[] {
  const occupied = [...taken];
  return items.map(({ label, point }) => {
    const { text } = fitText(label, (frame.right - frame.left) * maxShare, size, size);
    const width = textWidth(text, size);
    const candidates = distances.flatMap((distance) =>
      sides.map((side) => labelBox(point, side, distance, width, size)),
    );
    const cost = (box: Box) =>
      occupied.reduce((sum, other) => sum + overlap(box, other), 0) + 3 * (area(box) - overlap(box, frame));
    const costs = candidates.map(cost);
    // The first of the least: candidates stand in the order of preference.
    const box = candidates[costs.indexOf(Math.min(...costs))]!;
    occupied.push(box);
    return { text, baseline: [(box.left + box.right) / 2, box.bottom - size * 0.28], box };
  });
}

function labelBox([x, y]: Point, [sx, sy]: Point, distance: number, width: number, size: number): Box {
  const diagonal = sx !== 0 && sy !== 0 ? 0.75 : 1;
  const centerX = x + sx * (distance * diagonal + width / 2);
  const centerY = y + sy * (distance * diagonal + size / 2);
  return {
    left: centerX - width / 2 - 1,
    right: centerX + width / 2 + 1,
    top: centerY - size * 0.6,
    bottom: centerY + size * 0.6,
  };
}

/** Labels with a light halo, readable on any colour. */
export function drawMarkLabels(labels: readonly PlacedLabel[], size: number): string {
  const halo = {
    stroke: '#ffffff',
    'stroke-width': 3.2,
    'stroke-linejoin': 'round',
    'stroke-opacity': 0.9,
    'paint-order': 'stroke',
  };
  return group(
    { class: 'mark-labels', 'font-size': size, ...halo },
    labels.map(({ text, baseline }) => textElement(text, baseline, { 'text-anchor': 'middle' })),
  );
}

/** The square of half side `reach` around a marker. */
export function around([x, y]: Point, reach: number): Box {
  return { left: x - reach, top: y - reach, right: x + reach, bottom: y + reach };
}

export function isInBox([x, y]: Point, { left, top, right, bottom }: Box, margin = 0): boolean {
  return x >= left - margin && x <= right + margin && y >= top - margin && y <= bottom + margin;
}

function area({ left, top, right, bottom }: Box): number {
  return (right - left) * (bottom - top);
}

function overlap(a: Box, b: Box): number {
  const width = Math.min(a.right, b.right) - Math.max(a.left, b.left);
  const height = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
  return width > 0 && height > 0 ? width * height : 0;
}
