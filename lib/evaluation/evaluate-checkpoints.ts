import { Dataset } from '../data/dataset.js';
import { LossAtlasError } from '../errors.js';
import { requireFit, Solution } from '../model/solution.js';
import type { LoadSolutionOptions } from '../model/load-solution.js';
import { Model } from '../model/model.js';
import { evaluateClasses } from '../objective/class-figures.js';
import { objective, objectiveChecks, type Objective, type ObjectiveOptions } from '../objective/objective.js';
import type { EvaluationRow, EvaluationTable } from '../results.js';
import { Steps } from '../steps.js';
import type { AnalysisOptions } from '../types.js';
import {
  analysisChecks,
  checkOptions,
  invalidOption,
  isArrayOf,
  isBoolean,
  isFunction,
  isOneOf,
  isString,
  requireInstance,
  type Check,
} from '../validate.js';
import { nameOf, OpenedCheckpoint } from './opened-checkpoint.js';
import { RowJournal } from './row-journal.js';

export interface EvaluateCheckpointsOptions
  extends AnalysisOptions, ObjectiveOptions, Pick<LoadSolutionOptions, 'key' | 'by' | 'unknown'> {
  /** Confusion matrix and figures of every class, where targets are class indices. Default true. */
  readonly classes?: boolean;
  /** A file that keeps finished rows: a run that was stopped goes on with it. */
  readonly resume?: string;
  /** A checkpoint that cannot be read, or does not fit: a row that says why (`record`, default), or the end (`stop`). */
  readonly onProblem?: 'record' | 'stop';
  /** Called (and waited for) with every row as soon as it is there. */
  readonly onRow?: (row: EvaluationRow) => void | Promise<void>;
}

/** A file (state dict, safetensors, .npz, TorchScript), or a solution. */
export type EvaluatedCheckpoint = string | Solution;

const defaultBatchSize = 500;

/**
 * Loss, accuracy, metrics and the figures of every class of many checkpoints on many data sets. The model is built once
 * and every data set placed once; only weights and running statistics change, and the next file is read meanwhile.
 *
 *     const table = await evaluateCheckpoints(model, ['epoch1.pth', 'epoch2.pth'], [train, test], { resume: 'run.eval' });
 *     console.log(evaluationTable(table));
 *
 * `batchSize` is 500 by default. Throws ERR_INVALID_OPTION, ERR_RESUME, ERR_FILE_NOT_WRITABLE; with `onProblem: 'stop'`
 * what `loadSolution` throws; what objectives throw.
 */
export async function evaluateCheckpoints(
  model: Model,
  checkpoints: readonly EvaluatedCheckpoint[],
  datasets: readonly Dataset[],
  options: EvaluateCheckpointsOptions = {},
): Promise<EvaluationTable> {
  const startedAt = performance.now();
  checkArguments(model, checkpoints, datasets, options);
  const run = new Run(model, datasets, options);
  try {
    const steps = new Steps('evaluation', checkpoints.length * datasets.length, options);
    const rows = await run.evaluate(checkpoints, steps);
    return Object.freeze({
      kind: 'evaluation-table',
      formatVersion: 1,
      metrics: run.metricNames,
      rows: Object.freeze(rows),
      samplesPerSecond: run.samplesPerSecond,
      provenance: await run.provenance(startedAt),
    });
  } finally {
    run.dispose();
  }
}

class Run {
  readonly #model: Model;
  readonly #objectives: readonly Objective[];
  readonly #options: EvaluateCheckpointsOptions;
  #samples = 0;
  #seconds = 0;

  constructor(model: Model, datasets: readonly Dataset[], options: EvaluateCheckpointsOptions) {
    this.#model = model;
    this.#options = options;
    const entries = Object.entries(options).filter(([name]) => Object.hasOwn(objectiveChecks, name));
    const settings: ObjectiveOptions = { batchSize: defaultBatchSize, ...Object.fromEntries(entries) };
    const objectives: Objective[] = [];
    this.#objectives = objectives;
    try {
      for (const data of datasets) objectives.push(objective(model, data, settings));
    } catch (error) {
      this.dispose();
      throw error;
    }
  }

  get metricNames(): readonly string[] {
    return this.#objectives[0]!.metricNames;
  }
  get samplesPerSecond(): number {
    return this.#samples / this.#seconds;
  }

  async provenance(startedAt: number) {
    return this.#objectives[0]!.provenance(startedAt, 'checkpoints');
  }

  async evaluate(checkpoints: readonly EvaluatedCheckpoint[], steps: Steps): Promise<EvaluationRow[]> {
    const { resume, onProblem = 'record', onRow } = this.#options;
    const journal = resume === undefined ? null : await RowJournal.open(resume, await this.#settings());
    const rows: EvaluationRow[] = [];
    // One ahead, so that a file is read while the one before is evaluated.
    let next = this.#open(checkpoints[0]!);
    try {
      for (let i = 0; i < checkpoints.length; i++) {
        const before = performance.now();
        const opened = await next;
        if (i + 1 < checkpoints.length) next = this.#open(checkpoints[i + 1]!);
        try {
          if (opened.problem !== null && onProblem === 'stop') throw opened.problem;
          let numComputed = 0;
          for (const goal of this.#objectives) {
            const known = journal?.find(opened.name, opened.hash, goal.data.hash);
            const row = known ?? (await this.#row(opened, goal));
            if (known === undefined) {
              await journal?.add(row);
              if (row.problem === null) numComputed += row.numSamples;
            }
            rows.push(row);
            await onRow?.(row);
            if (known === undefined) steps.advance();
            else steps.restore(1);
          }
          this.#samples += numComputed;
          if (numComputed > 0) this.#seconds += (performance.now() - before) / 1000;
        } finally {
          opened.dispose();
        }
      }
      return rows;
    } finally {
      // After an error or abort a file may still be on its way; nothing goes on behind the caller's back.
      await next.then(
        (opened) => {
          opened.dispose();
        },
        () => undefined,
      );
      await journal?.close();
    }
  }

  #open(checkpoint: EvaluatedCheckpoint): Promise<OpenedCheckpoint> {
    const { key, by, unknown } = this.#options;
    const opening = OpenedCheckpoint.open(this.#model, checkpoint, { key, by, unknown });
    // A failure waits for its turn.
    opening.catch(() => undefined);
    return opening;
  }

  async #row(opened: OpenedCheckpoint, goal: Objective): Promise<EvaluationRow> {
    const { classes: wanted = true, signal } = this.#options;
    const started = performance.now();
    const row = {
      checkpoint: opened.name,
      checkpointHash: opened.hash,
      data: goal.data.name,
      dataHash: goal.data.hash,
      numSamples: goal.data.numSamples,
    };
    if (opened.solution === null) {
      const { code, message } = opened.problem!;
      const metrics = new Float64Array(this.metricNames.length).fill(NaN);
      const problem = `${code}: ${message}`;
      return Object.freeze({
        ...row,
        loss: NaN,
        accuracy: null,
        metrics,
        classes: null,
        seconds: 0,
        problem,
      });
    }
    const { theta, buffers } = opened.solution;
    const evaluation = wanted
      ? await evaluateClasses(goal, theta, buffers, signal)
      : { ...(await goal.evaluate(theta, signal, buffers)), classes: null };
    return Object.freeze({
      ...row,
      loss: evaluation.loss,
      accuracy: evaluation.accuracy,
      metrics: Float64Array.from(this.metricNames, (name) => evaluation.metrics[name]!),
      classes: evaluation.classes,
      seconds: (performance.now() - started) / 1000,
      problem: null,
    });
  }

  /** What decides the figures besides the checkpoint and the data. */
  async #settings(): Promise<Record<string, string | number>> {
    const { modelHash, criterion, mode, dtype, device, options } = await this.provenance(performance.now());
    const { key = '', by = 'name', classes = true } = this.#options;
    const entries = Object.entries(options).map(([name, value]) => [name, String(value)] as const);
    return {
      model: modelHash,
      criterion,
      mode,
      dtype,
      device,
      key,
      by,
      classes: String(classes),
      ...Object.fromEntries(entries),
    };
  }

  dispose(): void {
    for (const item of this.#objectives) item.dispose();
  }
}

const optionChecks: Readonly<Record<keyof EvaluateCheckpointsOptions, Check>> = {
  ...analysisChecks,
  ...objectiveChecks,
  key: isString,
  by: isOneOf('name', 'order'),
  unknown: isOneOf('refuse', 'opaque'),
  classes: isBoolean,
  resume: isString,
  onProblem: isOneOf('record', 'stop'),
  onRow: isFunction,
};

function checkArguments(
  model: unknown,
  checkpoints: unknown,
  datasets: unknown,
  options: EvaluateCheckpointsOptions,
): void {
  requireInstance('evaluateCheckpoints: model', model, Model, 'a Model (of loadModel)');
  const isCheckpoint: Check = (v) =>
    v instanceof Solution || isString(v) === null ? null : 'a path or a Solution';
  const list = 'a non-empty array of paths and Solutions';
  const expected = isArrayOf(isCheckpoint, list)(checkpoints);
  if (expected !== null || (checkpoints as unknown[]).length === 0)
    throw invalidOption('evaluateCheckpoints: checkpoints', list, checkpoints);
  const isData: Check = (v) => (v instanceof Dataset ? null : 'a Dataset');
  const sets = 'a non-empty array of Datasets (of dataset or one of the readers)';
  if (isArrayOf(isData, sets)(datasets) !== null || (datasets as unknown[]).length === 0)
    throw invalidOption('evaluateCheckpoints: datasets', sets, datasets);
  checkOptions('evaluateCheckpoints', options, optionChecks);
  for (const checkpoint of checkpoints as EvaluatedCheckpoint[]) {
    if (checkpoint instanceof Solution) requireFit(model as Model, checkpoint);
  }
  const names = (checkpoints as EvaluatedCheckpoint[]).map(nameOf);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) {
    throw new LossAtlasError(
      'ERR_INVALID_OPTION',
      `evaluateCheckpoints: checkpoints holds '${twice}' twice, and rows are told apart by it.`,
    );
  }
}
