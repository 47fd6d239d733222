import { planeOf } from '../directions/plane.js';
import { LossAtlasError } from '../errors.js';
import { disposeAll, type ParameterVector } from '../model/parameter-vector.js';
import { isSolution, type Solution } from '../model/solution.js';
import { Objective } from '../objective/objective.js';
import { hessian } from '../operators/hessian.js';
import type { ExplosionRow, ExplosionTable, LossSurface } from '../results.js';
import { eigenpairs } from '../spectrum/eigenpairs.js';
import type { AnalysisOptions } from '../types.js';
import {
  analysisChecks,
  checkOptions,
  invalidOption,
  isInteger,
  isOneOf,
  isPositive,
  isSeed,
  isString,
} from '../validate.js';
import { llaSurface } from './presets/lla.js';
import { lossSurface } from './surface.js';

export interface ExplosionTableOptions extends AnalysisOptions {
  /** θ with its running statistics; default the model's own. */
  readonly at?: Solution;
  /** How far from θ the surfaces reach along both axes, in units of the directions; default 1, of recipe `lla` its 0.5. */
  readonly distance?: number;
  /** Points along each axis; default 11. */
  readonly points?: number;
  /** Of the random axes and the eigensolver; default 0. */
  readonly seed?: number;
  /**
   * `lossatlas` (default): Gaussian axes; `lla`: the program's own recipe, which is the paper's (uniform draws of mean
   * 0.5, steps of 2·distance/points that leave out the end, rows shifted by one).
   */
  readonly recipe?: 'lossatlas' | 'lla';
  /** What counts as exploded; default 100 times the model's loss, or 100 if a log-likelihood is below 1. */
  readonly explosionCap?: number;
  /** Beginning of the names of the files to resume from, one a surface. */
  readonly resume?: string;
}

type Normalization = ExplosionRow['normalization'];

/** Along each axis, where nothing is said. */
export const defaultExplosionPoints = 11;

/** In the paper's order. */
const normalizations = ['weight', 'filter', 'layer', 'model'] as const satisfies readonly Normalization[];

/** Surfaces that a table of so many modes has. */
export function numExplosionSurfaces(numModes: number): number {
  return numModes * 2 * normalizations.length;
}

/**
 * Whether the loss explodes around a solution: a surface for each mode, for random axes and the two top eigenvectors of the
 * Hessian, under each of the four normalisations (Gabdullin 2024, arXiv 2412.10146, section 2.3 and Table 1). As there,
 * nothing is left out of the directions.
 *
 *     using trained = objective(model, data, { mode: 'train' });
 *     using evaluated = objective(model, data);
 *     const table = await explosionTable([trained, evaluated]);
 *     await savePng('explosion.png', drawExplosionTable(table));
 *
 * `objectives`: of one model and data set, one for each mode. Throws ERR_INVALID_OPTION, ERR_RESUME.
 */
export async function explosionTable(
  objectives: readonly Objective[],
  options: ExplosionTableOptions = {},
): Promise<ExplosionTable> {
  checkOptions('explosionTable', options, {
    ...analysisChecks,
    at: isSolution,
    distance: isPositive,
    points: isInteger(2),
    seed: isSeed,
    recipe: isOneOf('lossatlas', 'lla'),
    explosionCap: isPositive,
    resume: isString,
  });
  requireModes(objectives);
  const rows: ExplosionRow[] = [];
  for (const objective of objectives) {
    for (const axes of ['random', 'hessian'] as const) {
      const pair = await axesOf(objective, axes, options);
      try {
        for (const normalization of normalizations) {
          const surface = await surfaceOf(objective, axes, pair, normalization, rows.length, options);
          rows.push(
            Object.freeze({
              mode: objective.mode,
              axes,
              normalization,
              surface,
              axesConverged: pair.converged,
            }),
          );
        }
      } finally {
        disposeAll(pair.vectors);
      }
    }
  }
  return Object.freeze({ kind: 'explosion-table', formatVersion: 1, rows: Object.freeze(rows) });
}

function requireModes(objectives: readonly Objective[]): void {
  const isList = Array.isArray(objectives) && objectives.length > 0;
  if (!isList || !objectives.every((one) => one instanceof Objective))
    throw invalidOption('explosionTable: objectives', 'a list of Objectives, not empty', objectives);
  const [first] = objectives;
  const isOne = objectives.every(
    ({ model, data }) => model === first!.model && data.hash === first!.data.hash,
  );
  if (first!.model.size < 2)
    throw new LossAtlasError('ERR_DIRECTION', 'A plane needs a model with at least two parameters.');
  const modes = objectives.map(({ mode }) => mode);
  if (!isOne || new Set(modes).size < modes.length)
    throw invalidOption(
      'explosionTable: objectives',
      'of one model and data set, each of another mode',
      modes,
    );
}

interface Pair {
  readonly vectors: readonly [ParameterVector, ParameterVector];
  readonly eigenvalues: readonly [number, number] | null;
  readonly converged: boolean;
}

async function axesOf(
  objective: Objective,
  axes: ExplosionRow['axes'],
  { at, seed = 0, signal, onProgress }: ExplosionTableOptions,
): Promise<Pair> {
  const { model } = objective;
  if (axes === 'random') {
    const first = await model.randomVector('gaussian', seed, 0);
    try {
      const second = await model.randomVector('gaussian', seed, 1);
      return { vectors: [first, second], eigenvalues: null, converged: true };
    } catch (error) {
      first.dispose();
      throw error;
    }
  }
  using operator = hessian(objective, at === undefined ? {} : { at });
  const pairs = await eigenpairs(operator, { k: 2, which: 'largest', seed, signal, onProgress });
  return {
    vectors: [pairs.vectors[0]!, pairs.vectors[1]!],
    eigenvalues: [pairs.values[0]!, pairs.values[1]!],
    converged: pairs.allConverged,
  };
}

async function surfaceOf(
  objective: Objective,
  axes: ExplosionRow['axes'],
  { vectors, eigenvalues }: Pair,
  normalization: Normalization,
  index: number,
  options: ExplosionTableOptions,
): Promise<LossSurface> {
  const { at, points = defaultExplosionPoints, seed = 0, recipe = 'lossatlas' } = options;
  const { distance = recipe === 'lla' ? 0.5 : 1 } = options;
  const { explosionCap, resume, signal, onProgress } = options;
  const sweep = {
    ...(at === undefined ? {} : { at }),
    ...(explosionCap === undefined ? {} : { explosionCap }),
    ...(resume === undefined ? {} : { resume: `${resume}-${index + 1}` }),
    signal,
    onProgress,
  };
  if (recipe === 'lla')
    return llaSurface(objective, {
      ...sweep,
      // Its own is the whole width.
      distance: 2 * distance,
      steps: points,
      normalization,
      ...(axes === 'random' ? { seed } : { axes: vectors }),
    });
  const source = (i: 0 | 1) =>
    axes === 'random'
      ? ({ kind: 'gaussian', seed } as const)
      : ({ kind: 'hessian-eigenvector', seed, eigenvalue: eigenvalues![i] } as const);
  const choice = { normalization, ignore: [], orthogonal: false, ...(at === undefined ? {} : { at }) };
  using plane = await planeOf(...vectors, choice, [source(0), source(1)]);
  return await lossSurface(objective, plane, { ...sweep, range: [-distance, distance], points });
}
