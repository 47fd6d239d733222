import { LossAtlasError } from '../errors.js';
import { checkOptions, isArrayOf, isNumber, type Check } from '../validate.js';
import { layoutAxes, type Axes } from './axes.js';
import { checkCoordinates, isScaleKind } from './field.js';
import { clipTo, emptyMessage, layoutFigure } from './figure.js';
import { figureChecks, isText, type FigureOptions } from './options.js';
import { densityRange, drawDensityCurve, maxSeries, sampleLine, sampleWidth, seriesStyle } from './series.js';
import { element, group, num, rectangle, text, type Box } from './svg.js';
import { fitText, textWidth } from './text.js';
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

/** One of several densities in a figure. */
export interface LabelledDensity<Curve = DensityCurve> {
  readonly label: string;
  readonly curve: Curve;
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
 * A spectral density with its confidence band, as SVG; or up to five under labels, told apart by colour and dashes.
 * Default 820 × 420, log scale over at most seven decades. Densities below the shown range run along the floor.
 *
 *     const [before, after] = [renderDensity(random), renderDensity(trained)];
 *     drawDensity([{ label: 'random', curve: before }, { label: 'trained', curve: after }]);
 *
 * Throws ERR_INVALID_OPTION, ERR_INVALID_DATA.
 */
export function drawDensity(
  densities: DensityCurve | readonly LabelledDensity[],
  options: DensityOptions = {},
): string {
  checkOptions(name, options, checks);
  const { width = 820, height = 420, scale = 'log', numDecades = 7, title = '', caption = '' } = options;
  const { xLabel = 'eigenvalue λ', annotations = [] } = options;
  const list = labelled(name, densities);
  const curves = list.map(({ curve }) => curve);
  for (const curve of curves) checkCurve(curve);
  const markers = Array.from(options.markers ?? []).filter(Number.isFinite);
  const figure = layoutFigure({ width, height, title, caption, notes: list.flatMap(notesOf) });
  const [from, to] = niceRange([...markers, ...curves.flatMap(({ x }) => [x[0]!, x.at(-1)!])]);
  const [low, high] = densityRange(curves, scale, numDecades);
  const axes = layoutAxes(figure.box, {
    x: { from, to, label: xLabel },
    y: { kind: scale, from: low, to: high, label: 'density' },
  });
  const range = { floor: low, top: high };
  const data = curves.map((curve, i) =>
    drawDensityCurve(curve, axes, range, seriesStyle(i), curves.length === 1),
  );
  data.push(drawMarkers(markers, axes));
  const isEmpty = curves.every(({ density }) => !density.some((value) => value > 0 && value < Infinity));
  if (isEmpty) data.push(emptyMessage('no positive density', axes.box));
  const legend = drawAnnotations(
    list.map(({ label }) => label).filter((label) => label !== ''),
    annotations,
    curves,
    axes,
    low,
  );
  return figure.finish([axes.below, clipTo(axes.box, data), legend, axes.above]);
}

/** A list of what may be one curve alone. */
export function labelled<Curve>(
  caller: string,
  densities: Curve | readonly LabelledDensity<Curve>[],
): readonly LabelledDensity<Curve>[] {
  if (!Array.isArray(densities)) return [{ label: '', curve: densities as Curve }];
  const list = densities as readonly LabelledDensity<Curve>[];
  if (list.length === 0 || list.length > maxSeries) {
    throw new LossAtlasError(
      'ERR_INVALID_DATA',
      `${caller}: ${list.length} densities cannot be told apart in one figure; give 1 to ${maxSeries}.`,
    );
  }
  return list;
}

function checkCurve({ x, density, low, high }: DensityCurve): void {
  if (x.length < 2) fail(`a curve of ${x.length} points cannot be drawn`);
  checkCoordinates(name, 'x', x);
  for (const [key, values] of Object.entries({ density, low, high })) {
    if (values !== null && values.length !== x.length)
      fail(`${key} has ${values.length} values, x has ${x.length}`);
  }
}

function notesOf({ label, curve: { density } }: LabelledDensity): string[] {
  const count = density.filter((value) => !Number.isFinite(value)).length;
  const whose = label === '' ? '' : `${label}: `;
  return count === 0 ? [] : [`${whose}${count} of ${density.length} densities not finite (left out)`];
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

function drawMarkers(markers: readonly number[], axes: Axes): string {
  const d = markers.map((value) => `M${num(axes.x(value))},${num(axes.box.bottom)}v-10`).join('');
  return d === '' ? '' : element('path', { d, stroke: theme.mark, 'stroke-width': 1.2, class: 'markers' });
}

/** Legend and lines in the upper corner in which they hide less of the curves. */
function drawAnnotations(
  labels: readonly string[],
  lines: readonly string[],
  curves: readonly DensityCurve[],
  axes: Axes,
  floor: number,
): string {
  const rows = [...labels, ...lines];
  if (rows.length === 0) return '';
  const leading = 17;
  const indent = (i: number) => (i < labels.length ? sampleWidth + 8 : 0);
  const { left, top, right } = axes.box;
  const room = (right - left) * 0.45;
  const fitted = rows.map((row, i) => fitText(row, room - indent(i), theme.tickSize, theme.tickSize).text);
  const width = Math.max(...fitted.map((row, i) => indent(i) + textWidth(row, theme.tickSize))) + 16;
  const corner = (start: number): Box => ({
    left: start,
    top: top + 8,
    right: start + width,
    bottom: top + 14 + rows.length * leading,
  });
  const corners = [corner(right - width - 8), corner(left + 8)];
  const numHidden = corners.map((box) =>
    curves.reduce(
      (sum, { x, density }) =>
        sum +
        x.reduce((count, value, i) => {
          const [px, py] = [axes.x(value), axes.y(Math.max(density[i]!, floor))];
          return px > box.left && px < box.right && py < box.bottom ? count + 1 : count;
        }, 0) /
          x.length,
      0,
    ),
  ) as [number, number];
  const box = corners[numHidden[1] < numHidden[0] ? 1 : 0]!;
  const baseline = (i: number) => box.top + 16 + i * leading;
  return group({ class: 'annotations' }, [
    rectangle(box, { fill: theme.background, 'fill-opacity': 0.85, stroke: theme.grid, rx: 3 }),
    ...labels.map((_, i) => sampleLine(seriesStyle(i), box.left + 8, baseline(i) - 4)),
    ...fitted.map((row, i) => text(row, [box.left + 8 + indent(i), baseline(i)], {})),
  ]);
}

function fail(problem: string): never {
  throw new LossAtlasError('ERR_INVALID_DATA', `${name}: ${problem}.`);
}
