import type {
  CriteriaComparison,
  Estimate,
  EvaluationTable,
  LandscapeValues,
  ModeConnection,
  Track,
  TrackCheckpoint,
  TrackRow,
  TrainingRun,
} from '../../results.js';
import type { Result, ResultKind } from '../result-format.js';

/** One column: numbers, or texts and truth values. */
export interface CsvColumn {
  readonly name: string;
  readonly values: Float64Array | readonly (string | boolean)[];
}

type TableOf<R> = (result: R) => readonly CsvColumn[];
type CsvKind =
  | 'loss-line'
  | 'loss-surface'
  | 'eigenvalue-map'
  | 'mode-connection'
  | 'basin-volume'
  | 'trajectory'
  | 'eigenpairs'
  | 'preset-eigenpairs'
  | 'trace'
  | 'frobenius-norm'
  | 'preset-trace'
  | 'spectral-density'
  | 'preset-spectral-density'
  | 'evaluation-table'
  | 'criteria-comparison'
  | 'training-run'
  | 'track';

/** The table of every kind that has one. A column with the name of an array of the result holds that array. */
const tables: { readonly [K in CsvKind]: TableOf<Extract<Result, { kind: K }>> } = {
  'loss-line': (line) => [column('coordinates', line.coordinates), ...landscapeColumns(line)],
  'loss-surface': (surface) => [...gridColumns(surface), ...landscapeColumns(surface)],
  'eigenvalue-map': (map) => [
    ...gridColumns(map),
    column('smallest', map.smallest),
    column('largest', map.largest),
    ...optional('numProducts', map.numProducts),
  ],
  'mode-connection': connectionColumns,
  'basin-volume': (basin) =>
    (['radii', 'low', 'high', 'numEvaluations'] as const).map((name) => column(name, basin[name])),
  trajectory: (path) => [
    { name: 'label', values: path.labels },
    ...(['x', 'y', 'distance', 'loss', 'projectedLoss'] as const).map((name) => column(name, path[name])),
    ...optional('accuracy', path.accuracy),
  ],
  eigenpairs: ({ values, residuals, converged }) => [
    column('values', values),
    column('residuals', residuals),
    { name: 'converged', values: converged },
  ],
  'preset-eigenpairs': ({ values, numIterations, stopped }) => [
    column('values', values),
    column('numIterations', numIterations),
    { name: 'stopped', values: stopped },
  ],
  trace: ({ samples }) => [column('samples', samples)],
  'frobenius-norm': ({ samples }) => [column('samples', samples)],
  'preset-trace': ({ samples }) => [column('samples', samples)],
  'spectral-density': ({ nodes, weights, residualBounds }) => [
    column('probe', probesOf(nodes)),
    column('node', joined(nodes)),
    column('weight', joined(weights)),
    column('residualBound', joined(residualBounds)),
  ],
  'preset-spectral-density': ({ nodes, weights }) => [
    column('probe', probesOf(nodes)),
    column('node', joined(nodes)),
    column('weight', joined(weights)),
  ],
  'evaluation-table': evaluationColumns,
  'criteria-comparison': criteriaColumns,
  'training-run': trainingColumns,
  track: trackColumns,
};

export const csvKinds = Object.keys(tables) as readonly ResultKind[];

/** The columns of a result, all of one length; null where its kind has no table. */
export function csvColumns(result: Result): readonly CsvColumn[] | null {
  if (!Object.hasOwn(tables, result.kind)) return null;
  return (tables as Readonly<Record<string, TableOf<Result>>>)[result.kind]!(result);
}

/**
 * The column that holds the array at `key` of the result: of the same name, or a part of one, `node[2]` for the rows of
 * probe 2; null for arrays that stay in the metadata.
 */
export function csvNameOf(kind: ResultKind, columns: readonly CsvColumn[], key: string): string | null {
  const [, list, probe] = /^(nodes|weights|residualBounds)\[(\d+)\]$/.exec(key) ?? [];
  if (list !== undefined) return `${list.slice(0, -1)}[${probe}]`;
  // Coordinates of a grid are repeated in its rows.
  if ((kind === 'loss-surface' || kind === 'eigenvalue-map') && (key === 'x' || key === 'y')) return null;
  return columns.some(({ name, values }) => name === key && values instanceof Float64Array) ? key : null;
}

function column(name: string, values: Float64Array): CsvColumn {
  return { name, values };
}

function optional(name: string, values: Float64Array | null): CsvColumn[] {
  return values === null ? [] : [column(name, values)];
}

function gridColumns({ x, y }: { readonly x: Float64Array; readonly y: Float64Array }): CsvColumn[] {
  const count = x.length * y.length;
  return [
    column(
      'x',
      Float64Array.from({ length: count }, (_, k) => x[k % x.length]!),
    ),
    column(
      'y',
      Float64Array.from({ length: count }, (_, k) => y[Math.floor(k / x.length)]!),
    ),
  ];
}

function landscapeColumns({ loss, accuracy, metrics, gradientNorm }: LandscapeValues): CsvColumn[] {
  return [
    column('loss', loss),
    ...optional('accuracy', accuracy),
    ...Object.entries(metrics).map(([name, values]) => column(`metrics.${name}`, values)),
    ...optional('gradientNorm', gradientNorm),
  ];
}

function probesOf(lists: readonly Float64Array[]): Float64Array {
  return Float64Array.from(lists.flatMap((list, probe) => Array.from(list, () => probe)));
}

function joined(lists: readonly Float64Array[]): Float64Array {
  return Float64Array.from(lists.flatMap((list) => Array.from(list)));
}

function evaluationColumns({ metrics, rows }: EvaluationTable): CsvColumn[] {
  const numbers = (of: (row: EvaluationTable['rows'][number]) => number | null) =>
    Float64Array.from(rows, (row) => of(row) ?? NaN);
  return [
    { name: 'checkpoint', values: rows.map(({ checkpoint }) => checkpoint) },
    { name: 'data', values: rows.map(({ data }) => data) },
    column(
      'numSamples',
      numbers(({ numSamples }) => numSamples),
    ),
    column(
      'loss',
      numbers(({ loss }) => loss),
    ),
    column(
      'accuracy',
      numbers(({ accuracy }) => accuracy),
    ),
    ...metrics.map((name, i) =>
      column(
        `metrics.${name}`,
        numbers((row) => row.metrics[i]!),
      ),
    ),
    column(
      'seconds',
      numbers(({ seconds }) => seconds),
    ),
    { name: 'problem', values: rows.map(({ problem }) => problem ?? '') },
  ];
}

function criteriaColumns({ rows }: CriteriaComparison): CsvColumn[] {
  const numbers = (name: string, of: (row: CriteriaComparison['rows'][number]) => number | null) =>
    column(
      name,
      Float64Array.from(rows, (row) => of(row) ?? NaN),
    );
  const names = ['re', 'kh05', 'kh1', 'negativeMass', 'negativeCurvatureShare', 'nearZeroMass'] as const;
  return [
    { name: 'model', values: rows.map(({ model }) => model) },
    { name: 'data', values: rows.map(({ data }) => data) },
    { name: 'mode', values: rows.map(({ mode }) => mode) },
    numbers('loss', ({ loss }) => loss),
    numbers('accuracy', ({ accuracy }) => accuracy),
    ...names.flatMap((name) => [
      numbers(name, ({ criteria }) => criteria[name].value),
      numbers(`${name}.low`, ({ criteria }) => criteria[name].low),
      numbers(`${name}.high`, ({ criteria }) => criteria[name].high),
    ]),
    numbers('numProducts', ({ numProducts }) => numProducts),
  ];
}

function connectionColumns({ t, paths }: ModeConnection): CsvColumn[] {
  const ofPaths = paths.flatMap(({ evaluations, plane }, i) => [
    ...evaluations.flatMap(({ loss, accuracy }, k) => [
      column(`paths[${i}].evaluations[${k}].loss`, loss),
      ...optional(`paths[${i}].evaluations[${k}].accuracy`, accuracy),
    ]),
    ...(plane === null
      ? []
      : (['x', 'y', 'distance'] as const).map((name) => column(`paths[${i}].plane.${name}`, plane[name]))),
  ]);
  return [column('t', t), ...ofPaths];
}

function trainingColumns(run: TrainingRun): CsvColumn[] {
  return [
    column('learningRate', run.learningRate),
    column('loss', run.loss),
    ...optional('accuracy', run.accuracy),
    ...optional('poisonLoss', run.poisonLoss),
    column('gradientNorm', run.gradientNorm),
    column('seconds', run.seconds),
    ...run.evaluations.flatMap(({ loss, accuracy }, i) => [
      column(`evaluations[${i}].loss`, loss),
      ...optional(`evaluations[${i}].accuracy`, accuracy),
    ]),
  ];
}

/** A row for each checkpoint on each data set, and one for a checkpoint that could not be read. */
function trackColumns({ checkpoints }: Track): CsvColumn[] {
  interface Line {
    readonly checkpoint: TrackCheckpoint;
    readonly row: TrackRow | null;
  }
  const lines = checkpoints.flatMap((checkpoint): Line[] =>
    checkpoint.rows.length === 0
      ? [{ checkpoint, row: null }]
      : checkpoint.rows.map((row) => ({ checkpoint, row })),
  );
  const numbers = (name: string, of: (line: Line) => number | null | undefined) =>
    column(
      name,
      Float64Array.from(lines, (line) => of(line) ?? NaN),
    );
  const spectrum = ({ row }: Line) => row?.curvature?.spectrum;
  const interval = (name: string, of: (line: Line) => Estimate | undefined) => [
    numbers(name, (line) => of(line)?.value),
    numbers(`${name}.low`, (line) => of(line)?.low),
    numbers(`${name}.high`, (line) => of(line)?.high),
  ];
  const criteria = ['re', 'kh05', 'kh1'] as const;
  return [
    { name: 'checkpoint', values: lines.map(({ checkpoint }) => checkpoint.label) },
    numbers('epoch', ({ checkpoint }) => checkpoint.epoch),
    numbers('position', ({ checkpoint }) => checkpoint.position),
    { name: 'data', values: lines.map(({ row }) => row?.data ?? '') },
    numbers('loss', ({ row }) => row?.loss),
    numbers('accuracy', ({ row }) => row?.accuracy),
    numbers('largest', ({ row }) => row?.curvature?.largest.value),
    numbers('smallest', ({ row }) => row?.curvature?.smallest.value),
    ...interval('trace', (line) => spectrum(line)?.trace),
    ...criteria.flatMap((name) => interval(name, (line) => spectrum(line)?.criteria[name])),
    { name: 'type', values: lines.map((line) => spectrum(line)?.type ?? '') },
    numbers('numProducts', ({ row }) => row?.curvature?.numProducts),
    { name: 'problem', values: lines.map(({ checkpoint }) => checkpoint.problem ?? '') },
  ];
}
