import { drawnValues, rangeOf, type DrawnValues } from '../../plot/field.js';
import { quantityOf, type Quantity } from '../../plot/quantity.js';
import { valueScale, type ScaleKind, type ValueScale } from '../../plot/value-scale.js';
import type { LossSurface } from '../../results.js';
import type { Settings } from './settings.js';

/** What one surface shows under the settings. */
export interface ShownValues {
  readonly quantity: Quantity;
  readonly drawn: DrawnValues;
}

/** Shares are linear. */
export function scaleOf({ value, scale }: Settings): ScaleKind {
  return value === 'accuracy' ? 'linear' : scale;
}

function hasValue({ accuracy, gradientNorm, metrics }: LossSurface, value: string): boolean {
  if (value === 'loss') return true;
  if (value === 'accuracy' && accuracy !== null) return true;
  return (value === 'gradient-norm' && gradientNorm !== null) || Object.hasOwn(metrics, value);
}

/** The scale of the cap's slider: over all values that can be drawn; null where there are none. */
export function capScale(surfaces: readonly LossSurface[], settings: Settings): ValueScale | null {
  const fields = surfaces.flatMap((surface) => shownValues(surface, settings, undefined)?.drawn ?? []);
  const { low, high } = rangeOf(fields);
  return Number.isNaN(low) ? null : valueScale(scaleOf(settings), low, high);
}

/** The cap in the values' unit; undefined for none. */
export function capOf(scale: ValueScale | null, { cap }: Settings): number | undefined {
  return scale === null || cap >= 1 ? undefined : scale.value(cap);
}

/** Null where the surface has no values of that name. */
export function shownValues(
  surface: LossSurface,
  settings: Settings,
  cap: number | undefined,
): ShownValues | null {
  if (!hasValue(surface, settings.value)) return null;
  const scale = scaleOf(settings);
  const quantity = quantityOf('report', surface, { value: settings.value, scale });
  return { quantity, drawn: drawnValues('report', quantity.values, { scale, cap }) };
}
