import {
  makeDirection,
  normalizationChecks,
  type Direction,
  type NormalizationOptions,
} from '../directions/direction.js';
import { Plane } from '../directions/plane.js';
import { LossAtlasError } from '../errors.js';
import { requireOperator, type LinearOperator } from '../operators/linear-operator.js';
import { eigenpairs, eigenpairsChecks, type EigenpairsOptions } from '../spectrum/eigenpairs.js';
import { checkOptions, isOneOf } from '../validate.js';

export interface HessianPlaneOptions
  extends NormalizationOptions, Omit<EigenpairsOptions, 'k' | 'which' | 'keepBasis'> {
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
    ...eigenpairsChecks,
    ...normalizationChecks,
    which: isOneOf('largest', 'both-ends', 'largest-magnitude'),
  });
  if (operator.size < 2) {
    throw new LossAtlasError('ERR_DIRECTION', 'A plane needs a model with at least two parameters.');
  }
  const { normalization, order, ignore, freeze, at, which = 'largest', ...search } = options;
  using pairs = await eigenpairs(operator, { ...search, k: 2, which });
  const axes: Direction[] = [];
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
      axes.push(direction);
    }
    return new Plane([axes[0]!, axes[1]!], { origin: at ?? null });
  } catch (error) {
    for (const axis of axes) axis.dispose();
    throw error;
  }
}
