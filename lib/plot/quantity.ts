import type { LandscapeValues } from '../results.js';
import { invalidOption, isString } from '../validate.js';
import type { DrawingScale } from './field.js';

/** What of a landscape is drawn. */
export interface ValueChoice {
  /** `loss` (default), `accuracy` (in percent, linear), `gradient-norm` or the name of a metric of the result. */
  readonly value?: string | undefined;
}

export const valueChecks = { value: isString } as const;

/** One kind of value at all points of a landscape. */
export interface Quantity {
  readonly noun: string;
  /** Axis label: the noun and its unit. */
  readonly label: string;
  readonly values: Float64Array;
  /** At the model itself; null where the result does not say. */
  readonly atModel: number | null;
  /** The whole range of a share; null where there is none. */
  readonly fullRange: readonly [number, number] | null;
}

/** The chosen values of a result. Throws ERR_INVALID_OPTION where the result has none of that name. */
export function quantityOf(
  caller: string,
  result: LandscapeValues,
  { value = 'loss', scale }: ValueChoice & DrawingScale,
): Quantity {
  const { loss, accuracy, gradientNorm, metrics } = result;
  const other = { atModel: null, fullRange: null };
  if (value === 'loss')
    return { noun: 'loss', label: 'loss', values: loss, atModel: result.modelLoss, fullRange: null };
  if (value === 'accuracy' && accuracy !== null) {
    if (scale === 'log') throw invalidOption(`${caller}: option 'scale'`, "'linear' for accuracy", scale);
    return {
      noun: 'accuracy',
      label: 'accuracy, %',
      values: accuracy.map((share) => 100 * share),
      atModel: result.modelAccuracy === null ? null : 100 * result.modelAccuracy,
      fullRange: [0, 100],
    };
  }
  if (value === 'gradient-norm' && gradientNorm !== null)
    return { noun: 'gradient norm', label: 'gradient norm', values: gradientNorm, ...other };
  const metric = Object.hasOwn(metrics, value) ? metrics[value] : undefined;
  if (metric !== undefined) return { noun: value, label: value, values: metric, ...other };
  const known = [
    'loss',
    ...(accuracy === null ? [] : ['accuracy']),
    ...(gradientNorm === null ? [] : ['gradient-norm']),
    ...Object.keys(metrics),
  ];
  const list = known.map((key) => `'${key}'`).join(', ');
  throw invalidOption(`${caller}: option 'value'`, `what the result has (${list})`, value);
}

/** A warning where exploded losses leave a linear scale nothing to show. */
export function explosionNotes(
  results: readonly LandscapeValues[],
  { value = 'loss', scale = 'linear', cap }: ValueChoice & DrawingScale,
): string[] {
  const exploded = results.map(({ explosion }) => explosion).find((of) => of?.verdict === 'explodes');
  if (exploded == null || value !== 'loss' || scale === 'log' || cap !== undefined) return [];
  const { cap: suggested } = exploded;
  return [
    `the loss explodes: draw it with a cap (cap: ${Number(suggested.toPrecision(3))}) or with scale: 'log'`,
  ];
}
