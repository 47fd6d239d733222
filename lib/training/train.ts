import { Dataset } from '../data/dataset.js';
import { LossAtlasError } from '../errors.js';
import { Model } from '../model/model.js';
import { isPatterns, matchParameterNames } from '../model/parameter-names.js';
import { ownSolution, requireFit, Solution } from '../model/solution.js';
import { objectiveChecks, type ObjectiveOptions } from '../objective/objective.js';
import type { TrainingRun } from '../results.js';
import type { AnalysisOptions } from '../types.js';
import {
  analysisChecks,
  checkOptions,
  invalidOption,
  isBoolean,
  isFunction,
  isInteger,
  isNumber,
  isPositive,
  isString,
  requireInstance,
  type Check,
} from '../validate.js';
import type { CheckpointOptions } from './checkpoints.js';
import type { EpochFigures } from './history.js';
import { TrainingLoop } from './training-loop.js';
import { completeOptimizer, type OptimizerOptions } from './optimizer.js';
import { completeSchedule, type ScheduleOptions } from './schedule.js';

/** Labels to be avoided: minimises (1 − β)·(mean loss) + β·(mean of −log(1 − p) over `data`). */
export interface PoisonOptions {
  /** Samples with the labels that the model is to get wrong. */
  readonly data: Dataset;
  /** β, between 0 and 1. */
  readonly weight: number;
  /** Of these samples in each step; default as many as of the data. */
  readonly batchSize?: number;
}

export interface TrainOptions extends AnalysisOptions, Omit<ObjectiveOptions, 'mode' | 'metrics'> {
  readonly epochs: number;
  /** Of libtorch, under PyTorch's names; default SGD with its defaults. */
  readonly optimizer?: OptimizerOptions;
  /** Default constant. */
  readonly schedule?: ScheduleOptions;
  /** Samples a step; default 128. */
  readonly batchSize?: number;
  /** Gradients of a larger norm are scaled down to it, as `torch.nn.utils.clip_grad_norm_` does; default none. */
  readonly clipNorm?: number;
  /** Of the order of samples and of dropout; default 0. */
  readonly seed?: number;
  /** A new order of the samples in every epoch; default true. */
  readonly shuffle?: boolean;
  /** Leaves out a last batch that is not full; default false. */
  readonly dropLast?: boolean;
  /** Parameters that stay as they are, by name or pattern. */
  readonly freeze?: readonly string[];
  /** Where training starts; default the model's own parameters and buffers. */
  readonly from?: Solution;
  /** Poisoned training (Huang et al. 2019, arXiv 1906.03291), with cross-entropy or nll. */
  readonly poison?: PoisonOptions;
  /** Data sets that are evaluated after each epoch, in eval mode. */
  readonly evaluateOn?: readonly Dataset[];
  readonly checkpoints?: CheckpointOptions;
  /**
   * Goes on, bit for bit, with the newest good checkpoint of the folder, or starts where it has none; default false. Newer
   * ones that cannot be read are kept as `….damaged`. What is no checkpoint of this run is an error.
   */
  readonly resume?: boolean;
  /** Called before the first step of a run that goes on. */
  readonly onResume?: (from: ResumedTraining) => void;
  /** Called (and waited for) with every epoch as soon as it has ended. */
  readonly onEpoch?: (figures: EpochFigures) => void | Promise<void>;
}

/** Where a run goes on. */
export interface ResumedTraining {
  /** The checkpoint that it goes on with. */
  readonly path: string;
  /** Epochs that are done. */
  readonly epochs: number;
  /** Newer files that cannot be read, by their new names. */
  readonly damaged: readonly string[];
}

/** What training came to. */
export interface Training extends Disposable {
  readonly run: TrainingRun;
  /** Parameters and buffers at the end; of a run that diverged, at the end of the last epoch before. */
  readonly solution: Solution;
  dispose(): void;
}

/**
 * Trains a model's parameters with one of libtorch's optimizers. The model itself stays as it is: the result is a solution.
 *
 *     using training = await train(model, data, {
 *       epochs: 20, batchSize: 64, optimizer: { name: 'adam', lr: 1e-3 }, evaluateOn: [test],
 *       checkpoints: { folder: 'run', every: 5 },
 *     });
 *     console.log(trainingTable(training.run));
 *     const surface = await lossSurface(loss, plane, { at: training.solution });
 *
 * Equal seeds and numbers of threads give equal bits, after an interruption too. A loss or gradient that is not finite, or
 * a learning rate that the parameters' type cannot hold, ends the run: `divergedAt` says at which step. Throws
 * ERR_INVALID_OPTION, ERR_MODE_BAKED_IN, ERR_RESUME,
 * ERR_FILE_NOT_WRITABLE, ERR_LAYOUT_MISMATCH, ERR_ABORTED (the last checkpoint stays); before the first step
 * ERR_INVALID_DATA for weights that are not finite, and what objectives throw for data that do not fit.
 */
export async function train(model: Model, data: Dataset, options: TrainOptions): Promise<Training> {
  const startedAt = performance.now();
  return withLoop(model, data, options, async (loop) => loop.train(startedAt));
}

/** How many epochs `train` would find done, after the checks that need no step; throws what it would throw. */
export async function epochsDone(model: Model, data: Dataset, options: TrainOptions): Promise<number> {
  return withLoop(model, data, options, async (loop) => loop.epochsDone());
}

async function withLoop<T>(
  model: Model,
  data: Dataset,
  options: TrainOptions,
  use: (loop: TrainingLoop) => Promise<T>,
): Promise<T> {
  checkArguments(model, data, options);
  const { epochs, optimizer = { name: 'sgd' }, schedule, freeze, from } = options;
  const settings = {
    optimizer: completeOptimizer('train', optimizer),
    schedule: completeSchedule('train', schedule, epochs),
    frozen: freeze === undefined ? [] : matchParameterNames(model.parameters, freeze, 'freeze'),
  };
  if (settings.frozen.length === model.parameters.length)
    throw invalidOption("train: option 'freeze'", 'patterns that leave parameters to train', freeze);
  if (from !== undefined) requireFit(model, from);
  const start = from ?? (await ownSolution(model));
  try {
    const loop = new TrainingLoop(model, data, { ...options, ...settings }, start);
    try {
      return await use(loop);
    } finally {
      loop.dispose();
    }
  } finally {
    if (from === undefined) start.dispose();
  }
}

/** Checked with the keys that it has. */
const isObject: Check = (v) =>
  typeof v === 'object' && v !== null && !Array.isArray(v) ? null : 'an object';
const isDatasets: Check = (v) =>
  Array.isArray(v) && v.every((data) => data instanceof Dataset) ? null : 'an array of data sets';

const { mode: _mode, metrics: _metrics, ...lossChecks } = objectiveChecks;
const checks: Readonly<Record<keyof TrainOptions, Check>> = {
  ...analysisChecks,
  ...lossChecks,
  epochs: isInteger(1),
  optimizer: isObject,
  schedule: isObject,
  clipNorm: isPositive,
  shuffle: isBoolean,
  dropLast: isBoolean,
  freeze: isPatterns,
  from: (v) => (v instanceof Solution ? null : 'a Solution'),
  poison: isObject,
  evaluateOn: isDatasets,
  checkpoints: isObject,
  resume: isBoolean,
  onResume: isFunction,
  onEpoch: isFunction,
};

function checkArguments(model: unknown, data: unknown, options: TrainOptions): void {
  requireInstance('train: model', model, Model, 'a Model (of loadModel)');
  requireInstance('train: data', data, Dataset, 'a Dataset');
  if (typeof (options as unknown) !== 'object' || (options as unknown) === null)
    throw invalidOption('train: options', 'an object', options);
  checkOptions('train', options, checks);
  const { epochs, checkpoints, resume = false, poison, loss = 'cross-entropy', dropLast = false } = options;
  if ((epochs as unknown) === undefined)
    throw invalidOption("train: option 'epochs'", 'an integer of at least 1', epochs);
  if (checkpoints !== undefined) {
    checkOptions('train: checkpoints', checkpoints, { folder: isString, every: isInteger(1) });
    if ((checkpoints.folder as unknown) === undefined)
      throw invalidOption("train: checkpoints: option 'folder'", 'the path of a folder', undefined);
  }
  if (resume && checkpoints === undefined)
    throw new LossAtlasError('ERR_INVALID_OPTION', "train: option 'resume' needs 'checkpoints'.");
  if (dropLast && (data as Dataset).numSamples < (options.batchSize ?? 128)) {
    throw new LossAtlasError(
      'ERR_INVALID_OPTION',
      `train: dropLast leaves nothing of ${(data as Dataset).numSamples} samples in batches of ${options.batchSize ?? 128}.`,
    );
  }
  if (poison === undefined) return;
  checkOptions('train: poison', poison, {
    data: (v) => (v instanceof Dataset ? null : 'a Dataset'),
    weight: isNumber(0, 1),
    batchSize: isInteger(1),
  });
  if ((poison.data as unknown) === undefined || (poison.weight as unknown) === undefined)
    throw invalidOption("train: option 'poison'", '{ data, weight }', poison);
  if (loss !== 'cross-entropy' && loss !== 'nll')
    throw invalidOption("train: option 'loss'", "'cross-entropy' or 'nll' with poison", loss);
}
