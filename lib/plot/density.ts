import { rollup } from 'd3-array';
import { area, line } from 'd3-shape';

import { LossAtlasError } from '../errors.js';
import { checkOptions, isArrayOf, isNumber, type Check } from '../validate.js';
import { layoutAxes, type Axes } from './axes.js';
import { checkCoordinates, isScaleKind } from './field.js';
import { clipTo, emptyMessage, layoutFigure } from './figure.js';
import { figureChecks, isText, type FigureOptions } from './options.js';
import { element, group, num, rectangle, text, type Box } from './svg.js';
import { textWidth } from './text.js';
import { theme } from './theme.js';
import { valueScale, type ScaleKind } from './value-scale.js';

/** A spectral density on a grid, with a confidence band where both ends are given. */
export interface DensityCurve {
  /** Eigenvalue axis, strictly ascending. */
  readonly x: Float64Array;
  readonly density: Float64Array;
  readonly low: Float64Array | null;
  readonly high: Float64Array | null;
}

export interface DensityOptions extends FigureOptions {
  /** Vertical scale (default 'log'). */
  readonly scale?: ScaleKind | undefined;
  /** Decades shown below the maximum on a log scale, at most (default 7). */
  readonly numDecades?: number | undefined;
  /** Eigenvalues known by themselves, shown as red ticks on the floor. */
  readonly markers?: ArrayLike<number> | undefined;
  /** Short lines in a corner of the frame, for example `KH05 = 0.16`. */
  readonly annotations?: readonly string[] | undefined;
  /** Default 'eigenvalue λ'. */
  readonly xLabel?: string | undefined;
}

const name = 'drawDensity';
const isNumbers: Check = (value) =>
  ArrayBuffer.isView(value) || Array.isArray(value) ? null : 'an array of numbers';
const checks = {
  ...figureChecks,
  scale: isScaleKind,
  numDecades: isNumber(1, 300),
  markers: isNumbers,
  annotations: isArrayOf(isText, 'an array of strings'),
  xLabel: isText,
};

/**
 * A spectral density with its confidence band, as SVG. Default 820 × 420, log scale over at most seven decades.
 * Densities below the shown range run along the floor. Throws ERR_INVALID_OPTION, ERR_INVALID_DATA.
 */
export function drawDensity(curve: DensityCurve, options: DensityOptions = {}): string {
  checkOptions(name, options, checks);
  const { width = 820, height = 420, scale = 'log', numDecades = 7, title = '', caption = '' } = options;
  const { xLabel = 'eigenvalue λ', annotations = [] } = options;
  checkCurve(curve);
  const markers = Array.from(options.markers ?? []).filter(Number.isFinite);
  const figure = layoutFigure({ width, height, title, caption, notes: notesOf(curve) });
  const [from, to] = niceRange([...markers, curve.x[0]!, curve.x.at(-1)!]);
  const [low, high] = densityRange(curve, scale, numDecades);
  const axes = layoutAxes(figure.box, {
    x: { from, to, label: xLabel },
    y: { kind: scale, from: low, to: high, label: 'density' },
  });
  const data = [drawCurve(curve, axes, low, high), drawMarkers(markers, axes)];
  const isEmpty = !curve.density.some((value) => value > 0 && value < Infinity);
  if (isEmpty) data.push(emptyMessage('no positive density', axes.box));
  const legend = drawAnnotations(annotations, curve, axes, low);
  return figure.finish([axes.below, clipTo(axes.box, data), legend, axes.above]);
}

function checkCurve({ x, density, low, high }: DensityCurve): void {
  if (x.length < 2) fail(`a curve of ${x.length} points cannot be drawn`);
  checkCoordinates(name, 'x', x);
  for (const [key, values] of Object.entries({ density, low, high })) {
    if (values !== null && values.length !== x.length)
      fail(`${key} has ${values.length} values, x has ${x.length}`);
  }
}

function notesOf({ density }: DensityCurve): string[] {
  const count = density.filter((value) => !Number.isFinite(value)).length;
  return count === 0 ? [] : [`${count} of ${density.length} densities not finite (left out)`];
}

/** The range widened to whole tick steps. */
function niceRange(values: readonly number[]): [number, number] {
  const low = values.reduce((a, b) => Math.min(a, b));
  const high = values.reduce((a, b) => Math.max(a, b));
  const [first, second] = valueScale('linear', low, high, 12).ticks;
  const step = first && second ? second.value - first.value : 0;
  const from = Math.floor(low / step + 1e-9) * step;
  const to = Math.ceil(high / step - 1e-9) * step;
  return Number.isFinite(from) && Number.isFinite(to) && from < to ? [from, to] : [low, high];
}

/** Whole decades around the positive densities; from 0 on a linear scale. */
function densityRange(
  { density, high }: DensityCurve,
  scale: ScaleKind,
  numDecades: number,
): [number, number] {
  const positive = (values: Float64Array) => values.filter((value) => value > 0 && Number.isFinite(value));
  const shown = positive(density);
  const largest = [shown, positive(high ?? density)]
    .flatMap((values) => [...values])
    .reduce((a, b) => Math.max(a, b), 0);
  if (largest === 0) return scale === 'log' ? [0.1, 1] : [0, 1];
  if (scale === 'linear') return [0, Math.min(largest * 1.06, Number.MAX_VALUE)];
  const top = Math.min(308, Math.ceil(Math.log10(largest) + 1e-9));
  const least = Math.floor(Math.log10(shown.reduce((a, b) => Math.min(a, b), largest)));
  return [
    Number(`1e${Math.max(-322, Math.min(top - 1, Math.max(least, top - numDecades)))}`),
    Number(`1e${top}`),
  ];
}

function drawCurve({ x, density, low, high }: DensityCurve, axes: Axes, floor: number, top: number): string {
  // What lies below the range runs along its floor; NaN stays a gap.
  const y = (value: number) => axes.y(Math.max(floor, Math.min(top * 10, value)));
  const indices = extremeIndices(x, density, axes);
  const isFinite = (i: number) => Number.isFinite(density[i]);
  const at = (i: number) => axes.x(x[i]!);
  const bottom = axes.box.bottom;
  const fill = area<number>(at, bottom, (i) => y(density[i]!))
    .defined(isFinite)
    .digits(2)(indices);
  const outline = line<number>(at, (i) => y(density[i]!))
    .defined(isFinite)
    .digits(2)(indices);
  const parts = [
    element('path', { d: fill ?? '', fill: theme.primaryFill, 'fill-opacity': 0.85, class: 'area' }),
  ];
  if (low !== null && high !== null) {
    const isKnown = (i: number) => !Number.isNaN(low[i]!) && !Number.isNaN(high[i]!);
    const band = area<number>(
      at,
      (i) => y(low[i]!),
      (i) => y(high[i]!),
    )
      .defined(isKnown)
      .digits(2)(indices);
    parts.push(element('path', { d: band ?? '', fill: theme.primary, 'fill-opacity': 0.28, class: 'band' }));
  }
  const stroke = { stroke: theme.primary, 'stroke-width': 1.5, 'stroke-linejoin': 'round' };
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

function drawMarkers(markers: readonly number[], axes: Axes): string {
  const d = markers.map((value) => `M${num(axes.x(value))},${num(axes.box.bottom)}v-10`).join('');
  return d === '' ? '' : element('path', { d, stroke: theme.mark, 'stroke-width': 1.2, class: 'markers' });
}

/** The lines in the upper corner in which they hide less of the curve. */
function drawAnnotations(
  lines: readonly string[],
  { x, density }: DensityCurve,
  axes: Axes,
  floor: number,
): string {
  if (lines.length === 0) return '';
  const leading = 17;
  const width = Math.max(...lines.map((line) => textWidth(line, theme.tickSize))) + 16;
  const { left, top, right } = axes.box;
  const corner = (start: number): Box => ({
    left: start,
    top: top + 8,
    right: start + width,
    bottom: top + 14 + lines.length * leading,
  });
  const corners = [corner(right - width - 8), corner(left + 8)];
  const numHidden = corners.map((box) =>
    x.reduce((count, value, i) => {
      const [px, py] = [axes.x(value), axes.y(Math.max(density[i]!, floor))];
      return px > box.left && px < box.right && py < box.bottom ? count + 1 : count;
    }, 0),
  ) as [number, number];
  const box = corners[numHidden[1] < numHidden[0] ? 1 : 0]!;
  return group({ class: 'annotations' }, [
    rectangle(box, { fill: theme.background, 'fill-opacity': 0.85, stroke: theme.grid, rx: 3 }),
    ...lines.map((line, i) => text(line, [box.left + 8, box.top + 16 + i * leading], {})),
  ]);
}

function fail(problem: string): never {
  throw new LossAtlasError('ERR_INVALID_DATA', `${name}: ${problem}.`);
}
