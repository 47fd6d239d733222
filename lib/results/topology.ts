import type { AxisDescription } from './landscape.js';
import type { Provenance } from './provenance.js';

/** A minimum of a surface, and how deep its basin is: until it joins that of a lower one. */
export interface SurfaceBranch {
  readonly x: number;
  readonly y: number;
  readonly loss: number;
  /** The saddle at which the basins join, and its loss; NaN and Infinity where they never do. */
  readonly saddleX: number;
  readonly saddleY: number;
  readonly saddleLoss: number;
  /** saddleLoss − loss. */
  readonly persistence: number;
  /** The branch that it joins, by its place in the list; −1: none. */
  readonly parent: number;
  /** Points in its basin when it joins, as a share of all. */
  readonly share: number;
  /** The minimum lies at the edge of the grid: outside it the loss may fall further. */
  readonly isAtEdge: boolean;
}

/** A maximum with a ring of lower points around it, or a hole of points that are not finite. */
export interface SurfaceLoop {
  /** The loss at which the ring closes, and where. */
  readonly birth: number;
  readonly x: number;
  readonly y: number;
  /** The loss at which it is filled: of the maximum; Infinity where the hole is not finite. */
  readonly death: number;
  readonly maximumX: number;
  readonly maximumY: number;
  readonly persistence: number;
}

/**
 * Persistent homology of the sublevel sets of a surface, point by point: points touch over edges and corners, what is above
 * them over edges alone (the cubical complex of top-dimensional cells). No set holds points that are not finite.
 */
export interface SurfaceTopology {
  readonly kind: 'surface-topology';
  readonly formatVersion: 1;
  /** Components (degree 0) in the order of their minima, the lowest first; those of less persistence are left out. */
  readonly branches: readonly SurfaceBranch[];
  /** Degree 1, the most persistent first. */
  readonly loops: readonly SurfaceLoop[];
  /** Persistence below which nothing is listed. */
  readonly minPersistence: number;
  /** Of the listed and of those that are not. */
  readonly numMinima: number;
  readonly numLoops: number;
  /**
   * Saddle–minimum average distance (Landscaper, Xie et al. 2025): mean over the listed minima of the loss at the first
   * saddle of their basin minus their own; 0 where no saddle joins two of them. The second is divided by the range of losses.
   */
  readonly smad: number;
  readonly normalizedSmad: number;
  /** Of the finite losses. */
  readonly low: number;
  readonly high: number;
  readonly numPoints: number;
  readonly numNotFinite: number;
  /** Of the surface. */
  readonly axes: readonly [AxisDescription, AxisDescription];
  readonly provenance: Provenance | null;
}
