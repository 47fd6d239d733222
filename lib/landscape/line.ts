import { Direction } from '../directions/direction.js';
import { differenceDirection } from '../directions/solutions.js';
import { Solution } from '../model/solution.js';
import { Objective } from '../objective/objective.js';
import type { Computed, LossLine, Recipe } from '../results.js';
import { checkOptions, isBoolean, isInteger, isRange, requireInstance } from '../validate.js';
import {
  landscapeChecks,
  landscapeValues,
  ownRecipe,
  type LandscapeOptions,
  type LandscapePlan,
} from './landscape-values.js';
import { coordinates } from './sweep.js';

export interface LossLineOptions extends LandscapeOptions {
  /** In units of the direction; default [−1, 1]. */
  readonly range?: readonly [number, number];
  /** Default 51; an odd number puts the model itself on the line. */
  readonly points?: number;
}

/** Loss, accuracy and metrics along θ* + t·d. */
export async function lossLine(
  objective: Objective,
  direction: Direction,
  options: LossLineOptions = {},
): Promise<Computed<LossLine>> {
  requireInstance('lossLine: objective', objective, Objective, 'an Objective (of objective)');
  requireInstance(
    'lossLine: direction',
    direction,
    Direction,
    'a Direction (of randomDirection, customDirection …)',
  );
  checkOptions('lossLine', options, { ...landscapeChecks, range: isRange, points: isInteger(1) });
  const t = coordinates(options.range ?? [-1, 1], options.points ?? 51);
  return lineOn(
    objective,
    { label: 'loss line', origin: null, direction, t, solutions: [], recipe: ownRecipe },
    options,
  );
}

export interface InterpolateOptions extends Omit<LossLineOptions, 'at'> {
  /** t, with `from` at 0 and `to` at 1; default [−0.5, 1.5]. */
  readonly range?: readonly [number, number];
  /** Default 41, which puts both solutions on the line. */
  readonly points?: number;
  /**
   * Interpolate the running statistics of BatchNorm too (`states` of Li et al. 2018; default true); otherwise those of
   * `from` are kept. In mode `train` they are not used, in mode `recalibrate` they are recomputed at every t; in mode
   * `eval` extrapolated variances can become negative beyond [0, 1], and the loss NaN.
   */
  readonly states?: boolean;
}

/**
 * Loss, accuracy and metrics along θ(t) = (1 − t)·θ_from + t·θ_to (Goodfellow et al. 2015, arXiv 1412.6544).
 *
 *     using a = await loadSolution(model, 'small-batch.pt');
 *     using b = await loadSolution(model, 'large-batch.pt');
 *     const line = await interpolate(loss, a, b);
 */
export async function interpolate(
  objective: Objective,
  from: Solution,
  to: Solution,
  options: InterpolateOptions = {},
): Promise<Computed<LossLine>> {
  requireInstance('interpolate: objective', objective, Objective, 'an Objective (of objective)');
  for (const [name, solution] of Object.entries({ from, to }))
    requireInstance(
      `interpolate: ${name}`,
      solution,
      Solution,
      'a Solution (of loadSolution or ownSolution)',
    );
  const { at: _, ...checks } = landscapeChecks;
  checkOptions('interpolate', options, {
    ...checks,
    range: isRange,
    points: isInteger(1),
    states: isBoolean,
  });
  const { states = true, range = [-0.5, 1.5], points = 41, ...rest } = options;
  using direction = await differenceDirection(from, to);
  const t = coordinates(range, points);
  const moving = states ? direction : new Direction(direction.vector, direction.description);
  const solutions = [
    { label: from.label, coordinates: Float64Array.of(0) },
    { label: to.label, coordinates: Float64Array.of(1) },
  ];
  const notes = states ? [] : [`running statistics of ${from.label} at every point`];
  const recipe: Recipe = { ...ownRecipe, notes };
  const line = { label: 'interpolation', origin: from, direction: moving, t, solutions, recipe };
  return await lineOn(objective, line, rest);
}

interface LineParts extends Pick<LandscapePlan, 'label' | 'origin' | 'solutions' | 'recipe'> {
  readonly direction: Direction;
  readonly t: Float64Array;
}

async function lineOn(
  objective: Objective,
  { label, origin, direction, t, solutions, recipe }: LineParts,
  options: LandscapeOptions,
): Promise<Computed<LossLine>> {
  const plan = {
    label,
    origin,
    directions: [direction],
    coefficients: t,
    numPoints: t.length,
    centerIndex: t.indexOf(0),
    axes: [direction],
    solutions,
    recipe,
  };
  const values = await landscapeValues(objective, plan, options);
  return Object.freeze({
    kind: 'loss-line',
    formatVersion: 2,
    coordinates: t,
    axis: direction.description,
    ...values,
  });
}
