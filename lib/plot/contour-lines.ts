import { contours } from 'd3-contour';

import type { Point } from './svg.js';

/** One level of a grid of nx × ny values, in index coordinates 0 … nx − 1, 0 … ny − 1. */
export interface ContourLevel {
  readonly level: number;
  /** Rings around all that is at or above the level (even-odd filled). */
  readonly rings: readonly (readonly Point[])[];
  /** The lines of the level, without the parts of the rings that follow the border. */
  readonly lines: readonly (readonly Point[])[];
}

/**
 * Marching squares at ascending levels. `positions[j * nx + i]` must be 0 … 1 or NaN; NaN counts as below
 * every level, and what is drawn in a cell that touches one means nothing.
 */
export function traceContours(
  positions: Float64Array,
  nx: number,
  ny: number,
  levels: readonly number[],
): ContourLevel[] {
  // 0 in place of NaN: lines then stay within the cells that touch it.
  const values = Array.from(positions, (value) => (Number.isNaN(value) ? 0 : value));
  const generator = contours().size([nx, ny]);
  // d3 puts sample i at i + ½ and closes rings half a cell outside.
  const clamp = ([x, y]: Point): Point => [
    Math.max(0, Math.min(nx - 1, x - 0.5)),
    Math.max(0, Math.min(ny - 1, y - 0.5)),
  ];
  const isInside = ([x, y]: Point) => x > 0 && x < nx && y > 0 && y < ny;
  return levels.map((level) => {
    const raw = generator.contour(values, level).coordinates.flat() as unknown as Point[][];
    return {
      level,
      rings: raw.map((ring) => ring.map(clamp)),
      lines: raw.flatMap((ring) => openLines(ring, isInside)).map((line) => line.map(clamp)),
    };
  });
}

/** The runs of a closed ring for which `isInside` holds; a ring without border stays closed. */
function openLines(ring: readonly Point[], isInside: (point: Point) => boolean): Point[][] {
  const points = ring.slice(0, -1);
  const start = points.findIndex((point) => !isInside(point));
  if (start < 0) return [[...ring]];
  const lines: Point[][] = [];
  let line: Point[] = [];
  for (let k = 1; k <= points.length; k++) {
    const point = points[(start + k) % points.length]!;
    if (isInside(point)) line.push(point);
    else {
      if (line.length > 1) lines.push(line);
      line = [];
    }
  }
  return lines;
}

/** Maps index coordinates to values by the (possibly uneven) coordinates of the samples. */
export function coordinateAt(coordinates: Float64Array, index: number): number {
  const i = Math.max(0, Math.min(coordinates.length - 2, Math.floor(index)));
  const rest = index - i;
  return coordinates[i]! * (1 - rest) + coordinates[i + 1]! * rest;
}
