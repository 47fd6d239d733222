import { ticks as evenTicks } from 'd3-array';

import { formatNumber, formatPower, formatTicks } from './number-format.js';

export type ScaleKind = 'linear' | 'log';

export interface Tick {
  readonly value: number;
  readonly label: string;
}

/** Maps values to 0 … 1 and knows its ticks; shared by axes, heights and colours. */
export interface ValueScale {
  readonly kind: ScaleKind;
  readonly low: number;
  readonly high: number;
  /** 0 at `low`, 1 at `high`, linear beyond; NaN for what the scale cannot show. */
  readonly position: (value: number) => number;
  /** The inverse of `position`. */
  readonly value: (position: number) => number;
  readonly ticks: readonly Tick[];
  readonly minor: readonly number[];
  /** What was taken off the tick labels, '' if nothing: to be named in the axis label. */
  readonly offset: string;
}

interface TickChoice {
  readonly values: readonly number[];
  readonly minor: readonly number[];
  readonly labels: 'even' | 'powers' | 'free';
}

/** Rounding noise of a float64 mean: a range this narrow is flat. */
const flatTolerance = 1e-12;

/** Differences below this are 0, and values below it are shown here on a log scale: ticks lose their precision. */
const leastDifference = 1e-290;

/** A scale from `low` to `high` with about `count` ticks; a flat range is widened around its value. */
export function valueScale(kind: ScaleKind, low: number, high: number, count = 6): ValueScale {
  const [from, to] = widen(kind, low, high);
  const isLog = kind === 'log';
  const start = isLog ? Math.log10(from) : from / 2;
  const span = (isLog ? Math.log10(to) : to / 2) - start;
  const { values, minor, labels } = isLog ? logTicks(from, to, count) : linearTicks(from, to, count);
  const even = labels === 'even' ? formatTicks(values) : { labels: [], offset: '' };
  const format = {
    even: (_: number, i: number) => even.labels[i]!,
    powers: (value: number) => formatPower(Math.round(Math.log10(value))),
    free: (value: number) => formatNumber(value, 1),
  }[labels];
  return {
    kind,
    low: from,
    high: to,
    // Halves, because to − from can overflow.
    position: isLog
      ? (value) => (value > 0 ? (Math.log10(value) - start) / span : NaN)
      : (value) => (value / 2 - start) / span,
    value: isLog
      ? (position) => 10 ** (start + position * span)
      : (position) => (start + position * span) * 2,
    ticks: values.map((value, i) => ({ value, label: format(value, i) })),
    minor,
    offset: even.offset,
  };
}

/** `label`, with the log scale and the offset of the tick labels named; an axis without label stays so. */
export function scaleLabel(label: string, { kind, offset }: ValueScale): string {
  if (label === '') return '';
  const shifted = offset === '' ? label : `${label} − ${offset.startsWith('−') ? `(${offset})` : offset}`;
  return kind === 'log' ? `${shifted} (log scale)` : shifted;
}

function widen(kind: ScaleKind, low: number, high: number): [number, number] {
  if (kind === 'log') {
    const [from, to] = [Math.max(low, leastDifference), Math.max(high, leastDifference)];
    return to > from * (1 + flatTolerance) ? [from, to] : [from / 2, Math.min(to * 2, Number.MAX_VALUE)];
  }
  const largest = Math.max(Math.abs(low), Math.abs(high));
  if (high / 2 - low / 2 > Math.max(flatTolerance * largest, leastDifference)) return [low, high];
  const margin = largest < leastDifference ? 1 : largest * 0.05;
  return [Math.max(low - margin, -Number.MAX_VALUE), Math.min(high + margin, Number.MAX_VALUE)];
}

function linearTicks(low: number, high: number, count: number): TickChoice {
  // d3's step overflows where high − low does.
  const values = Number.isFinite(high - low) ? evenTicks(low, high, count) : [low, 0, high];
  return { values, minor: [], labels: 'even' };
}

function logTicks(low: number, high: number, count: number): TickChoice {
  const first = Math.floor(Math.log10(low));
  const last = Math.ceil(Math.log10(high));
  // The tolerance may overflow, and 1e309 with it.
  const inRange = (value: number) =>
    value >= low * (1 - 1e-9) && value <= high * (1 + 1e-9) && value <= Number.MAX_VALUE;
  const powers = (step: number) => {
    const values: number[] = [];
    for (let k = Math.ceil(first / step) * step; k <= last; k += step) values.push(Number(`1e${k}`));
    return values.filter(inRange);
  };
  const multiples = (factors: readonly number[]) => {
    const values: number[] = [];
    for (let k = first; k <= last; k++) for (const factor of factors) values.push(Number(`${factor}e${k}`));
    return values.filter(inRange);
  };
  const candidates = [
    ...[100, 50, 20, 10, 5, 4, 3, 2, 1].map(powers),
    multiples([1, 3]),
    multiples([1, 2, 5]),
    multiples([1, 2, 3, 4, 5, 6, 7, 8, 9]),
  ];
  const best = candidates.findLastIndex((values) => values.length <= count * 1.25);
  const values = candidates[best] ?? [];
  if (values.length < Math.max(3, count * 0.4)) {
    return { values: evenTicks(low, high, count), minor: [], labels: 'even' };
  }
  const isPower = (list: readonly number[]) => list.every((value) => powers(1).includes(value));
  const finest = last - first <= 12 ? candidates.at(-1)! : powers(1);
  return {
    values,
    minor: finest.filter((value) => !values.includes(value)),
    labels: isPower(values) ? 'powers' : 'free',
  };
}
