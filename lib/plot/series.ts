import { rollup } from 'd3-array';
import { area, line } from 'd3-shape';

import type { Axes } from './axes.js';
import { element, segment } from './svg.js';
import { theme } from './theme.js';
import type { ScaleKind } from './value-scale.js';

/** How one of several curves is told from the others: by colour, and without it by its dashes. */
export interface SeriesStyle {
  readonly color: string;
  readonly dashes: string | undefined;
}

const styles: readonly SeriesStyle[] = [
  { color: theme.primary, dashes: undefined },
  { color: theme.secondary, dashes: '6 3' },
  { color: '#15803d', dashes: '2 2.5' },
  { color: theme.path, dashes: '9 3 2 3' },
  { color: '#6d28d9', dashes: '12 4' },
];

export const maxSeries = styles.length;

export function seriesStyle(index: number): SeriesStyle {
  return styles[index % styles.length]!;
}

/** A short piece of the curve, for legends. */
export function sampleLine({ color, dashes }: SeriesStyle, x: number, y: number): string {
  const d = segment([x, y], [x + sampleWidth, y]);
  return element('path', { d, stroke: color, 'stroke-width': 1.8, 'stroke-dasharray': dashes, fill: 'none' });
}

export const sampleWidth = 26;

/** A density over x with its band where both ends are given. */
export interface BandCurve {
  readonly x: Float64Array;
  readonly density: Float64Array;
  readonly low: Float64Array | null;
  readonly high: Float64Array | null;
}

export interface CurveRange {
  readonly floor: number;
  readonly top: number;
}

/** A density with its band; filled down to the floor where it is alone. */
export function drawDensityCurve(
  { x, density, low, high }: BandCurve,
  axes: Axes,
  { floor, top }: CurveRange,
  { color, dashes }: SeriesStyle,
  isFilled: boolean,
): string {
  // What lies below the range runs along its floor; NaN stays a gap.
  const y = (value: number) => axes.y(Math.max(floor, Math.min(top * 10, value)));
  const indices = extremeIndices(x, density, axes);
  const isFinite = (i: number) => Number.isFinite(density[i]);
  const at = (i: number) => axes.x(x[i]!);
  const parts: string[] = [];
  if (isFilled) {
    const fill = area<number>(at, axes.box.bottom, (i) => y(density[i]!))
      .defined(isFinite)
      .digits(2)(indices);
    parts.push(
      element('path', { d: fill ?? '', fill: theme.primaryFill, 'fill-opacity': 0.85, class: 'area' }),
    );
  }
  if (low !== null && high !== null) {
    const isKnown = (i: number) => !Number.isNaN(low[i]!) && !Number.isNaN(high[i]!);
    const band = area<number>(
      at,
      (i) => y(low[i]!),
      (i) => y(high[i]!),
    )
      .defined(isKnown)
      .digits(2)(indices);
    const opacity = isFilled ? 0.28 : 0.16;
    parts.push(element('path', { d: band ?? '', fill: color, 'fill-opacity': opacity, class: 'band' }));
  }
  const outline = line<number>(at, (i) => y(density[i]!))
    .defined(isFinite)
    .digits(2)(indices);
  const stroke = {
    stroke: color,
    'stroke-width': 1.5,
    'stroke-linejoin': 'round',
    'stroke-dasharray': dashes,
  };
  parts.push(element('path', { d: outline ?? '', fill: 'none', ...stroke, class: 'density' }));
  return parts.join('');
}

/** Of the points within half a unit of width the first, the last, the extremes and the gaps: the same picture, smaller. */
function extremeIndices(x: Float64Array, density: Float64Array, axes: Axes): number[] {
  const bins = rollup(
    x.keys(),
    (bin) => {
      const gaps = bin.filter((i) => !Number.isFinite(density[i]));
      const least = bin.reduce((a, b) => (density[b]! < density[a]! ? b : a));
      const largest = bin.reduce((a, b) => (density[b]! > density[a]! ? b : a));
      return new Set([bin[0]!, least, largest, ...gaps, bin.at(-1)!]);
    },
    (i) => Math.floor(2 * axes.x(x[i]!)),
  );
  return [...bins.values()].flatMap((kept) => [...kept].sort((a, b) => a - b));
}

/** Whole decades around the positive densities; from 0 on a linear scale. */
export function densityRange(
  curves: readonly Pick<BandCurve, 'density' | 'high'>[],
  scale: ScaleKind,
  numDecades: number,
): [number, number] {
  let [least, shown, largest] = [Infinity, 0, 0];
  for (const { density, high } of curves) {
    for (const value of density) {
      if (!(value > 0 && value < Infinity)) continue;
      least = Math.min(least, value);
      shown = Math.max(shown, value);
    }
    for (const value of high ?? []) if (value < Infinity) largest = Math.max(largest, value);
  }
  largest = Math.max(largest, shown);
  if (largest === 0) return scale === 'log' ? [0.1, 1] : [0, 1];
  if (scale === 'linear') return [0, Math.min(largest * 1.06, Number.MAX_VALUE)];
  const top = Math.min(308, Math.ceil(Math.log10(largest) + 1e-9));
  const bottom = Math.floor(Math.log10(Math.min(least, largest)));
  return [
    Number(`1e${Math.max(-322, Math.min(top - 1, Math.max(bottom, top - numDecades)))}`),
    Number(`1e${top}`),
  ];
}
