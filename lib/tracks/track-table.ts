import { alignColumns, escapeCell } from '../markdown.js';
import type { Track, TrackReading, TrackRow } from '../results.js';
import { invalidOption } from '../validate.js';

/**
 * A track as a Markdown table, a row for each checkpoint on each data set, accuracy in per cent. Below it: what is not
 * mainly positive, the reading of KH05 where all is, problems and notes.
 */
export function trackTable(track: Track): string {
  if ((track as Track | null)?.kind !== 'track')
    throw invalidOption('trackTable: track', 'a result of trackCheckpoints', track);
  const { axis, checkpoints, notes, readings } = track;
  const rows = checkpoints.flatMap(({ rows, label, position }) =>
    rows.map((row) => ({ row, place: axis === 'epoch' ? String(position) : escapeCell(label) })),
  );
  const hasCurvature = rows.some(({ row }) => row.curvature !== null);
  const hasSpectrum = rows.some(({ row }) => row.curvature?.spectrum != null);
  const head = [
    axis,
    'data',
    'loss',
    'accuracy %',
    ...(hasCurvature ? ['λ max', 'λ min'] : []),
    ...(hasSpectrum ? ['trace', 're', 'KH05', 'KH1', 'type'] : []),
  ];
  const lines = rows.map(({ row, place }) => [
    place,
    escapeCell(row.data),
    row.loss.toPrecision(6),
    row.accuracy === null ? '–' : (100 * row.accuracy).toFixed(2),
    ...(hasCurvature ? extremes(row) : []),
    ...(hasSpectrum ? spectrum(row) : []),
  ]);
  const problems = checkpoints.flatMap(({ label, problem }) =>
    problem === null ? [] : [`- ${label}: ${problem}`],
  );
  const words = [
    ...readings.map(readingWords),
    ...coldWords(rows.map(({ row }) => row)),
    ...notes.map((note) => `- ${note}`),
    ...problems,
  ];
  return [...alignColumns([head, ...lines]), ...(words.length > 0 ? ['', ...words] : [])].join('\n');
}

function extremes({ curvature }: TrackRow): string[] {
  if (curvature === null) return ['–', '–'];
  return [curvature.largest, curvature.smallest].map(
    ({ value, converged }) => value.toPrecision(5) + (converged ? '' : ' (not converged)'),
  );
}

function spectrum({ curvature }: TrackRow): string[] {
  const found = curvature?.spectrum ?? null;
  if (found === null) return ['–', '–', '–', '–', '–'];
  const { trace, criteria, type } = found;
  const { re, kh05, kh1 } = criteria;
  return [...[trace, re, kh05, kh1].map(({ value }) => value.toPrecision(4)), type];
}

function readingWords({ data, from, numCheckpoints, kh05, re }: TrackReading): string {
  const who = `- ${from} → ${data}`;
  if (numCheckpoints === 0)
    return `${who}: no reading of KH05, since the spectrum is mainly positive on both at no checkpoint`;
  const where = `at the ${numCheckpoints} checkpoints whose spectrum is mainly positive on both`;
  if (numCheckpoints < 3)
    return `${who}: no reading of KH05 from ${numCheckpoints} (mainly positive on both)`;
  const r = (value: number) => (Number.isNaN(value) ? 'undefined' : value.toFixed(2).replace('-', '−'));
  return `${who}: change of KH05 with change of accuracy, r = ${r(kh05)}; of re, r = ${r(re)} (${where}; below 0 as the paper reads them)`;
}

/** What searches from the eigenvectors before saved, where that was compared. */
function coldWords(rows: readonly TrackRow[]): string[] {
  const compared = rows.flatMap(({ curvature }) => (curvature?.coldProducts == null ? [] : [curvature]));
  if (compared.length === 0) return [];
  const warm = compared.reduce((sum, { searchProducts }) => sum + searchProducts, 0);
  const cold = compared.reduce((sum, { coldProducts }) => sum + coldProducts!, 0);
  const share = ((100 * warm) / cold).toFixed(0);
  return [
    `- searches from the eigenvectors of the checkpoint before: ${warm} products, ${share} % of the ${cold} from random vectors`,
  ];
}
