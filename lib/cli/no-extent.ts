import type { Result } from '../index.js';

/** Whether an axis of a line or grid has a single point: there is a number, and nothing to draw. */
export function hasNoExtent(result: Result): boolean {
  switch (result.kind) {
    case 'loss-line':
      return result.coordinates.length < 2;
    case 'loss-surface':
    case 'eigenvalue-map':
      return result.x.length < 2 || result.y.length < 2;
    case 'landscape-atlas':
      return result.surfaces.some(hasNoExtent);
    case 'explosion-table':
      return result.rows.some(({ surface }) => hasNoExtent(surface));
    default:
      return false;
  }
}
