import { bisectRight } from 'd3-array';

import { pathData, type Point } from './svg.js';

/** Runs of cells of one row, from column `start` up to but without `end`, in which nothing can be drawn. */
export interface HiddenRun {
  readonly row: number;
  readonly start: number;
  readonly end: number;
}

/**
 * The cells of a grid that touch a value that cannot be drawn (NaN): nothing is known between such a point
 * and its neighbours.
 */
export function findHiddenRuns(values: Float64Array, nx: number, ny: number): HiddenRun[] {
  const runs: HiddenRun[] = [];
  for (let row = 0; row < ny - 1; row++) {
    const isHidden = (i: number) => {
      const k = row * nx + i;
      return Number.isNaN(values[k]! + values[k + 1]! + values[k + nx]! + values[k + nx + 1]!);
    };
    for (let i = 0; i < nx - 1; i++) {
      if (!isHidden(i)) continue;
      const start = i;
      while (i < nx - 1 && isHidden(i)) i++;
      runs.push({ row, start, end: i });
    }
  }
  return runs;
}

/** One path around all runs, for a single fill without seams; `place` maps index coordinates. */
export function hiddenPath(runs: readonly HiddenRun[], place: (point: Point) => Point): string {
  return runs
    .map(({ row, start, end }) => {
      const corners: Point[] = [
        [start, row],
        [end, row],
        [end, row + 1],
        [start, row + 1],
      ];
      return pathData(corners.map(place), true);
    })
    .join('');
}

/** Whether a point lies in or within `margin` of a hidden cell; `xs` and `ys` are the grid lines. */
export function hiddenTest(
  runs: readonly HiddenRun[],
  xs: readonly number[],
  ys: readonly number[],
  margin: number,
): (point: Point) => boolean {
  const hidden = new Set(runs.flatMap(({ row, start, end }) => range(start, end).map((i) => `${i},${row}`)));
  const shifts = [-margin, 0, margin];
  return ([x, y]) =>
    hidden.size > 0 &&
    shifts.some((dx) => shifts.some((dy) => hidden.has(`${cellOf(xs, x + dx)},${cellOf(ys, y + dy)}`)));
}

function range(start: number, end: number): number[] {
  return Array.from({ length: end - start }, (_, i) => start + i);
}

/** Index of the cell that holds `value`, in lines that ascend or descend. */
function cellOf(lines: readonly number[], value: number): number {
  const sign = lines[0]! <= lines.at(-1)! ? 1 : -1;
  return bisectRight(sign > 0 ? lines : lines.map((line) => -line), sign * value) - 1;
}
