import { formatNumber } from '../plot/number-format.js';
import type { Estimate, Track } from '../results.js';
import { drawings } from './drawing.js';
import { textTag } from './html.js';
import { provenanceTable } from './provenance.js';
import { closed, dataTable, interval, type Cell } from './tables.js';

export function trackSection(track: Track): string {
  const { checkpoints, datasets, readings, notes, axis } = track;
  const values = checkpoints.flatMap(({ label, position, problem, rows }): Cell[][] => {
    const place = Number.isNaN(position) ? '–' : String(position);
    if (problem !== null) return [[label, place, problem]];
    return rows.map(({ data, loss, accuracy }) => [
      label,
      place,
      data,
      loss,
      accuracy === null ? null : 100 * accuracy,
    ]);
  });
  const shown = ({ value, low, high }: Estimate) => `${formatNumber(value)} (${interval(low, high)})`;
  const curvatures = checkpoints.flatMap(({ position, rows }): Cell[][] =>
    rows.flatMap(({ data, curvature }) => {
      if (curvature === null) return [];
      const { largest, smallest, spectrum, numProducts } = curvature;
      const isConverged = largest.converged && smallest.converged;
      return [
        [
          String(position),
          data,
          largest.value,
          smallest.value,
          isConverged,
          ...(spectrum === null
            ? [null, null, null, null, null]
            : [
                shown(spectrum.trace),
                ...(['re', 'kh05', 'kh1'] as const).map((key) => shown(spectrum.criteria[key])),
                spectrum.type,
              ]),
          String(numProducts),
        ],
      ];
    }),
  );
  const head = ['checkpoint', axis, 'data', 'loss', 'accuracy, %'];
  const curvatureHead = [
    axis,
    'data',
    'λ max',
    'λ min',
    'converged',
    'trace',
    're',
    'KH05',
    'KH1',
    'type',
    'products',
  ];
  const readingRows = readings.map(({ data, from, numCheckpoints, kh05, re }): Cell[] => [
    `${from} → ${data}`,
    String(numCheckpoints),
    kh05,
    re,
  ]);
  const samples = datasets.map(({ name, numSamples, numCurvatureSamples }): Cell[] => [
    name,
    String(numSamples),
    String(numCurvatureSamples),
  ]);
  return [
    ...notes.map((note) => textTag('p', `${note}.`, { class: 'note' })),
    drawings(track),
    dataTable('Data', ['data', 'samples', 'of the Hessian'], samples),
    readings.length === 0
      ? ''
      : dataTable(
          'Correlation of changes with that of accuracy, where the spectrum is mainly positive',
          ['data', 'checkpoints', 'KH05', 're'],
          readingRows,
        ),
    closed(`Checkpoints (${checkpoints.length})`, dataTable('Checkpoints', head, values)),
    curvatures.length === 0 ? '' : closed('Hessian', dataTable('Hessian', curvatureHead, curvatures)),
    provenanceTable(track.provenance),
  ].join('');
}
