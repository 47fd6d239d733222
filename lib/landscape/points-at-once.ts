/** Of a point on one thread: beyond it every operator has work enough for all threads, and a point by itself would take long. */
const mostPointBytes = 256 * 2 ** 20;
/** Of all of them. */
const mostBytes = 4 * 2 ** 30;

/** What decides it; nothing else may, so that values do not depend on where a run was interrupted. */
export interface PointsBasis {
  readonly numPoints: number;
  readonly numThreads: number;
  /** Of one point, with its parameters. */
  readonly pointBytes: number;
}

/** How many points of a sweep are computed at once, each on one thread; 1: one after the other, on all threads. */
export function pointsAtOnce({ numPoints, numThreads, pointBytes }: PointsBasis): number {
  if (numPoints < 2 * numThreads || pointBytes > mostPointBytes) return 1;
  const atOnce = Math.min(numThreads, Math.floor(mostBytes / Math.max(1, pointBytes)));
  return 2 * atOnce > numThreads ? atOnce : 1;
}
