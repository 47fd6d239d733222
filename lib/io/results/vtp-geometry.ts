/** How losses become heights. */
export interface VtpHeights {
  /** `log`: ln(z + 0.1), as h52vtp.py of tomgoldstein/loss-landscape. */
  readonly scale: 'linear' | 'log';
  /** What larger values are drawn as; null for no limit. */
  readonly cap: number | null;
}

/**
 * `zvalue`: what is drawn, NaN and infinities kept. `z`: the same as coordinates of points, which have to be finite for a
 * viewer to find its camera: infinities and NaN stand at the highest point, −∞ at the lowest.
 */
export function drawnHeights(
  loss: Float64Array,
  { scale, cap }: VtpHeights,
): { zvalue: Float64Array; z: Float64Array } {
  const capped = cap === null ? loss : loss.map((value) => (value > cap ? cap : value));
  const zvalue = scale === 'log' ? capped.map((value) => Math.log(value + 0.1)) : capped;
  let [low, high] = [Infinity, -Infinity];
  for (const value of zvalue) {
    if (!Number.isFinite(value)) continue;
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  if (low > high) [low, high] = [0, 0];
  const finite = (value: number) => (Number.isFinite(value) ? value : value === -Infinity ? low : high);
  return { zvalue, z: zvalue.map(finite) };
}

/** The mean of each cell's four corners, cells in rows. */
export function cellMeans(values: Float64Array, nx: number, ny: number): Float64Array {
  return Float64Array.from({ length: cellCount(nx, ny) }, (_, cell) => {
    const k = cornerOf(cell, nx);
    return (values[k]! + values[k + 1]! + values[k + nx]! + values[k + nx + 1]!) / 4;
  });
}

/** Cells as quads in VTK's order, around each. */
export function quads(nx: number, ny: number): { connectivity: BigInt64Array; offsets: BigInt64Array } {
  const count = cellCount(nx, ny);
  const connectivity = BigInt64Array.from({ length: 4 * count }, (_, i) => {
    const k = cornerOf(Math.floor(i / 4), nx);
    return BigInt([k, k + 1, k + nx + 1, k + nx][i % 4]!);
  });
  const offsets = BigInt64Array.from({ length: count }, (_, cell) => BigInt(4 * (cell + 1)));
  return { connectivity, offsets };
}

function cellCount(nx: number, ny: number): number {
  return Math.max(0, nx - 1) * Math.max(0, ny - 1);
}

function cornerOf(cell: number, nx: number): number {
  return Math.floor(cell / (nx - 1)) * nx + (cell % (nx - 1));
}
