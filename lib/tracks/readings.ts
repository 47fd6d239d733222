import type { TrackCheckpoint, TrackData, TrackReading, TrackRow } from '../results.js';

/** Where the paper's reading of KH05 and re is said: mainly positive spectra on both data sets, and accuracies. */
export function readingsOf(
  datasets: readonly TrackData[],
  checkpoints: readonly TrackCheckpoint[],
): TrackReading[] {
  const [first, ...others] = datasets;
  // One that lies there under two names, such as the last one, counts once.
  const distinct = checkpoints.filter(({ hash }, i) => checkpoints.findIndex((c) => c.hash === hash) === i);
  const hasSpectrum = (d: number) => checkpoints.some(({ rows }) => rows[d]?.curvature?.spectrum != null);
  if (first === undefined || !hasSpectrum(0)) return [];
  return others.flatMap(({ name }, i) => {
    if (!hasSpectrum(i + 1)) return [];
    const pairs = distinct.flatMap(({ rows }) => {
      const [before, after] = [rows[0], rows[i + 1]];
      return isRead(before) && isRead(after) ? [[before, after] as const] : [];
    });
    const accuracy = pairs.map(([before, after]) => after.accuracy! - before.accuracy!);
    const change = (key: 'kh05' | 're') => {
      const changes = pairs.map(([before, after]) => criterion(after, key) - criterion(before, key));
      const largest = Math.max(...pairs.flat().map((row) => Math.abs(criterion(row, key))));
      // Accuracies are shares of 1.
      return correlation(changes, accuracy, largest, 1);
    };
    return [
      Object.freeze({
        data: name,
        from: first.name,
        numCheckpoints: pairs.length,
        kh05: change('kh05'),
        re: change('re'),
      }),
    ];
  });
}

function isRead(row: TrackRow | undefined): row is TrackRow {
  return row?.accuracy != null && row.curvature?.spectrum?.type === 'mainly-positive';
}

function criterion(row: TrackRow, key: 'kh05' | 're'): number {
  return row.curvature!.spectrum!.criteria[key].value;
}

/**
 * Pearson's r; NaN for fewer than three pairs, and where one side does not vary. `scaleA` and `scaleB`: of the numbers that
 * the entries are differences of, whose rounding is no variation.
 */
export function correlation(
  a: readonly number[],
  b: readonly number[],
  scaleA: number,
  scaleB: number,
): number {
  if (a.length < 3) return NaN;
  const mean = (list: readonly number[]) => list.reduce((sum, x) => sum + x, 0) / list.length;
  const [meanA, meanB] = [mean(a), mean(b)];
  let [together, squareA, squareB] = [0, 0, 0];
  a.forEach((x, i) => {
    const [da, db] = [x - meanA, b[i]! - meanB];
    together += da * db;
    squareA += da * da;
    squareB += db * db;
  });
  const rounding = (scale: number) => a.length * (8 * Number.EPSILON * scale) ** 2;
  const varies = squareA > rounding(scaleA) && squareB > rounding(scaleB);
  return varies ? together / Math.sqrt(squareA * squareB) : NaN;
}
