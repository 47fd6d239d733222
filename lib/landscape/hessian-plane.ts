import {
  makeDirection,
  normalizationChecks,
  type Direction,
  type NormalizationOptions,
} from '../directions/direction.js';
import { Plane } from '../directions/plane.js';
import { LossAtlasError } from '../errors.js';
import { disposeAll } from '../model/parameter-vector.js';
import { requireOperator, type LinearOperator } from '../operators/linear-operator.js';
import { eigenpairs, eigenpairsChecks, type EigenpairsOptions } from '../spectrum/eigenpairs.js';
import { checkOptions, isOneOf } from '../validate.js';

type SearchOptions = NormalizationOptions & Omit<EigenpairsOptions, 'k' | 'which' | 'keepBasis'>;
const checks = { ...eigenpairsChecks, ...normalizationChecks } as const;

export interface HessianPlaneOptions extends SearchOptions {
  /** `largest` (default): the two largest eigenvalues (Gabdullin 2024); `both-ends`: largest and most negative. */
  readonly which?: 'largest' | 'both-ends' | 'largest-magnitude';
}

/**
 * Two eigenvectors of the Hessian as axes, scaled to the model's norm by default (`model`; nothing is left out, since an
 * eigenvector without some of its entries is none). For the Hessian at another solution than the model's own, give the
 * operator and the plane the same `at`.
 *
 *     using operator = hessian(loss);
 *     using plane = await hessianPlane(operator);
 */
export async function hessianPlane(
  operator: LinearOperator,
  options: HessianPlaneOptions = {},
): Promise<Plane> {
  requireOperator('hessianPlane', operator);
  checkOptions('hessianPlane', options, {
    ...checks,
    which: isOneOf('largest', 'both-ends', 'largest-magnitude'),
  });
  if (operator.size < 2) {
    throw new LossAtlasError('ERR_DIRECTION', 'A plane needs a model with at least two parameters.');
  }
  const { which = 'largest' } = options;
  const axes = await eigenvectorDirections(operator, { ...searchOf(options), k: 2, which }, options);
  return new Plane([axes[0]!, axes[1]!], { origin: options.at ?? null });
}

export interface HessianDirectionOptions extends SearchOptions {
  /** `largest` (default) or `smallest` eigenvalue, or the `largest-magnitude`. */
  readonly which?: 'largest' | 'smallest' | 'largest-magnitude';
}

/**
 * An eigenvector of the Hessian as the direction of a line, scaled as those of `hessianPlane`.
 *
 *     using operator = hessian(loss);
 *     using direction = await hessianDirection(operator);
 *     const line = await lossLine(loss, direction, { range: [-0.1, 0.1] });
 */
export async function hessianDirection(
  operator: LinearOperator,
  options: HessianDirectionOptions = {},
): Promise<Direction> {
  requireOperator('hessianDirection', operator);
  checkOptions('hessianDirection', options, {
    ...checks,
    which: isOneOf('largest', 'smallest', 'largest-magnitude'),
  });
  const { which = 'largest' } = options;
  const [direction] = await eigenvectorDirections(operator, { ...searchOf(options), k: 1, which }, options);
  return direction!;
}

/** What is not about the directions. */
function searchOf(options: HessianPlaneOptions | HessianDirectionOptions): EigenpairsOptions {
  const { normalization: _, order: _1, ignore: _2, freeze: _3, at: _4, which: _5, ...search } = options;
  return search;
}

async function eigenvectorDirections(
  operator: LinearOperator,
  search: EigenpairsOptions,
  { normalization, order, ignore, freeze, at }: NormalizationOptions,
): Promise<Direction[]> {
  using pairs = await eigenpairs(operator, search);
  const directions: Direction[] = [];
  try {
    for (const [i, vector] of pairs.vectors.entries()) {
      using whole = await operator.space.embed(vector);
      const direction = await makeDirection(whole, {
        kind: 'hessian-eigenvector',
        seed: search.seed ?? 0,
        eigenvalue: pairs.values[i]!,
        options: {
          ignore: ignore ?? [],
          ...(normalization === undefined ? {} : { normalization }),
          ...(order === undefined ? {} : { order }),
          ...(freeze === undefined ? {} : { freeze }),
          ...(at === undefined ? {} : { at }),
        },
        defaultNormalization: 'model',
      });
      directions.push(direction);
    }
    return directions;
  } catch (error) {
    disposeAll(directions);
    throw error;
  }
}
