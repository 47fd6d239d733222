import type { Direction } from '../directions/direction.js';
import { cosine } from '../directions/orthogonal.js';
import { ownSolution, requireFit, type Solution, isSolution } from '../model/solution.js';
import type { Evaluation } from '../objective/evaluation.js';
import type { Objective, PointSet } from '../objective/objective.js';
import type { Computed, LandscapeValues, MarkedSolution, Recipe } from '../results.js';
import { basisBytes } from '../spectrum/basis-plan.js';
import { Steps } from '../steps.js';
import type { AnalysisOptions } from '../types.js';
import { analysisChecks, invalidOption, isBoolean, isOneOf, isPositive, isString } from '../validate.js';
import { checkCurvature } from './curvature-check.js';
import { defaultCap, explosionOf } from '../explosion.js';
import { requirePrecision } from './measure-precision.js';
import { sweep, type SweepOptions } from './sweep.js';

/** What lines and surfaces have in common. */
export interface LandscapeOptions extends AnalysisOptions, SweepOptions {
  /** θ at the centre with its running statistics; default the model's own (or what the plane says). */
  readonly at?: Solution;
  /** What counts as exploded; default 100 times the model's loss, or 100 where a log-likelihood is below 1. */
  readonly explosionCap?: number;
  /** Compare the second difference at the centre with dᵀHd; needs second derivatives. Default false. */
  readonly checkCurvature?: boolean;
}

export const landscapeChecks = {
  ...analysisChecks,
  at: isSolution,
  resume: isString,
  gradientNorm: isBoolean,
  explosionCap: isPositive,
  checkCurvature: isBoolean,
  precision: isOneOf('bf16', 'tf32'),
} as const;

/** A line or plane to be evaluated: origin + Σᵢ coefficients[p·k + i]·directions[i]. */
export interface LandscapePlan {
  readonly label: string;
  readonly origin: Solution | null;
  readonly directions: readonly Direction[];
  readonly coefficients: Float64Array;
  readonly numPoints: number;
  /** Of the point that is the origin; −1 for none. */
  readonly centerIndex: number;
  /** Axes to be checked against each other and against the Hessian. */
  readonly axes: readonly Direction[];
  readonly solutions: readonly MarkedSolution[];
  readonly recipe: Recipe;
}

export const ownRecipe: Recipe = Object.freeze({ name: 'lossatlas', notes: Object.freeze([]) });

/** Evaluates a plan and says what is to be said about its values. */
export async function landscapeValues(
  objective: Objective,
  plan: LandscapePlan,
  options: LandscapeOptions,
): Promise<Computed<LandscapeValues>> {
  const startedAt = performance.now();
  if (options.checkCurvature === true && objective.mode === 'recalibrate') {
    const expected =
      "false in mode 'recalibrate', where the Hessian holds statistics fixed and the surface does not";
    throw invalidOption(`${plan.label}: option 'checkCurvature'`, expected, true);
  }
  if (options.precision !== undefined)
    requirePrecision(plan.label, options.precision, objective, options.gradientNorm === true);
  // What the points really move along: not the axes where an update rule makes one direction of both.
  const moving = plan.directions.slice(0, plan.axes.length);
  const { signal } = options;
  const steps = new Steps(plan.label, plan.numPoints, options);
  const isMoved = options.at !== undefined && plan.origin !== null && options.at !== plan.origin;
  if (isMoved && plan.directions.some(({ buffers }) => buffers !== null)) {
    const expected = `absent: running statistics change along these axes from those of '${plan.origin.label}' on`;
    throw invalidOption(`${plan.label}: option 'at'`, expected, options.at);
  }
  const origin = options.at ?? plan.origin;
  if (origin !== null) requireFit(objective.model, origin);
  // Running statistics that change along the axes start from those of the origin.
  const withStatistics = plan.directions.every(({ buffers }) => buffers !== null);
  using own = origin === null ? await ownSolution(objective.model) : null;
  const center = origin ?? own!;
  const points: PointSet = {
    origin: center.theta,
    buffers: center.buffers,
    directions: plan.directions.map(({ vector }) => vector),
    bufferDirections: withStatistics ? plan.directions.map(({ buffers }) => buffers!) : [],
    coefficients: plan.coefficients,
    numPoints: plan.numPoints,
  };
  const still = { origin: center.theta, buffers: center.buffers, directions: [] };
  using alone = objective.subspace(still);
  const one = { ...still, coefficients: new Float64Array(0), numPoints: 1 };
  const model: Evaluation = (await objective.evaluateIn(alone, one, signal, true))[0]!;
  // With the vector of a row of points.
  const pointBytes = alone.pointBytes + basisBytes(objective.model.space, 1);
  const { plan: how, ...values } = await sweep(objective, points, steps, { ...options, pointBytes });
  const { loss } = values;
  const [first, second] = plan.axes;
  const numNonFinite = loss.reduce((count, value) => count + (Number.isFinite(value) ? 0 : 1), 0);
  const cap = options.explosionCap ?? defaultCap(objective.loss, model.loss);
  return {
    ...values,
    modelLoss: model.loss,
    modelAccuracy: model.accuracy,
    // Solutions have their coordinates on the plane through its own origin.
    solutions: Object.freeze(isMoved ? [] : [...plan.solutions]),
    explosion: explosionOf(loss, model.loss, cap),
    checks: Object.freeze({
      centerDifference: plan.centerIndex < 0 ? null : Math.abs(loss[plan.centerIndex]! - model.loss),
      cosine: first === undefined || second === undefined ? null : await cosine(first.vector, second.vector),
      numNonFinite,
      shareNonFinite: numNonFinite / loss.length,
      curvature: Object.freeze(
        options.checkCurvature === true
          ? await checkCurvature(objective, center.theta, origin, moving, signal)
          : [],
      ),
    }),
    recipe: plan.recipe,
    provenance: await objective.provenance(startedAt, origin?.label ?? 'model', null, how),
    source: null,
  };
}
