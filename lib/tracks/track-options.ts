import { LossAtlasError } from '../errors.js';
import { Dataset } from '../data/dataset.js';
import { nameOf } from '../evaluation/opened-checkpoint.js';
import { matchSolutionChecks, type MatchSolutionOptions } from '../model/preview-solution.js';
import { Model } from '../model/model.js';
import { requireFit, Solution } from '../model/solution.js';
import { objectiveChecks, type ObjectiveOptions } from '../objective/objective.js';
import type { Track, TrackCheckpoint } from '../results.js';
import { criteriaChecks, type SpectrumCriteriaOptions } from '../spectrum/criteria.js';
import type { AnalysisOptions } from '../types.js';
import {
  analysisChecks,
  checkOptions,
  invalidOption,
  isArrayOf,
  isBoolean,
  isFunction,
  isInteger,
  isNumber,
  isOneOf,
  isPositive,
  isSeed,
  isString,
  requireInstance,
  type Check,
} from '../validate.js';
import { isSnapshots, type SnapshotChoice } from './snapshots.js';

/** Four batches of 256, as in `compareCriteria`. */
export const defaultCurvatureSamples = 1024;
/** Of a spectrum, as of `analyseHessian`. */
export const defaultSteps = 100;
export const defaultProbes = 10;

/** When to stop following a folder; without any of the first three it goes on until the signal aborts. */
export interface FollowOptions {
  /** After so many checkpoints that could be read. */
  readonly until?: number;
  /** After so many seconds without a new checkpoint. */
  readonly idle?: number;
  /** Once this file is there, and the checkpoints beside it are done. */
  readonly stopFile?: string;
  /** Seconds between two looks; default 1. A file is read when two looks find it alike, and it is whole. */
  readonly poll?: number;
  /** Seconds after which a file that does not grow and is not whole counts as damaged; default 30. */
  readonly settle?: number;
}

export interface TrackOptions
  extends AnalysisOptions, SpectrumCriteriaOptions, Omit<ObjectiveOptions, 'metrics'>, MatchSolutionOptions {
  /** Whose Hessian: of every data set (default), of the first, or none. */
  readonly curvature?: 'all' | 'first' | 'none';
  /** Samples of each data set that its Hessian is of, drawn once by the seed; default 1024, or all. */
  readonly curvatureSamples?: number;
  /**
   * Density, criteria and trace besides the extreme eigenvalues; default true. Without them a checkpoint takes tens of
   * products instead of `steps`·`probes`, since each search goes on from the eigenvectors of the checkpoint before.
   */
  readonly spectrum?: boolean;
  /** Lanczos steps of a probe; default 100. As of `analyseHessian`, like the next five. */
  readonly steps?: number;
  /** Default 10. */
  readonly probes?: number;
  readonly probesPerPass?: number;
  readonly tolerance?: number;
  readonly maxProducts?: number;
  readonly relativeError?: number;
  /** Without a spectrum: search from random vectors too, to see what the eigenvectors before are worth. Default false. */
  readonly compareCold?: boolean;
  /** Where the densities are kept; default `ends`: first, middle and last. A number: every so many; a list: these epochs. */
  readonly snapshots?: SnapshotChoice;
  /** Of a list of checkpoints, where the files do not say. */
  readonly epochs?: readonly number[];
  /** Of the samples of the Hessian, of the probes and of dropout; default 0. */
  readonly seed?: number;
  /** Bytes that the graphs, and the basis, may take each. */
  readonly memoryBudget?: number;
  /** A file that keeps finished rows, with eigenvectors beside it: a run that was stopped goes on, also with more checkpoints. */
  readonly resume?: string;
  /** A checkpoint that cannot be read, or does not fit: it says why (`record`, default), or it is the end (`stop`). */
  readonly onProblem?: 'record' | 'stop';
  /** Waits for checkpoints of a folder that are still to come. */
  readonly follow?: FollowOptions;
  /** Called (and waited for) with every checkpoint as soon as it is done, and with the track so far. */
  readonly onCheckpoint?: (checkpoint: TrackCheckpoint, soFar: Track) => void | Promise<void>;
}

const followChecks: Readonly<Record<keyof FollowOptions, Check>> = {
  until: isInteger(1),
  idle: isPositive,
  stopFile: isString,
  // Timers hold no more milliseconds than 2³¹ − 1.
  poll: (v) => isPositive(v) ?? isNumber(0, 2 ** 31 / 1000 - 1)(v),
  settle: isNumber(0),
};

const { metrics: _metrics, ...lossChecks } = objectiveChecks;

const optionChecks: Readonly<Record<keyof TrackOptions, Check>> = {
  ...analysisChecks,
  ...criteriaChecks,
  ...lossChecks,
  ...matchSolutionChecks,
  curvature: isOneOf('all', 'first', 'none'),
  curvatureSamples: isInteger(1),
  spectrum: isBoolean,
  steps: isInteger(1),
  probes: isInteger(1),
  probesPerPass: isInteger(1),
  tolerance: isPositive,
  maxProducts: isInteger(1),
  relativeError: isPositive,
  compareCold: isBoolean,
  snapshots: isSnapshots,
  epochs: isArrayOf(isInteger(0), 'a list of integers from 0'),
  seed: isSeed,
  memoryBudget: isPositive,
  resume: isString,
  onProblem: isOneOf('record', 'stop'),
  // Looked at by itself.
  follow: () => null,
  onCheckpoint: isFunction,
};

const ofSpectrum = [
  'steps',
  'probes',
  'probesPerPass',
  'relativeError',
  'confidence',
  'tailThreshold',
  'snapshots',
] as const;

export function checkTrackArguments(
  model: unknown,
  checkpoints: unknown,
  datasets: unknown,
  options: TrackOptions,
): void {
  requireInstance('trackCheckpoints: model', model, Model, 'a Model (of loadModel)');
  checkOptions('trackCheckpoints', options, optionChecks);
  checkOptions("trackCheckpoints: option 'follow'", options.follow, followChecks);
  checkDatasets(datasets);
  const { follow, epochs, spectrum, curvature, compareCold } = options;
  const isSpectral = spectrum !== false && curvature !== 'none';
  const useless = ofSpectrum.find((name) => !isSpectral && options[name] !== undefined);
  if (useless !== undefined)
    throw invalidOption(
      `trackCheckpoints: option '${useless}'`,
      'absent without a spectrum',
      options[useless],
    );
  if (compareCold === true && (isSpectral || curvature === 'none'))
    throw invalidOption("trackCheckpoints: option 'compareCold'", "absent but with 'spectrum: false'", true);
  if (typeof checkpoints === 'string' && checkpoints !== '') {
    if (epochs !== undefined)
      throw invalidOption(
        "trackCheckpoints: option 'epochs'",
        'absent for a folder, whose files say them',
        epochs,
      );
    return;
  }
  if (follow !== undefined)
    throw invalidOption('trackCheckpoints: checkpoints', 'a folder, to be followed', checkpoints);
  checkList(model as Model, checkpoints);
  const { length } = checkpoints as unknown[];
  if (epochs !== undefined && epochs.length !== length)
    throw invalidOption("trackCheckpoints: option 'epochs'", `a list of ${length}, one a checkpoint`, epochs);
}

function checkDatasets(datasets: unknown): void {
  const isData: Check = (v) => (v instanceof Dataset ? null : 'a Dataset');
  const words = 'a non-empty array of Datasets (of dataset or one of the readers)';
  if (isArrayOf(isData, words)(datasets) !== null || (datasets as unknown[]).length === 0)
    throw invalidOption('trackCheckpoints: datasets', words, datasets);
  const names = (datasets as Dataset[]).map(({ name }) => name);
  requireDistinct('datasets', names, "give them names of their own (the option 'name' of the readers)");
}

function checkList(model: Model, checkpoints: unknown): void {
  const words = 'a folder, or a non-empty array of paths and Solutions';
  const isCheckpoint: Check = (v) => (v instanceof Solution || isString(v) === null ? null : words);
  if (isArrayOf(isCheckpoint, words)(checkpoints) !== null || (checkpoints as unknown[]).length === 0)
    throw invalidOption('trackCheckpoints: checkpoints', words, checkpoints);
  const list = checkpoints as (string | Solution)[];
  requireDistinct('checkpoints', list.map(nameOf), 'checkpoints are told apart by it');
  for (const checkpoint of list) if (checkpoint instanceof Solution) requireFit(model, checkpoint);
}

function requireDistinct(what: string, names: readonly string[], advice: string): void {
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice === undefined) return;
  throw new LossAtlasError(
    'ERR_INVALID_OPTION',
    `trackCheckpoints: ${what} has '${twice}' twice: ${advice}.`,
  );
}
