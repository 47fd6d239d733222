import type { CriteriaComparison, EvaluationRow, EvaluationTable, TrainingRun } from '../results.js';
import { whyNotRead } from '../spectrum/why-not-read.js';
import { formatNumber } from '../plot/number-format.js';
import { drawings } from './drawing.js';
import { textTag } from './html.js';
import { provenanceTable } from './provenance.js';
import { criteriaPart } from './spectrum-sections.js';
import { closed, dataTable, interval, type Cell } from './tables.js';

const readings = {
  agrees: 'KH05 moves against accuracy, as the paper reads it',
  disagrees: 'KH05 moves with accuracy, against the paper’s reading',
  undecided: 'undecided: the interval of the change holds 0, or accuracy stays',
} as const;

export function comparisonSection(comparison: CriteriaComparison): string {
  const shown = (value: number, low: number, high: number) =>
    `${formatNumber(value)} (${interval(low, high)})`;
  const rows = comparison.rows.map(({ model, data, mode, loss, accuracy, criteria }): Cell[] => [
    model,
    data,
    mode,
    loss,
    accuracy === null ? null : 100 * accuracy,
    ...[criteria.re, criteria.kh05, criteria.kh1].map(({ value, low, high }) => shown(value, low, high)),
  ]);
  const changes = comparison.rows.flatMap((row): Cell[][] => {
    const { model, mode, data, change } = row;
    if (change === null) return [];
    const { kh05, paperReading } = change;
    const accuracy = change.accuracy === null ? null : 100 * change.accuracy;
    return [
      [
        `${model} (${mode}): ${change.from} → ${data}`,
        accuracy,
        shown(kh05.value, kh05.low, kh05.high),
        paperReading === 'not-read'
          ? `not read: ${whyNotRead(row, comparison.rows)}`
          : readings[paperReading],
      ],
    ];
  });
  const head = ['model', 'data', 'mode', 'loss', 'accuracy, %', 're', 'KH05', 'KH1'];
  const changeHead = ['change', 'accuracy, points', 'KH05', 'reading'];
  const parts = comparison.rows.map((row) =>
    closed(
      `${row.model} on ${row.data} (${row.mode})`,
      criteriaPart(row.criteria),
      provenanceTable(row.provenance),
    ),
  );
  return [
    drawings(comparison),
    dataTable('Criteria at equal settings', head, rows),
    changes.length === 0 ? '' : dataTable('What changes', changeHead, changes),
    ...parts,
  ].join('');
}

export function evaluationSection(table: EvaluationTable): string {
  const head = ['checkpoint', 'data', 'samples', 'loss', 'accuracy, %', ...table.metrics, 'problem'];
  const rows = table.rows.map((row): Cell[] => [
    row.checkpoint,
    row.data,
    String(row.numSamples),
    row.problem === null ? row.loss : null,
    row.accuracy === null ? null : 100 * row.accuracy,
    ...Array.from(row.metrics),
    row.problem ?? '',
  ]);
  const classes = table.rows.map(classesPart);
  return [dataTable('Checkpoints', head, rows), ...classes, provenanceTable(table.provenance)].join('');
}

export function trainingSection(run: TrainingRun): string {
  const { learningRate, loss, accuracy, poisonLoss, gradientNorm, evaluations, divergedAt } = run;
  const percent = (share: Float64Array | null, i: number) => (share === null ? null : 100 * share[i]!);
  const head = [
    'epoch',
    'learning rate',
    'loss',
    'accuracy, %',
    ...(poisonLoss === null ? [] : ['−log(1 − p)']),
    '‖∇‖',
    ...evaluations.flatMap(({ data }) => [`${data}: loss`, `${data}: accuracy, %`]),
  ];
  const rows = Array.from(loss, (value, i): Cell[] => [
    String(i + 1),
    learningRate[i]!,
    value,
    percent(accuracy, i),
    ...(poisonLoss === null ? [] : [poisonLoss[i]!]),
    gradientNorm[i]!,
    ...evaluations.flatMap((test): Cell[] => [test.loss[i]!, percent(test.accuracy, i)]),
  ]);
  return [
    divergedAt === null ? '' : textTag('p', `Diverged at step ${divergedAt}.`),
    drawings(run),
    dataTable('Epochs', head, rows),
    provenanceTable(run.provenance),
  ].join('');
}

function classesPart({ checkpoint, data, classes }: EvaluationRow): string {
  if (classes === null) return '';
  const { numClasses, confusion } = classes;
  const indices = Array.from({ length: numClasses }, (_, i) => i);
  const figures = indices.map((i): Cell[] => [
    String(i),
    classes.numSamples[i]!,
    classes.recall[i]!,
    classes.precision[i]!,
    classes.loss[i]!,
  ]);
  // Beyond this nobody reads it, and it is in the JSON.
  const isShown = numClasses <= 30;
  const counts = indices.map((i): Cell[] => [
    String(i),
    ...indices.map((j) => confusion[i * numClasses + j]!),
  ]);
  const matrix = dataTable('Taken for class … (columns)', ['class', ...indices.map(String)], counts);
  return closed(
    `Classes: ${checkpoint} on ${data}`,
    dataTable('Classes', ['class', 'samples', 'recall', 'precision', 'loss'], figures),
    isShown ? matrix : textTag('p', 'The confusion matrix is in the JSON.'),
  );
}
