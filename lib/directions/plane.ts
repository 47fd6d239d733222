import type { Model } from '../model/model.js';
import { disposeAll, type ParameterVector } from '../model/parameter-vector.js';
import type { Solution } from '../model/solution.js';
import type { MarkedSolution } from '../results.js';
import { checkOptions, isBoolean, isString, type Check } from '../validate.js';
import {
  Direction,
  makeDirection,
  normalizationChecks,
  randomDirection,
  randomDirectionChecks,
  type DirectionSource,
  type NormalizationOptions,
  type RandomDirectionOptions,
} from './direction.js';
import { makeOrthogonalDirection } from './orthogonal.js';

export interface PlaneParts {
  /** θ at (0, 0); default the model's own parameters. */
  readonly origin?: Solution | null;
  /** The plane disposes of its origin; default false. */
  readonly ownsOrigin?: boolean;
  readonly solutions?: readonly MarkedSolution[];
  /** Of its principal components: share of the path's variance along either axis. */
  readonly explainedVariance?: Float64Array | null;
  /** Points are origin + (x/√y)·step instead of origin + x·d1 + y·d2; owned. */
  readonly adamStep?: ParameterVector | null;
}

/** Two axes, which it owns; dispose of it when the surface is done. */
export class Plane {
  readonly axes: readonly [Direction, Direction];
  readonly origin: Solution | null;
  readonly solutions: readonly MarkedSolution[];
  readonly explainedVariance: Float64Array | null;
  readonly adamStep: ParameterVector | null;
  readonly #ownsOrigin: boolean;

  constructor(axes: readonly [Direction, Direction], parts: PlaneParts = {}) {
    this.axes = axes;
    this.origin = parts.origin ?? null;
    this.#ownsOrigin = parts.ownsOrigin ?? false;
    this.solutions = Object.freeze([...(parts.solutions ?? [])]);
    this.explainedVariance = parts.explainedVariance ?? null;
    this.adamStep = parts.adamStep ?? null;
  }

  dispose(): void {
    disposeAll(this.axes);
    this.adamStep?.dispose();
    if (this.#ownsOrigin) this.origin?.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

export interface OrthogonalOption {
  /** Make the second direction orthogonal to the first, both normalised; default true. */
  readonly orthogonal?: boolean;
}

export interface RandomPlaneOptions extends RandomDirectionOptions, OrthogonalOption {}

/**
 * Two random directions of one seed, filter-normalised unless told otherwise (Li et al. 2018, arXiv 1712.09913).
 *
 *     using plane = await randomPlane(model, { seed: 1 });
 */
export async function randomPlane(model: Model, options: RandomPlaneOptions = {}): Promise<Plane> {
  checkOptions('randomPlane', options, { ...randomDirectionChecks, orthogonal: isBoolean });
  const { orthogonal = true, ...rest } = options;
  const { law = 'gaussian', seed = 0 } = rest;
  const second = async (first: Direction) => {
    if (!orthogonal) return randomDirection(model, rest, 1);
    using raw = await model.randomVector(law, seed, 1);
    const source = { kind: law, seed, options: rest, defaultNormalization: 'filter' } as const;
    return await makeOrthogonalDirection(raw, first.vector, source);
  };
  return secondAxis(await randomDirection(model, rest, 0), second, { origin: options.at ?? null });
}

export interface CustomPlaneOptions extends NormalizationOptions, OrthogonalOption {
  readonly labels?: readonly [string, string];
}

const isLabels: Check = (v) =>
  Array.isArray(v) && v.length === 2 && v.every((x) => isString(x) === null) ? null : 'two names';

/** Any two vectors as axes, not normalised by default. The plane owns copies. */
export async function customPlane(
  first: ParameterVector,
  second: ParameterVector,
  options: CustomPlaneOptions = {},
): Promise<Plane> {
  checkOptions('customPlane', options, { ...normalizationChecks, orthogonal: isBoolean, labels: isLabels });
  return planeOf(first, second, options, [{ kind: 'custom' }, { kind: 'custom' }]);
}

/** Where a vector comes from. */
export type VectorSource = Pick<DirectionSource, 'kind' | 'seed' | 'eigenvalue'>;

/** The same for vectors whose source is known. */
export async function planeOf(
  first: ParameterVector,
  second: ParameterVector,
  { labels, orthogonal = true, ...rest }: CustomPlaneOptions,
  sources: readonly [VectorSource, VectorSource],
): Promise<Plane> {
  const parts = { origin: rest.at ?? null };
  const source = (i: 0 | 1) =>
    ({
      ...sources[i],
      options: rest,
      defaultNormalization: 'none',
      ...(labels === undefined ? {} : { label: labels[i] }),
    }) as const;
  const make = async (axis: Direction) =>
    orthogonal ? makeOrthogonalDirection(second, axis.vector, source(1)) : makeDirection(second, source(1));
  return secondAxis(await makeDirection(first, source(0)), make, parts);
}

/** A plane of `first`, which it takes over, and the axis that `make` adds. */
export async function secondAxis(
  first: Direction,
  make: (first: Direction) => Promise<Direction>,
  parts: PlaneParts = {},
): Promise<Plane> {
  try {
    return new Plane([first, await make(first)], parts);
  } catch (error) {
    first.dispose();
    throw error;
  }
}
