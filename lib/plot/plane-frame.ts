import type { LossSurface } from '../results.js';
import type { AxisSpec } from './axes.js';
import { coordinateAt } from './contour-lines.js';

/** The part of a plane that a figure shows. */
export interface PlaneFrame {
  readonly x: AxisSpec;
  readonly y: AxisSpec;
}

/** Around all of the grids, in the reading order of the first; `isCells` reaches half a cell beyond the points. */
export function planeFrame(
  surfaces: readonly Pick<LossSurface, 'x' | 'y'>[],
  labels: readonly [string, string],
  isCells = false,
): PlaneFrame {
  const spec = (grids: readonly Float64Array[], label: string): AxisSpec => {
    const ends = grids.flatMap((grid) => {
      const edges = isCells ? cellEdges(grid) : grid;
      return [edges[0]!, edges.at(-1)!];
    });
    const [low, high] = [Math.min(...ends), Math.max(...ends)];
    return ends[0]! <= ends[1]! ? { from: low, to: high, label } : { from: high, to: low, label };
  };
  return {
    x: spec(
      surfaces.map(({ x }) => x),
      labels[0],
    ),
    y: spec(
      surfaces.map(({ y }) => y),
      labels[1],
    ),
  };
}

/** Borders halfway between the coordinates, and as far beyond the ends. */
export function cellEdges(coordinates: Float64Array): Float64Array {
  return Float64Array.from({ length: coordinates.length + 1 }, (_, i) => coordinateAt(coordinates, i - 0.5));
}

export function isWithin(value: number, { from, to }: AxisSpec): boolean {
  return value >= Math.min(from, to) && value <= Math.max(from, to);
}

/** Whether the frame shows the point (x, y) of the plane. */
export function isShown([x, y]: readonly [number, number], frame: PlaneFrame): boolean {
  return isWithin(x, frame.x) && isWithin(y, frame.y);
}

/** `3 of 12 solutions outside the axes`; nothing where all are inside. */
export function outsideNotes(noun: string, numOutside: number, total: number): string[] {
  return numOutside === 0 ? [] : [`${numOutside} of ${total} ${noun} outside the axes`];
}
