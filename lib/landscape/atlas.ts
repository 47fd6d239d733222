import { adamPlane, type AdamMoments } from '../directions/adam.js';
import { randomDirectionChecks, type NormalizationOptions } from '../directions/direction.js';
import {
  planeOf,
  randomPlane,
  type Plane,
  type RandomPlaneOptions,
  type VectorSource,
} from '../directions/plane.js';
import { disposeAll, type ParameterVector } from '../model/parameter-vector.js';
import type { Objective } from '../objective/objective.js';
import { hessian } from '../operators/hessian.js';
import type { LandscapeAtlas, LossSurface, SurfaceSpread } from '../results.js';
import { eigenpairs } from '../spectrum/eigenpairs.js';
import type { AnalysisOptions } from '../types.js';
import {
  checkOptions,
  invalidOption,
  isArrayOf,
  isBoolean,
  isInteger,
  isOneOf,
  isRange,
  isSeed,
} from '../validate.js';
import { landscapeChecks } from './landscape-values.js';
import { lossSurface, type LossSurfaceOptions } from './surface.js';

const surfaceChecks = {
  ...landscapeChecks,
  range: isRange,
  yRange: isRange,
  points: isInteger(1),
  yPoints: isInteger(1),
} as const;

export interface AtlasOptions
  extends Omit<LossSurfaceOptions, 'resume'>, Omit<RandomPlaneOptions, 'seed' | 'at'> {
  /** One plane each; default [1, 2, 3, 4], LLA's page of four. */
  readonly seeds?: readonly number[];
  /** Beginning of the names of the files to resume from, one a plane. */
  readonly resume?: string;
}

/**
 * The same landscape along random planes of several seeds, and how much it differs from plane to plane: what is not in all
 * of them is an accident of the draw.
 *
 *     const atlas = await landscapeAtlas(loss, { seeds: [1, 2, 3, 4], points: 21 });
 *     await savePng('atlas.png', drawAtlas(atlas));
 */
export async function landscapeAtlas(
  objective: Objective,
  options: AtlasOptions = {},
): Promise<LandscapeAtlas> {
  const { seed: _, at: __, ...directionChecks } = randomDirectionChecks;
  checkOptions('landscapeAtlas', options, {
    ...surfaceChecks,
    ...directionChecks,
    orthogonal: isBoolean,
    seeds: isArrayOf(isSeed, 'an array of seeds'),
  });
  const { seeds = [1, 2, 3, 4], law, normalization, order, ignore, freeze, orthogonal, ...rest } = options;
  const choice = defined({ law, normalization, order, ignore, freeze, orthogonal, at: rest.at });
  const surfaces: LossSurface[] = [];
  for (const seed of seeds) {
    using plane = await randomPlane(objective.model, { ...choice, seed });
    surfaces.push(await lossSurface(objective, plane, numbered(rest, surfaces.length)));
  }
  return Object.freeze({
    kind: 'landscape-atlas',
    formatVersion: 2,
    titles: Object.freeze(seeds.map((seed) => `seed ${seed}`)),
    surfaces: Object.freeze(surfaces),
    spread: surfaces.length > 1 ? spreadOf(surfaces) : null,
  });
}

export interface AllModesOptions extends Omit<LossSurfaceOptions, 'resume' | 'at'> {
  /** Besides the four random figures: `hessian` (default; the two top eigenvectors), `adam` (needs `moments`), none. */
  readonly axes?: 'random' | 'hessian' | 'adam';
  readonly moments?: AdamMoments;
  /** Of the random axes and the eigensolver. */
  readonly seed?: number;
  readonly resume?: string;
}

/** LLA's choices: as drawn, weight, filter of order 1 and 2. */
const choices: readonly (readonly [string, NormalizationOptions])[] = [
  ['not normalised', { normalization: 'none' }],
  ['weight-normalised', { normalization: 'weight', ignore: [] }],
  ['filter-normalised, order 1', { normalization: 'filter', order: 1, ignore: [] }],
  ['filter-normalised, order 2', { normalization: 'filter', order: 2, ignore: [] }],
];

/**
 * LLA's page `all_modes` (Gabdullin 2024, arXiv 2412.10146): one pair of axes under four normalisations, for random axes
 * and, in the same grid, for Hessian eigenvectors or Adam's moments, these also by Adam's equation. Nothing is left out of
 * the directions, as in LLA; its grid is not reproduced (`llaSurface` does that).
 */
export async function allModes(objective: Objective, options: AllModesOptions = {}): Promise<LandscapeAtlas> {
  const { at: _, ...ownChecks } = surfaceChecks;
  checkOptions('allModes', options, {
    ...ownChecks,
    axes: isOneOf('random', 'hessian', 'adam'),
    moments: (v) =>
      typeof v === 'object' && v !== null && 'expAvg' in v ? null : 'Adam moments (of loadMoments)',
    seed: isSeed,
  });
  const { axes = options.moments === undefined ? 'hessian' : 'adam', moments, seed = 1, ...rest } = options;
  if (axes === 'adam' && moments === undefined)
    throw invalidOption(
      "allModes: option 'moments'",
      "Adam moments (of loadMoments), for axes: 'adam'",
      moments,
    );
  if (axes === 'adam' && options.yRange !== undefined && !(options.yRange[0] > 0)) {
    const expected = "above 0 for axes: 'adam', since Adam divides by √y";
    throw invalidOption("allModes: option 'yRange'", expected, options.yRange);
  }
  const { model } = objective;
  const titles: string[] = [];
  const surfaces: LossSurface[] = [];
  const add = async (title: string, plane: Plane) => {
    try {
      titles.push(title);
      surfaces.push(await lossSurface(objective, plane, numbered(rest, surfaces.length)));
    } finally {
      plane.dispose();
    }
  };
  const addFour = async (
    name: string,
    pair: readonly [ParameterVector, ParameterVector],
    sources: readonly [VectorSource, VectorSource],
  ) => {
    for (const [words, choice] of choices) {
      const labels = [`${name} 1`, `${name} 2`] as const;
      const plane = await planeOf(...pair, { ...choice, labels, orthogonal: false }, sources);
      await add(`${name}, ${words}`, plane);
    }
  };
  const owned: ParameterVector[] = [];
  try {
    const first = await model.randomVector('gaussian', seed, 0);
    owned.push(first);
    const second = await model.randomVector('gaussian', seed, 1);
    owned.push(second);
    const random = { kind: 'gaussian', seed } as const;
    await addFour('random direction', [first, second], [random, random]);
    if (axes === 'hessian') {
      using operator = hessian(objective);
      using pairs = await eigenpairs(operator, { ...analysisOf(rest), k: 2, which: 'largest', seed });
      const source = (i: 0 | 1) =>
        ({ kind: 'hessian-eigenvector', seed, eigenvalue: pairs.values[i]! }) as const;
      await addFour('Hessian eigenvector', [pairs.vectors[0]!, pairs.vectors[1]!], [source(0), source(1)]);
    }
    if (axes === 'adam') {
      const { expAvg, expAvgSq } = moments!;
      await addFour('Adam moment', [expAvg, expAvgSq], [{ kind: 'adam-moment' }, { kind: 'adam-moment' }]);
      await add("Adam's equation, not normalised", await adamPlane({ expAvg, expAvgSq }, { update: 'adam' }));
      await add(
        "Adam's equation, filter-normalised",
        await adamPlane({ expAvg, expAvgSq }, { update: 'adam', normalization: 'filter', ignore: [] }),
      );
    }
  } finally {
    disposeAll(owned);
  }
  return Object.freeze({
    kind: 'landscape-atlas',
    formatVersion: 2,
    titles: Object.freeze(titles),
    surfaces: Object.freeze(surfaces),
    spread: null,
  });
}

function spreadOf(surfaces: readonly LossSurface[]): SurfaceSpread {
  const n = surfaces.length;
  const column = (compute: (values: readonly number[]) => number) =>
    surfaces[0]!.loss.map((_, p) => compute(surfaces.map(({ loss }) => loss[p]!)));
  const mean = column((values) => values.reduce((sum, v) => sum + v, 0) / n);
  return Object.freeze({
    mean,
    standardDeviation: column((values) => {
      const center = values.reduce((sum, v) => sum + v, 0) / n;
      return Math.sqrt(values.reduce((sum, v) => sum + (v - center) ** 2, 0) / (n - 1));
    }),
    min: column((values) => Math.min(...values)),
    max: column((values) => Math.max(...values)),
  });
}

/** The options of surface number `index`. */
function numbered(options: LossSurfaceOptions, index: number): LossSurfaceOptions {
  if (options.resume === undefined) return options;
  return { ...options, resume: `${options.resume}-${index + 1}` };
}

function analysisOf({ signal, onProgress }: AnalysisOptions): AnalysisOptions {
  return { signal, onProgress };
}

/** Without the keys that are undefined, which exact optional properties do not allow. */
function defined<T extends object>(options: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}
