import { Direction, makeDirection, type Normalization } from '../../directions/direction.js';
import type { Model } from '../../model/model.js';
import { isSolution, type Solution } from '../../model/solution.js';
import { ParameterVector } from '../../model/parameter-vector.js';
import type { AxisDescription } from '../../results.js';
import { isSeed, type Check } from '../../validate.js';
import { landscapeChecks, type LandscapeOptions } from '../landscape-values.js';
import { dot } from './groups.js';

export interface PresetOptions extends LandscapeOptions {
  /** The raw directions, before normalisation; default drawn from `seed` by the program's law. */
  readonly axes?: readonly [ParameterVector, ParameterVector];
  readonly seed?: number;
}

const isAxes: Check = (v) =>
  Array.isArray(v) && v.length === 2 && v.every((x) => x instanceof ParameterVector)
    ? null
    : 'two ParameterVectors';

export const presetChecks = { ...landscapeChecks, at: isSolution, axes: isAxes, seed: isSeed } as const;

export interface RawAxes {
  readonly values: readonly [Float64Array, Float64Array];
  readonly kind: Exclude<AxisDescription['kind'], 'unknown'>;
  readonly seed: number | null;
}

/** The given axes, or two draws of `law`. */
export async function rawAxes(
  model: Model,
  { axes, seed = 0 }: PresetOptions,
  law: 'unit-uniform' | 'gaussian',
): Promise<RawAxes> {
  if (axes !== undefined)
    return { values: [await axes[0].toArray(), await axes[1].toArray()], kind: 'custom', seed: null };
  const kind = law === 'gaussian' ? 'gaussian' : 'uniform';
  using one = await model.randomVector(kind, seed, 0);
  using two = await model.randomVector(kind, seed, 1);
  const [first, second] = [await one.toArray(), await two.toArray()];
  if (law === 'gaussian') return { values: [first, second], kind, seed };
  // U[0, 1], and of the second draw what is orthogonal to the first: before normalisation, and of mean 0.5.
  const [u, v] = [first, second].map((values) => values.map((x) => (x + 1) / 2)) as [
    Float64Array,
    Float64Array,
  ];
  const share = dot(v, u) / dot(u, u);
  return { values: [u, v.map((x, i) => x - share * u[i]!)], kind, seed };
}

/** A finished axis. */
export async function presetAxis(
  model: Model,
  values: Float64Array,
  { kind, seed }: RawAxes,
  label: string,
  normalization: Normalization,
  order: 1 | 2,
  at: Solution | undefined,
): Promise<Direction> {
  using vector = await model.vector(values);
  const { vector: copy, description } = await makeDirection(vector, {
    kind,
    label,
    options: at === undefined ? {} : { at },
    defaultNormalization: 'none',
    ...(seed === null ? {} : { seed }),
  });
  return new Direction(copy, { ...description, normalization, order });
}
