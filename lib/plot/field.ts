import { LossAtlasError } from '../errors.js';
import type { LossSurface } from '../results.js';
import { invalidOption, isNumber, isOneOf } from '../validate.js';
import { formatNumber } from './number-format.js';
import type { ScaleKind } from './value-scale.js';

export interface DrawingScale {
  /** `log` shows log₁₀ of the values (default 'linear'). */
  readonly scale?: ScaleKind | undefined;
  /** Larger values are drawn at this value; the result keeps them (default: no cap). */
  readonly cap?: number | undefined;
}

export const isScaleKind = isOneOf('linear', 'log');

export const drawingScaleChecks = { scale: isScaleKind, cap: isNumber() } as const;

/** Values as they are drawn. */
export interface DrawnValues {
  readonly kind: ScaleKind;
  readonly cap: number | null;
  /** Capped; NaN where there is nothing to draw. */
  readonly values: Float64Array;
  /** Range of the drawable values; NaN if there is none. */
  readonly low: number;
  readonly high: number;
  readonly isEmpty: boolean;
  readonly numNonFinite: number;
  /** Not on a log scale. */
  readonly numNotPositive: number;
  readonly numHidden: number;
  readonly numCapped: number;
}

/** Applies scale and cap, and counts what cannot be shown. Throws ERR_INVALID_OPTION. */
export function drawnValues(name: string, raw: Float64Array, options: DrawingScale): DrawnValues {
  const { scale: kind = 'linear', cap } = options;
  if (kind === 'log' && cap !== undefined && cap <= 0) {
    throw invalidOption(`${name}: option 'cap'`, 'positive on a log scale', cap);
  }
  let numNonFinite = 0;
  let numNotPositive = 0;
  let numCapped = 0;
  let low = Infinity;
  let high = -Infinity;
  const values = raw.map((value) => {
    if (!Number.isFinite(value)) numNonFinite++;
    else if (kind === 'log' && value <= 0) numNotPositive++;
    else {
      if (cap !== undefined && value > cap) numCapped++;
      const drawn = Math.min(value, cap ?? value);
      low = Math.min(low, drawn);
      high = Math.max(high, drawn);
      return drawn;
    }
    return NaN;
  });
  const numHidden = numNonFinite + numNotPositive;
  const isEmpty = numHidden === raw.length;
  const range = isEmpty ? { low: NaN, high: NaN } : { low, high };
  return {
    kind,
    cap: cap ?? null,
    values,
    ...range,
    isEmpty,
    numNonFinite,
    numNotPositive,
    numHidden,
    numCapped,
  };
}

/** What a reader must know about left-out and capped points, of one field or of several together. */
export function drawingNotes(noun: string, fields: readonly DrawnValues[]): string[] {
  const sum = (count: (field: DrawnValues) => number) =>
    fields.reduce((total, field) => total + count(field), 0);
  const of = `of ${sum(({ values }) => values.length)} points`;
  const notes: string[] = [];
  const numNonFinite = sum((field) => field.numNonFinite);
  const numNotPositive = sum((field) => field.numNotPositive);
  const numCapped = sum((field) => field.numCapped);
  if (numNonFinite > 0) notes.push(`${numNonFinite} ${of} not finite (hatched)`);
  if (numNotPositive > 0) notes.push(`${numNotPositive} ${of} ≤ 0, not on a log scale (hatched)`);
  if (numCapped > 0) notes.push(`${noun} capped at ${formatNumber(fields[0]!.cap!)} (${numCapped} ${of})`);
  const { low, high } = rangeOf(fields);
  if (low === high) notes.push(`${noun} is ${formatNumber(low)} at every point drawn`);
  return notes.length > 0 ? [notes.join('; ')] : [];
}

/** Of all fields together; NaN where nothing can be drawn. */
export function rangeOf(fields: readonly DrawnValues[]): { readonly low: number; readonly high: number } {
  const drawable = fields.filter(({ isEmpty }) => !isEmpty);
  if (drawable.length === 0) return { low: NaN, high: NaN };
  return {
    low: Math.min(...drawable.map(({ low }) => low)),
    high: Math.max(...drawable.map(({ high }) => high)),
  };
}

/** Checks the sizes and coordinates of a surface. Throws ERR_INVALID_DATA. */
export function checkSurface(
  name: string,
  { x, y }: Pick<LossSurface, 'x' | 'y'>,
  key: string,
  values: Float64Array,
): void {
  if (x.length < 2 || y.length < 2) fail(name, `a surface of ${x.length} × ${y.length} points has no cells`);
  checkCoordinates(name, 'x', x);
  checkCoordinates(name, 'y', y);
  if (values.length !== x.length * y.length) {
    fail(name, `${key} has ${values.length} values, x and y ask for ${x.length} × ${y.length}`);
  }
}

/** Finite and strictly ascending or descending. Throws ERR_INVALID_DATA. */
export function checkCoordinates(name: string, key: string, values: Float64Array): void {
  const sign = Math.sign((values.at(-1) ?? 0) - (values[0] ?? 0));
  values.forEach((value, i) => {
    const isOrdered = i === 0 || sign * (value - values[i - 1]!) > 0;
    if (!Number.isFinite(value) || !isOrdered) {
      fail(name, `${key} must be finite and strictly ascending or descending; ${key}[${i}] is ${value}`);
    }
  });
}

function fail(name: string, problem: string): never {
  throw new LossAtlasError('ERR_INVALID_DATA', `${name}: ${problem}.`);
}
