import { LossAtlasError } from '../errors.js';
import { combine, type ParameterVector } from '../model/parameter-vector.js';
import type { Model } from '../model/model.js';
import type { AxisDescription } from '../results.js';
import type { Law } from '../types.js';
import { checkOptions, isArrayOf, isOneOf, isSeed } from '../validate.js';
import { normalize } from './normalize.js';

/** One axis of a landscape: a vector, which it owns, and how it was made. */
export class Direction {
  readonly vector: ParameterVector;
  readonly description: AxisDescription;

  constructor(vector: ParameterVector, description: AxisDescription) {
    this.vector = vector;
    this.description = Object.freeze(description);
  }

  dispose(): void {
    this.vector.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

export type Normalization = AxisDescription['normalization'];

export interface NormalizationOptions {
  /**
   * What each group of the direction is scaled to have the norm of, in the model: `filter` (default; each slice along
   * dimension 0 of a tensor with two or more dimensions, Li 2018), `layer` (each tensor), `model` (everything),
   * `weight` (element-wise product with the weights, LLA), `none`.
   */
  readonly normalization?: Normalization;
  /** Of the norms: 2 (default) or 1. */
  readonly order?: 1 | 2;
  /** Parameter roles whose entries become 0; default ['bias', 'norm'] (Li 2018). */
  readonly ignore?: readonly ('bias' | 'norm')[];
}

export interface RandomDirectionOptions extends NormalizationOptions {
  /** `gaussian` (default, Li 2018), `uniform` on (−1, 1), `rademacher`. */
  readonly law?: Law;
  readonly seed?: number;
}

export const normalizationChecks = {
  normalization: isOneOf('filter', 'layer', 'model', 'weight', 'none'),
  order: isOneOf(1, 2),
  ignore: isArrayOf(isOneOf('bias', 'norm'), "an array of 'bias' and 'norm'"),
} as const;

export const randomDirectionChecks = {
  ...normalizationChecks,
  law: isOneOf('gaussian', 'uniform', 'rademacher'),
  seed: isSeed,
} as const;

/** A seeded random direction at the model's own parameters; `stream` tells several directions of one seed apart. */
export async function randomDirection(
  model: Model,
  options: RandomDirectionOptions = {},
  stream = 0,
): Promise<Direction> {
  checkOptions('randomDirection', options, randomDirectionChecks);
  const { law = 'gaussian', seed = 0 } = options;
  using raw = await model.randomVector(law, seed, stream);
  return await describe(raw, { kind: law, seed, eigenvalue: null, options, defaultNormalization: 'filter' });
}

/** Any vector as a direction, not normalised by default. The direction owns a copy. */
export async function customDirection(
  vector: ParameterVector,
  options: NormalizationOptions & { readonly label?: string } = {},
): Promise<Direction> {
  const { label, ...rest } = options;
  checkOptions('customDirection', rest, normalizationChecks);
  const direction = await describe(vector, {
    kind: 'custom',
    seed: null,
    eigenvalue: null,
    options: rest,
    defaultNormalization: 'none',
  });
  if (label === undefined) return direction;
  return new Direction(direction.vector, { ...direction.description, label });
}

/** `direction` minus its projection on `other`: orthogonal in the Euclidean sense. */
export async function orthogonalize(
  direction: ParameterVector,
  other: ParameterVector,
): Promise<ParameterVector> {
  const share = (await direction.dot(other)) / (await other.dot(other));
  return combine([direction, other], [1, -share]);
}

export async function cosine(a: ParameterVector, b: ParameterVector): Promise<number> {
  return (await a.dot(b)) / ((await a.norm()) * (await b.norm()));
}

interface Source {
  readonly kind: AxisDescription['kind'];
  readonly seed: number | null;
  readonly eigenvalue: number | null;
  readonly options: NormalizationOptions;
  readonly defaultNormalization: Normalization;
}

const kindNames: Record<AxisDescription['kind'], string> = {
  gaussian: 'Gaussian direction',
  uniform: 'uniform direction',
  rademacher: 'Rademacher direction',
  'hessian-eigenvector': 'Hessian eigenvector',
  custom: 'direction',
};

/** Normalises `raw` and says what was done. Throws ERR_DIRECTION if nothing is left. */
export async function describe(raw: ParameterVector, source: Source): Promise<Direction> {
  const normalization = source.options.normalization ?? source.defaultNormalization;
  const order = source.options.order ?? 2;
  const ignored = source.options.ignore ?? (normalization === 'none' ? [] : (['bias', 'norm'] as const));
  using theta = await raw.model.theta();
  const { vector, numZeroGroups } = await normalize(raw, theta, { normalization, order, ignore: ignored });
  const norm = await vector.norm();
  if (!(norm > 0 && Number.isFinite(norm))) {
    vector.dispose();
    if (!Number.isFinite(norm)) {
      throw new LossAtlasError(
        'ERR_DIRECTION',
        `The ${kindNames[source.kind]} is not finite: look for NaN or infinity in it and in the model's parameters.`,
      );
    }
    throw new LossAtlasError(
      'ERR_DIRECTION',
      `The ${kindNames[source.kind]} is zero after ${normalization} normalisation` +
        (ignored.length > 0
          ? `, with ${ignored.join(' and ')} parameters left out. Include them with ignore: [].`
          : '.'),
    );
  }
  const adjective = normalization === 'none' ? '' : `${normalization}-normalised `;
  return new Direction(vector, {
    label: `${adjective}${kindNames[source.kind]}`,
    kind: source.kind,
    seed: source.seed,
    eigenvalue: source.eigenvalue,
    normalization,
    order,
    ignored: Object.freeze([...ignored]),
    numZeroGroups,
    norm,
    relativeNorm: norm / (await theta.norm()),
  });
}
