import { LossAtlasError } from '../errors.js';
import { BufferState } from '../model/buffer-state.js';
import type { Model } from '../model/model.js';
import type { ParameterVector } from '../model/parameter-vector.js';
import { isSolution, type Solution } from '../model/solution.js';
import type { AxisDescription } from '../results.js';
import type { Law } from '../types.js';
import { checkOptions, isArrayOf, isOneOf, isSeed, isString } from '../validate.js';
import { frozenParameters, isFreeze, type Freeze } from './freeze.js';
import { normalize } from './normalize.js';

/** One axis of a landscape: a vector, which it owns, and how it was made. */
export class Direction {
  readonly vector: ParameterVector;
  /** How running statistics change along it; null: not at all. Owned. */
  readonly buffers: BufferState | null;
  readonly description: AxisDescription;

  constructor(vector: ParameterVector, description: AxisDescription, buffers: BufferState | null = null) {
    this.vector = vector;
    this.buffers = buffers;
    this.description = Object.freeze(description);
  }

  dispose(): void {
    this.vector.dispose();
    this.buffers?.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

export type Normalization = Exclude<AxisDescription['normalization'], 'unknown'>;

export interface NormalizationOptions {
  /**
   * What each group of the direction is scaled to have the norm of, in the model: `filter` (default; each slice along
   * dimension 0 of a tensor with two or more dimensions, Li 2018), `layer` (each tensor), `model` (everything),
   * `weight` (element-wise product with the weights, LLA), `none`.
   */
  readonly normalization?: Normalization;
  /** Of the norms: 2 (default) or 1, a true Σ|x|. */
  readonly order?: 1 | 2;
  /** Parameter roles whose entries become 0; default ['bias', 'norm'] (Li 2018). */
  readonly ignore?: readonly ('bias' | 'norm')[];
  /** Further parameters whose entries become 0: names or patterns (`layer1.*`), or LLA's layer index. */
  readonly freeze?: Freeze;
  /** Whose weights the norms are taken from; default the model as loaded. */
  readonly at?: Solution;
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
  freeze: isFreeze,
  at: isSolution,
} as const;

export const randomDirectionChecks = {
  ...normalizationChecks,
  law: isOneOf('gaussian', 'uniform', 'rademacher'),
  seed: isSeed,
} as const;

/** A seeded random direction; `stream` tells several directions of one seed apart. */
export async function randomDirection(
  model: Model,
  options: RandomDirectionOptions = {},
  stream = 0,
): Promise<Direction> {
  checkOptions('randomDirection', options, randomDirectionChecks);
  const { law = 'gaussian', seed = 0 } = options;
  using raw = await model.randomVector(law, seed, stream);
  return await makeDirection(raw, { kind: law, seed, options, defaultNormalization: 'filter' });
}

/** Any vector as a direction, not normalised by default. The direction owns a copy. */
export async function customDirection(
  vector: ParameterVector,
  options: NormalizationOptions & { readonly label?: string } = {},
): Promise<Direction> {
  checkOptions('customDirection', options, { ...normalizationChecks, label: isString });
  return makeDirection(vector, {
    kind: 'custom',
    options,
    defaultNormalization: 'none',
    ...(options.label === undefined ? {} : { label: options.label }),
  });
}

export interface DirectionSource {
  readonly kind: Exclude<AxisDescription['kind'], 'unknown'>;
  readonly seed?: number;
  readonly eigenvalue?: number;
  /** For axis labels; default by kind. */
  readonly label?: string;
  readonly options: NormalizationOptions;
  readonly defaultNormalization: Normalization;
}

const kindNames: Record<DirectionSource['kind'], string> = {
  gaussian: 'Gaussian direction',
  uniform: 'uniform direction',
  rademacher: 'Rademacher direction',
  'hessian-eigenvector': 'Hessian eigenvector',
  gradient: 'gradient',
  difference: 'difference of two solutions',
  'adam-moment': 'Adam moment',
  'principal-component': 'principal component',
  custom: 'direction',
};

/** Normalises `raw` and says what was done. Throws ERR_DIRECTION if nothing is left. */
export async function makeDirection(raw: ParameterVector, source: DirectionSource): Promise<Direction> {
  const { options } = source;
  const normalization = options.normalization ?? source.defaultNormalization;
  const order = options.order ?? 2;
  const ignored = options.ignore ?? (normalization === 'none' ? [] : (['bias', 'norm'] as const));
  const frozen = frozenParameters(raw.model.parameters, options.freeze);
  const name = source.label ?? kindNames[source.kind];
  using own = options.at === undefined ? await raw.model.theta() : null;
  const theta = options.at?.theta ?? own!;
  const { vector, numZeroGroups } = await normalize(raw, theta, {
    normalization,
    order,
    ignore: ignored,
    frozen,
  });
  try {
    const norm = await vector.norm();
    requireDirection(name, norm, normalization, ignored, frozen.length);
    const adjective = normalization === 'none' ? '' : `${normalization}-normalised `;
    return new Direction(vector, {
      label: `${adjective}${name}`,
      kind: source.kind,
      seed: source.seed ?? null,
      eigenvalue: source.eigenvalue ?? null,
      normalization,
      order,
      ignored: Object.freeze([...ignored]),
      frozen: Object.freeze(frozen.map((i) => raw.model.parameters[i]!.name)),
      numZeroGroups,
      norm,
      relativeNorm: norm / (await theta.norm()),
    });
  } catch (error) {
    vector.dispose();
    throw error;
  }
}

function requireDirection(
  name: string,
  norm: number,
  normalization: Normalization,
  ignored: readonly string[],
  numFrozen: number,
): void {
  if (norm > 0 && Number.isFinite(norm)) return;
  if (!Number.isFinite(norm)) {
    throw new LossAtlasError(
      'ERR_DIRECTION',
      `The direction '${name}' is not finite: look for NaN or infinity in it and in the model's parameters.`,
    );
  }
  const left = [
    ...(ignored.length > 0
      ? [`${ignored.join(' and ')} parameters left out (include them with ignore: [])`]
      : []),
    ...(numFrozen > 0 ? [`${numFrozen} parameters frozen`] : []),
  ];
  throw new LossAtlasError(
    'ERR_DIRECTION',
    `The direction '${name}' is zero` +
      (normalization === 'none' ? '' : ` after ${normalization} normalisation`) +
      (left.length > 0
        ? `, with ${left.join(' and ')}.`
        : ', or what is left of it beside the other axis is.'),
  );
}
