import { Dataset } from '../data/dataset.js';
import { randomBatches } from '../data/random-batches.js';
import { AbortError, LossAtlasError } from '../errors.js';
import { Model } from '../model/model.js';
import { Solution } from '../model/solution.js';
import { objective, type ObjectiveOptions } from '../objective/objective.js';
import { hessian } from '../operators/hessian.js';
import type { Criteria, CriteriaComparison, CriteriaRow, Mode, SpectralDensity } from '../results.js';
import { averageCriteria, criteriaChecks, type SpectrumCriteriaOptions } from '../spectrum/criteria.js';
import { spectralDensity } from '../spectrum/spectral-density.js';
import { changeBetween } from './criteria-change.js';
import { Steps } from '../steps.js';
import type { AnalysisOptions } from '../types.js';
import {
  analysisChecks,
  checkOptions,
  invalidOption,
  isArrayOf,
  isFunction,
  isInteger,
  isOneOf,
  isPositive,
  isSeed,
  isString,
  type Check,
} from '../validate.js';

/** A model, or a point in its parameter space, under a name. */
export interface ComparedModel {
  readonly label: string;
  readonly model: Model;
  /** Default: the model's own parameters and statistics. */
  readonly at?: Solution;
}

export interface ComparedData {
  readonly label: string;
  readonly data: Dataset;
}

export interface CompareCriteriaOptions
  extends
    AnalysisOptions,
    SpectrumCriteriaOptions,
    Omit<ObjectiveOptions, 'mode' | 'batchSize' | 'metrics' | 'seed'> {
  /** Default `['eval']`. */
  readonly modes?: readonly Mode[];
  /** Random batches whose criteria are averaged; default 4 (Gabdullin 2024, section 3.4: stable from 4 on). */
  readonly batches?: number;
  /** Samples of each; default 256, or as many as the smallest data set gives. */
  readonly batchSize?: number;
  /** Samples at a time for loss and accuracy over the whole data; default 1000. */
  readonly evaluationBatchSize?: number;
  /** Lanczos steps; default 100. */
  readonly steps?: number;
  /** Probes a batch; default 10. */
  readonly probes?: number;
  /** Of the batches, the probes and dropout. Default 0. */
  readonly seed?: number;
  /** Bytes that the graphs and the basis may take each; see `hessian` and `spectralDensity`. */
  readonly memoryBudget?: number;
  /**
   * Called (and waited for) with every row as soon as it is there, and with all rows so far: save them, and an
   * interruption costs little.
   */
  readonly onRow?: (row: CriteriaRow, soFar: CriteriaComparison) => void | Promise<void>;
  /** An earlier, perhaps interrupted comparison: its rows of the same files, data and settings are not computed again. */
  readonly known?: CriteriaComparison;
}

/**
 * Loss, accuracy and criteria of models on data sets, at equal settings: the criteria are averages over random batches,
 * with intervals over them, and each model's changes from the first data set to the others stand beside them (Gabdullin
 * 2024, arXiv 2412.10146, section 4 and Table 4; with `modes: ['train', 'eval']` and `randomSolution`, its Table 2).
 *
 *     const comparison = await compareCriteria(
 *       [{ label: 'LeNet', model }],
 *       [{ label: 'MNIST', data: mnist }, { label: 'USPS', data: usps }],
 *     );
 *     console.log(criteriaTable(comparison));
 *
 * Throws ERR_INVALID_OPTION; what objectives and their Hessians throw.
 */
export async function compareCriteria(
  models: readonly ComparedModel[],
  datasets: readonly ComparedData[],
  options: CompareCriteriaOptions = {},
): Promise<CriteriaComparison> {
  checkArguments(models, datasets, options);
  const { modes = ['eval'], batches = 4, steps = 100, probes = 10, seed = 0 } = options;
  const smallest = Math.min(...datasets.map(({ data }) => Math.floor(data.numSamples / batches)));
  if (smallest < 1)
    throw invalidOption("compareCriteria: option 'batches'", 'at most the number of samples', batches);
  const batchSize = options.batchSize ?? Math.min(256, smallest);
  if (batchSize > smallest)
    throw invalidOption(
      "compareCriteria: option 'batchSize'",
      `at most ${smallest} for ${batches} batches of the smallest data set`,
      batchSize,
    );
  const settings = { batches, batchSize, steps, probes, seed };
  const drawn = datasets.map(({ data }) => randomBatches(data, { count: batches, batchSize, seed }));
  const numRows = models.length * modes.length * datasets.length;
  const progress = new Steps('criteria', numRows * batches * probes * steps, options);
  const rows: CriteriaRow[] = [];
  for (const model of models) {
    for (const mode of modes) {
      let first: CriteriaRow | null = null;
      for (const [i, choice] of datasets.entries()) {
        const cell = { model, mode, choice, parts: drawn[i]!, first, settings };
        const known = await findKnown(cell, options);
        const row: CriteriaRow =
          known ?? (await computeRow(cell, options, progress).catch((error: unknown) => fail(error, cell)));
        if (known !== null) progress.restore(batches * probes * steps);
        first ??= row;
        rows.push(row);
        await options.onRow?.(row, comparisonOf(rows, settings));
      }
    }
  }
  progress.finish();
  return comparisonOf(rows, settings);
}

type Settings = Readonly<Record<'batches' | 'batchSize' | 'steps' | 'probes' | 'seed', number>>;

function comparisonOf(rows: readonly CriteriaRow[], { batchSize, seed }: Settings): CriteriaComparison {
  return Object.freeze({
    kind: 'criteria-comparison',
    formatVersion: 1,
    batchSize,
    seed,
    rows: Object.freeze([...rows]),
  });
}

interface Cell {
  readonly model: ComparedModel;
  readonly mode: Mode;
  readonly choice: ComparedData;
  readonly parts: readonly Dataset[];
  readonly first: CriteriaRow | null;
  readonly settings: Settings;
}

/** Says of which model, and on which data. */
function fail(error: unknown, { model, choice }: Cell): never {
  if (!(error instanceof LossAtlasError) || error instanceof AbortError) throw error;
  throw new LossAtlasError(error.code, `'${model.label}' on '${choice.label}': ${error.message}`, {
    cause: error,
  });
}

async function computeRow(
  { model: { label, model, at }, mode, choice, parts, first, settings }: Cell,
  options: CompareCriteriaOptions,
  progress: Steps,
): Promise<CriteriaRow> {
  const startedAt = performance.now();
  const { steps, probes, seed } = settings;
  const where = at === undefined ? {} : { at };
  const given = { ...objectiveOptions(options), mode, seed };
  const spectra: SpectralDensity[] = [];
  for (const [b, part] of parts.entries()) {
    using loss = objective(model, part, given);
    using operator = hessian(loss, { ...where, ...memoryOf(options) });
    let done = 0;
    const spectrum = await spectralDensity(operator, {
      steps,
      probes,
      // Every batch has probes of its own.
      seed,
      firstProbe: b * probes,
      signal: options.signal,
      onProgress: (inner) => {
        progress.advance(inner.done - done);
        done = inner.done;
      },
      ...memoryOf(options),
      ...criteriaOptions(options),
    });
    // A probe that ended early counts in full.
    progress.advance(steps * probes - done);
    spectra.push(spectrum);
  }
  using whole = objective(model, choice.data, { ...given, batchSize: options.evaluationBatchSize ?? 1000 });
  const { loss, accuracy } = await whole.evaluate(at?.theta, options.signal, at?.buffers ?? null);
  const criteria =
    spectra.length === 1
      ? spectra[0]!.criteria
      : averageCriteria(
          spectra.map((spectrum) => spectrum.criteria),
          options.confidence,
        );
  const pointHash = (await at?.hash()) ?? null;
  const row = { model: label, data: choice.label, mode, pointHash, loss, accuracy, criteria };
  return Object.freeze({
    ...row,
    change: first === null ? null : changeBetween(first, row),
    numProducts: spectra.reduce((sum, spectrum) => sum + spectrum.numProducts, 0),
    provenance: await whole.provenance(startedAt, at?.label, 'Hessian'),
  });
}

/** The row of an earlier run that this cell would give, its change made anew. */
async function findKnown(cell: Cell, options: CompareCriteriaOptions): Promise<CriteriaRow | null> {
  const { model, mode, choice, first, settings } = cell;
  const { known, tailThreshold = 0.01, confidence = 0.95, evaluationBatchSize = 1000 } = options;
  if (known?.batchSize !== settings.batchSize) return null;
  if (known.seed !== settings.seed) return null;
  const given = { ...objectiveOptions(options), mode, seed: settings.seed, batchSize: evaluationBatchSize };
  using whole = objective(model.model, choice.data, given);
  const { steps, probes, batches } = settings;
  const expected = identityOf({
    model: model.label,
    data: choice.label,
    mode,
    pointHash: (await model.at?.hash()) ?? null,
    settings: { steps, probes, batches, confidence, tailThreshold },
    provenance: await whole.provenance(performance.now()),
  });
  const same = known.rows.find((row) => identityOf({ ...row, settings: row.criteria.settings }) === expected);
  if (same === undefined) return null;
  return Object.freeze({ ...same, change: first === null ? null : changeBetween(first, same) });
}

/** Two rows of one identity have the same numbers, up to rounding. */
function identityOf(row: Identity): string {
  const { modelHash, dataHash, criterion, options, dtype } = row.provenance;
  const { steps, probes, batches, confidence, tailThreshold } = row.settings;
  return JSON.stringify([
    [row.model, row.data, row.mode, row.pointHash],
    [steps, probes, batches, confidence, tailThreshold],
    [modelHash, dataHash, criterion, dtype, Object.entries(options).sort()],
  ]);
}

interface Identity extends Pick<CriteriaRow, 'model' | 'data' | 'mode' | 'pointHash' | 'provenance'> {
  readonly settings: Criteria['settings'];
}

function objectiveOptions(options: CompareCriteriaOptions): ObjectiveOptions {
  const { loss, output, labelSmoothing, ignoreIndex, delta, dataPlacement } = options;
  return defined({ loss, output, labelSmoothing, ignoreIndex, delta, dataPlacement });
}

function criteriaOptions({ confidence, tailThreshold }: CompareCriteriaOptions): SpectrumCriteriaOptions {
  return defined({ confidence, tailThreshold });
}

function memoryOf({ memoryBudget }: CompareCriteriaOptions): { readonly memoryBudget?: number } {
  return defined({ memoryBudget });
}

/** Without the keys that are undefined. */
function defined<T extends object>(options: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as never;
}

function checkArguments(
  models: readonly ComparedModel[],
  datasets: readonly ComparedData[],
  options: CompareCriteriaOptions,
): void {
  const isModel = (v: unknown) => {
    const { label, model, at } = (v ?? {}) as Partial<ComparedModel>;
    const fits = at === undefined || (at instanceof Solution && at.model === model);
    return typeof label === 'string' && model instanceof Model && fits ? null : '';
  };
  const isData = (v: unknown) => {
    const { label, data } = (v ?? {}) as Partial<ComparedData>;
    return typeof label === 'string' && data instanceof Dataset ? null : '';
  };
  if (isArrayOf(isModel, '')(models) !== null || models.length === 0) {
    throw invalidOption(
      'compareCriteria: models',
      'a list of { label, model, at? }, at a Solution of that model',
      models,
    );
  }
  if (isArrayOf(isData, '')(datasets) !== null || datasets.length === 0)
    throw invalidOption('compareCriteria: datasets', 'a list of { label, data }, data a Dataset', datasets);
  const entry = { label: isString, model: () => null, at: () => null };
  for (const choice of models) checkOptions('compareCriteria: a model', choice, entry);
  for (const choice of datasets)
    checkOptions('compareCriteria: a data set', choice, { label: isString, data: () => null });
  requireDistinct('models', models);
  requireDistinct('datasets', datasets);
  checkOptions('compareCriteria', options, {
    ...analysisChecks,
    ...criteriaChecks,
    // What objectives take is checked there.
    loss: () => null,
    output: () => null,
    labelSmoothing: () => null,
    ignoreIndex: () => null,
    delta: () => null,
    dataPlacement: () => null,
    modes: isModes,
    batches: isInteger(1),
    batchSize: isInteger(1),
    evaluationBatchSize: isInteger(1),
    steps: isInteger(1),
    probes: isInteger(1),
    seed: isSeed,
    memoryBudget: isPositive,
    onRow: isFunction,
    known: (v) =>
      (v as Partial<CriteriaComparison> | null)?.kind === 'criteria-comparison'
        ? null
        : 'a comparison of criteria',
  });
}

const isModes: Check = (v) =>
  isArrayOf(isOneOf('eval', 'train', 'recalibrate'), '')(v) === null &&
  (v as unknown[]).length > 0 &&
  new Set(v as unknown[]).size === (v as unknown[]).length
    ? null
    : "a list of at least one of 'eval', 'train' and 'recalibrate', each once";

function requireDistinct(what: string, list: readonly { readonly label: string }[]): void {
  const labels = list.map(({ label }) => label);
  const twice = labels.find((label, i) => labels.indexOf(label) !== i);
  if (twice === undefined) return;
  throw new LossAtlasError('ERR_INVALID_OPTION', `compareCriteria: two ${what} have the label '${twice}'.`);
}
