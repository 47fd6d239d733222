import { Dataset } from '../data/dataset.js';
import { requireFit, Solution } from '../model/solution.js';
import { Objective } from '../objective/objective.js';
import { runningStatistics } from '../objective/recalibration.js';
import type { ConnectionTraining, Mode } from '../results.js';
import { completeOptimizer, type OptimizerOptions } from '../training/optimizer.js';
import { completeSchedule, type ScheduleOptions } from '../training/schedule.js';
import type { AnalysisOptions } from '../types.js';
import {
  analysisChecks,
  checkOptions,
  invalidOption,
  isInteger,
  isOneOf,
  isSeed,
  isString,
  requireInstance,
  type Check,
} from '../validate.js';
import type { CurveKind } from './curve.js';
import type { CurveState } from './curve-trainer.js';

export interface ConnectModesOptions extends AnalysisOptions {
  /**
   * Besides the straight line, which is always there: `bezier` (default), a Bezier curve; `chain`, straight pieces; both as
   * a list; `linear`: the line alone, without training.
   */
  readonly path?: CurveKind | readonly CurveKind[];
  /**
   * Control points between the minima, from 1 (default): a Bezier curve of one is quadratic. They start on the line. Garipov's
   * programs count the minima too: 3 there is 1 here.
   */
  readonly bends?: number;
  /** Of the training of each curve; default 1000. */
  readonly steps?: number;
  /**
   * Of the control points, under PyTorch's names: `sgd` (default, with lr 0.03 and momentum 0.9: Garipov's for ResNets) or `adam`. Its `weightDecay` is that of the
   * point on the curve, as in Garipov's programs: ∂/∂P = c(t)·(∇L(φ(t)) + weightDecay·φ(t)).
   */
  readonly optimizer?: OptimizerOptions;
  /** Counts steps where `train` counts epochs; default `cosine` over all steps. */
  readonly schedule?: ScheduleOptions;
  /** Samples a step; default 128. */
  readonly batchSize?: number;
  /** Of t, of the order of samples and of dropout; default 0. */
  readonly seed?: number;
  /** t from 0 to 1 at which the paths are evaluated; default 61 (Garipov's programs), at least 3; an odd number has the middle. */
  readonly points?: number;
  /**
   * In which the paths are evaluated: `eval` interpolates running statistics between the minima, `recalibrate` recomputes
   * them from the objective's data at every point, for the data sets of `evaluateOn` too. Default that of the objective; but
   * `recalibrate` instead of `eval` where the model has BatchNorm, since interpolated statistics fit no model between.
   */
  readonly mode?: Mode;
  /** More data sets to evaluate along the paths. */
  readonly evaluateOn?: readonly Dataset[];
  /** Points along each axis of a loss surface on the plane of each curve; default none. */
  readonly surface?: number;
  /**
   * A file that keeps the values along the paths; `…-curves` beside it keeps the training, `…-surface-bezier` and
   * `…-surface-chain` surfaces. A run that was stopped goes on, bit for bit.
   */
  readonly resume?: string;
}

/** Where none is given. */
export const defaultOptimizer = { name: 'sgd', lr: 0.03, momentum: 0.9 } as const satisfies OptimizerOptions;
export const defaultSteps = 1000;
export const defaultPoints = 61;
const defaultBatchSize = 128;

const pathKinds = ['linear', 'bezier', 'chain'] as const;
const isKind = isOneOf(...pathKinds);
const isPath: Check = (v) =>
  isKind(v) === null || (Array.isArray(v) && v.length > 0 && v.every((kind) => isKind(kind) === null))
    ? null
    : "'linear', 'bezier', 'chain', or a list of them";
/** Checked with the keys that it has. */
const isObject: Check = (v) =>
  typeof v === 'object' && v !== null && !Array.isArray(v) ? null : 'an object';

const checks: Readonly<Record<keyof ConnectModesOptions, Check>> = {
  ...analysisChecks,
  path: isPath,
  bends: isInteger(1, 50),
  steps: isInteger(1),
  optimizer: isObject,
  schedule: isObject,
  batchSize: isInteger(1),
  seed: isSeed,
  // Of the ends alone any two have no barrier.
  points: isInteger(3),
  mode: isOneOf('eval', 'train', 'recalibrate'),
  evaluateOn: (v) =>
    Array.isArray(v) && v.every((data) => data instanceof Dataset) ? null : 'an array of data sets',
  surface: isInteger(2),
  resume: isString,
};

/** Throws ERR_INVALID_OPTION, ERR_LAYOUT_MISMATCH. */
export function requireArguments(
  objective: unknown,
  a: unknown,
  b: unknown,
  options: ConnectModesOptions,
): void {
  requireInstance('connectModes: objective', objective, Objective, 'an Objective (of objective)');
  for (const [name, solution] of Object.entries({ a, b })) {
    requireInstance(`connectModes: ${name}`, solution, Solution, 'a Solution (of loadSolution or train)');
    requireFit((objective as Objective).model, solution as Solution);
  }
  checkOptions('connectModes', options, checks);
  if (curveKinds(options).length > 0) return;
  // Nothing of these has a meaning for the line alone.
  for (const name of ['bends', 'steps', 'optimizer', 'schedule', 'batchSize', 'surface'] as const) {
    if (options[name] !== undefined)
      throw invalidOption(`connectModes: option '${name}'`, "absent for the path 'linear'", options[name]);
  }
}

/** What a run of this `resume` may leave. */
export function connectionFiles(resume: string): string[] {
  return [
    resume,
    curvesFile(resume),
    ...(['bezier', 'chain'] as const).map((kind) => surfaceFile(resume, kind)),
  ];
}

export const curvesFile = (resume: string) => `${resume}-curves`;
export const surfaceFile = (resume: string, kind: CurveKind) => `${resume}-surface-${kind}`;

/** Each once, in the order of the option. */
export function curveKinds({ path = 'bezier' }: Pick<ConnectModesOptions, 'path'>): CurveState['kind'][] {
  const all = typeof path === 'string' ? [path] : path;
  return [...new Set(all)].filter((kind) => kind !== 'linear');
}

/** Throws ERR_INVALID_OPTION. */
export function trainingOf({ data }: Objective, options: ConnectModesOptions): ConnectionTraining {
  const { steps = defaultSteps, batchSize = defaultBatchSize, schedule = { name: 'cosine' } } = options;
  const optimizer = completeOptimizer('connectModes', options.optimizer ?? defaultOptimizer);
  if (optimizer.name === 'adamw') {
    const expected = "'sgd' or 'adam': AdamW would decay the control points and not the curve";
    throw invalidOption("connectModes: optimizer: option 'name'", expected, optimizer.name);
  }
  return Object.freeze({
    optimizer,
    schedule: completeSchedule('connectModes', schedule, steps),
    steps,
    batchSize: Math.min(batchSize, data.numSamples),
  });
}

/** Of the values along the paths. */
export function valuesMode({ mode, model }: Objective, options: Pick<ConnectModesOptions, 'mode'>): Mode {
  if (options.mode !== undefined) return options.mode;
  const hasStatistics = model.fixedMode === null && runningStatistics(model).length > 0;
  return mode === 'eval' && hasStatistics ? 'recalibrate' : mode;
}
