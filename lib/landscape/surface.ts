import { Direction } from '../directions/direction.js';
import { Plane } from '../directions/plane.js';
import { Objective } from '../objective/objective.js';
import type { Computed, LossSurface, MarkedSolution } from '../results.js';
import type { Solution } from '../model/solution.js';
import { allocated } from '../io/allocate.js';
import { checkOptions, invalidOption, isInteger, isRange, requireInstance } from '../validate.js';
import { landscapeChecks, landscapeValues, ownRecipe, type LandscapeOptions } from './landscape-values.js';
import { coordinates } from './sweep.js';

export interface LossSurfaceOptions extends LandscapeOptions {
  /** Of both axes, in units of the directions; default [−1, 1]. */
  readonly range?: readonly [number, number];
  /** Default `range`; for Adam's equation [0.1, 2.1] (LLA), and above 0. */
  readonly yRange?: readonly [number, number];
  /** Points along each axis; default 25. An odd number puts the model itself on the grid. */
  readonly points?: number;
  readonly yPoints?: number;
}

/**
 * Loss, accuracy and metrics on the plane θ* + x·d1 + y·d2 (Li et al. 2018, arXiv 1712.09913; Gabdullin 2024, eq. 1), or
 * where the plane says so, on θ* + (x/√y)·m1/(√m2 + ε).
 *
 *     using plane = await randomPlane(model, { seed: 1 });
 *     const surface = await lossSurface(loss, plane, { range: [-1, 1], points: 51 });
 */
export async function lossSurface(
  objective: Objective,
  plane: Plane,
  options: LossSurfaceOptions = {},
): Promise<Computed<LossSurface>> {
  requireInstance('lossSurface: objective', objective, Objective, 'an Objective (of objective)');
  requireInstance('lossSurface: plane', plane, Plane, 'a Plane (of randomPlane, hessianPlane …)');
  checkOptions('lossSurface', options, {
    ...landscapeChecks,
    range: isRange,
    yRange: isRange,
    points: isInteger(1),
    yPoints: isInteger(1),
  });
  const { range = [-1, 1], points = 25 } = options;
  const yRange = options.yRange ?? (plane.adamStep === null ? range : ([0.1, 2.1] as const));
  if (plane.adamStep !== null && !(yRange[0] > 0))
    throw invalidOption("lossSurface: option 'yRange'", 'above 0, since Adam divides by √y', yRange);
  const x = coordinates(range, points);
  const y = coordinates(yRange, options.yPoints ?? points);
  const isAdam = plane.adamStep !== null;
  return surfaceOn(
    objective,
    {
      axes: plane.axes,
      update: isAdam ? 'adam' : 'add',
      x,
      y,
      directions: isAdam ? [new Direction(plane.adamStep, plane.axes[0].description)] : plane.axes,
      coefficients: isAdam ? adamCoefficients(x, y) : gridCoefficients(x, y),
      recipe: ownRecipe,
      origin: plane.origin,
      solutions: plane.solutions,
    },
    options,
  );
}

export interface SurfaceGrid extends Pick<LossSurface, 'update' | 'x' | 'y' | 'recipe'> {
  readonly axes: readonly [Direction, Direction];
  /** What is multiplied by the coefficients; the axes, or what an update rule makes of them. */
  readonly directions: readonly Direction[];
  /** Of each cell (i, j) at j·x.length + i, one number a direction. */
  readonly coefficients: Float64Array;
  readonly origin?: Solution | null;
  readonly solutions?: readonly MarkedSolution[];
}

/** A surface on any grid; `lossSurface` and the presets differ in theirs. */
export async function surfaceOn(
  objective: Objective,
  grid: SurfaceGrid,
  options: LandscapeOptions,
): Promise<Computed<LossSurface>> {
  const { x, y, axes, directions, coefficients, update } = grid;
  const values = await landscapeValues(
    objective,
    {
      label: 'loss surface',
      origin: grid.origin ?? null,
      directions,
      coefficients,
      numPoints: x.length * y.length,
      centerIndex: centerOf(coefficients, directions.length),
      axes,
      solutions: grid.solutions ?? [],
      recipe: grid.recipe,
    },
    options,
  );
  return Object.freeze({
    kind: 'loss-surface',
    formatVersion: 2,
    update,
    x,
    y,
    axes: Object.freeze([axes[0].description, axes[1].description] as const),
    ...values,
  });
}

/** (x, y) of every cell. */
export function gridCoefficients(x: Float64Array, y: Float64Array): Float64Array {
  const count = x.length * y.length;
  const make = () =>
    Float64Array.from({ length: 2 * count }, (_, k) => {
      const p = Math.floor(k / 2);
      return k % 2 === 0 ? x[p % x.length]! : y[Math.floor(p / x.length)]!;
    });
  return allocated(make, 'the grid', `${count} points`);
}

/** x/√y of every cell. */
function adamCoefficients(x: Float64Array, y: Float64Array): Float64Array {
  return Float64Array.from(
    { length: x.length * y.length },
    (_, p) => x[p % x.length]! / Math.sqrt(y[Math.floor(p / x.length)]!),
  );
}

/** The cell whose coefficients are all 0, or −1. */
function centerOf(coefficients: Float64Array, width: number): number {
  for (let p = 0; p * width < coefficients.length; p++) {
    if (coefficients.subarray(p * width, (p + 1) * width).every((value) => value === 0)) return p;
  }
  return -1;
}
