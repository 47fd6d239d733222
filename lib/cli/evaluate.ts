import { access, constants, stat } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import {
  AbortError,
  evaluateCheckpoints,
  evaluationTable,
  loadDataset,
  loadLoss,
  loadMetric,
  loadModel,
  LossAtlasError,
  ownSolution,
  saveJson,
  toJson,
  type Dataset,
  type EvaluationRow,
  type EvaluationTable,
  type LoadDatasetOptions,
  type LoadModelOptions,
  type LoadSolutionOptions,
  type LossName,
  type MetricChoice,
  type Model,
  type ObjectiveOptions,
} from '../index.js';
import { checkpointPaths } from './checkpoint-paths.js';
import type { DataSpec } from './data-spec.js';
import { ProgressReporter } from './progress.js';

/** Options of the command line, undefined where they were not given. */
type Given<T> = { readonly [K in keyof T]: T[K] | undefined };

/** Those that were given. */
function present<T>(options: Given<T>): T {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as T;
}

export interface EvaluateArguments {
  readonly model: string;
  readonly checkpoints: readonly string[];
  readonly data: readonly DataSpec[];
  /** Of all data sets; those of one alone win. */
  readonly dataOptions: LoadDatasetOptions;
  readonly load: Given<Pick<LoadModelOptions, 'device' | 'dtype'>>;
  /** Names, or paths of TorchScript files. */
  readonly loss: string | undefined;
  readonly metrics: readonly string[];
  readonly settings: Given<Pick<ObjectiveOptions, 'mode' | 'output' | 'batchSize'>>;
  readonly solution: Given<Pick<LoadSolutionOptions, 'key' | 'by' | 'unknown'>>;
  readonly classes: boolean;
  readonly resume: string | undefined;
  readonly json: boolean;
  readonly out: string | undefined;
}

/** Whether every checkpoint gave figures. Prints the table, of an interrupted run what there is of it. */
export async function evaluate(given: EvaluateArguments, signal: AbortSignal): Promise<boolean> {
  if (given.out !== undefined) await requireWritable(given.out);
  const paths = await checkpointPaths(given.checkpoints);
  using model = await loadModel(given.model, present(given.load));
  using own = paths.length === 0 ? await ownSolution(model, basename(given.model)) : null;
  const datasets: Dataset[] = [];
  for (const { path, options } of given.data)
    datasets.push(await loadDataset(path, { ...given.dataOptions, ...options }));
  using loss = isFile(given.loss) ? await loadLoss(given.loss, model) : null;
  const metrics = await loadMetrics(given.metrics, model);
  const progress = new ProgressReporter();
  const rows: EvaluationRow[] = [];
  let table: EvaluationTable;
  try {
    table = await evaluateCheckpoints(model, own === null ? paths : [own], datasets, {
      ...present(given.settings),
      ...present(given.solution),
      ...(given.loss === undefined ? {} : { loss: loss ?? (given.loss as LossName) }),
      metrics,
      classes: given.classes,
      ...(given.resume === undefined ? {} : { resume: given.resume }),
      onRow: (row) => void rows.push(row),
      signal,
      onProgress: progress.onProgress,
    });
  } catch (error) {
    progress.stop();
    if (error instanceof AbortError) sayInterrupted(given, rows, metrics);
    throw error;
  } finally {
    progress.stop();
    for (const metric of metrics) if (typeof metric === 'object') metric.dispose();
  }
  // First what cannot fail for want of room.
  process.stdout.write(`${given.json ? toJson(table) : evaluationTable(table)}\n`);
  if (given.out !== undefined) await saveJson(given.out, table);
  return table.rows.every(({ problem }) => problem === null);
}

async function loadMetrics(names: readonly string[], model: Model): Promise<MetricChoice[]> {
  const metrics: MetricChoice[] = [];
  for (const name of names) metrics.push(isFile(name) ? await loadMetric(name, model) : name);
  return metrics;
}

/** PyTorch's losses and our metrics have names without a dot. */
function isFile(name: string | undefined): name is string {
  return name !== undefined && /[./\\]/.test(name);
}

/** Before hours of work, not after. */
async function requireWritable(path: string): Promise<void> {
  const fail = (reason: string): never => {
    throw new LossAtlasError('ERR_FILE_NOT_WRITABLE', `Cannot write '${path}': ${reason}.`);
  };
  const there = await stat(path).catch(() => null);
  if (there?.isDirectory() === true) fail('it is a folder');
  const target = there === null ? dirname(path) : path;
  const isThere = await stat(target).then(
    (stats) => there !== null || stats.isDirectory(),
    () => false,
  );
  if (!isThere) fail('the folder does not exist');
  await access(target, constants.W_OK).catch(() => fail('permission denied'));
}

/** What is there stays: in the file to resume from, or else on the screen. */
function sayInterrupted(
  { json, resume }: EvaluateArguments,
  rows: readonly EvaluationRow[],
  metrics: readonly MetricChoice[],
): void {
  if (rows.length > 0 && !json) {
    const names = metrics.map((metric) => (typeof metric === 'string' ? metric : metric.name));
    const part = { kind: 'evaluation-table', metrics: names, rows } as unknown as EvaluationTable;
    process.stdout.write(`${evaluationTable(part)}\n`);
  }
  const done = `${rows.length} row${rows.length === 1 ? '' : 's'} done before the interruption`;
  process.stderr.write(
    resume === undefined
      ? `\n${done}. With --resume run.eval they are kept, and the same command goes on.\n`
      : `\n${done}, kept in '${resume}'. The same command goes on with the rest.\n`,
  );
}
