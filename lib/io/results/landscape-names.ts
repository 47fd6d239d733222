import type { Result } from '../result-format.js';

/** Of which data the losses of a file are: their names in it begin so. */
export type DataSplit = 'train' | 'test';

/** Names of the layout of tomgoldstein/loss-landscape (plot_surface.py, plot_hessian_eigen.py). */
export const theirNames = {
  x: 'xcoordinates',
  y: 'ycoordinates',
  loss: (split: DataSplit) => `${split}_loss`,
  accuracy: (split: DataSplit) => `${split}_acc`,
  smallest: 'min_eig',
  largest: 'max_eig',
  directions: 'dir_file',
} as const;

/** His files have no y of a line. */
export function isLine(y: Float64Array): boolean {
  return y.length === 1 && Object.is(y[0], 0);
}

/** What his programs call the arrays of a result, by our names; empty for kinds that he has not. */
export function namesInLayout(result: Result, split: DataSplit): Readonly<Record<string, string>> {
  const { x, y, loss, smallest, largest } = theirNames;
  switch (result.kind) {
    case 'loss-line':
      return { coordinates: x, loss: loss(split) };
    case 'loss-surface':
      return { x, y, loss: loss(split) };
    case 'eigenvalue-map':
      return { x, ...(isLine(result.y) ? {} : { y }), smallest, largest };
    default:
      return {};
  }
}
