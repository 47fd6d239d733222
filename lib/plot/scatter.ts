import { LossAtlasError } from '../errors.js';
import { checkOptions, invalidOption, isArrayOf, isOneOf, type Check } from '../validate.js';
import { layoutAxes } from './axes.js';
import { clipTo, layoutFigure } from './figure.js';
import { drawMarkLabels, placeLabels } from './label-placement.js';
import { figureChecks, isText, type FigureOptions } from './options.js';
import { element, group, segment, type Box, type Point } from './svg.js';
import { theme } from './theme.js';
import { valueScale, type ScaleKind } from './value-scale.js';

const name = 'drawScatter';
const radius = 4;

/** One of the things that are compared, by two numbers. */
export interface ScatterPoint {
  /** Beside its dot; '' for none. */
  readonly label: string;
  readonly x: number;
  readonly y: number;
  /** Ends of the interval of y. */
  readonly low?: number | undefined;
  readonly high?: number | undefined;
}

export interface ScatterOptions extends FigureOptions {
  /** Names of the axes. */
  readonly xLabel?: string | undefined;
  readonly yLabel?: string | undefined;
  /** Default `linear`. */
  readonly xScale?: ScaleKind | undefined;
  readonly yScale?: ScaleKind | undefined;
}

const isPoint: Check = (v) =>
  typeof v === 'object' && v !== null && 'label' in v && typeof v.label === 'string' ? null : 'a point';

/**
 * Models or minima by two of their numbers, as SVG: the log-volume of a basin over the generalisation gap, say, with
 * intervals as bars. Default 640 × 440.
 *
 *     drawScatter(minima.map(({ label, gap, volume }) => ({ label, x: gap, y: volume })), {
 *       xLabel: 'generalisation gap', yLabel: 'log-volume',
 *     });
 *
 * Throws ERR_INVALID_OPTION, ERR_INVALID_DATA where a scale cannot show a point.
 */
export function drawScatter(points: readonly ScatterPoint[], options: ScatterOptions = {}): string {
  const isScale = isOneOf('linear', 'log');
  const checks = { xLabel: isText, yLabel: isText, xScale: isScale, yScale: isScale };
  checkOptions(name, options, { ...figureChecks, ...checks });
  if (isArrayOf(isPoint, '')(points) !== null || points.length === 0)
    throw invalidOption(`${name}: points`, 'a list of points with label, x and y, not empty', points);
  const {
    width = 640,
    height = 440,
    title = '',
    caption = '',
    xScale = 'linear',
    yScale = 'linear',
  } = options;
  const figure = layoutFigure({ width, height, title, caption, notes: [] });
  const known = (value: number | undefined) => (value !== undefined && Number.isFinite(value) ? [value] : []);
  const xs = points.map(({ x }) => x);
  const ys = points.flatMap(({ y, low, high }) => [y, ...known(low), ...known(high)]);
  const axes = layoutAxes(figure.box, {
    x: { kind: xScale, ...rangeOf('x', xs, xScale), label: options.xLabel ?? '' },
    y: { kind: yScale, ...rangeOf('y', ys, yScale), label: options.yLabel ?? '' },
  });
  const bars: string[] = [];
  const places: Point[] = [];
  const taken: Box[] = [];
  for (const { x, y, low = y, high = y } of points) {
    const [cx, cy] = [axes.x(x), axes.y(y)];
    places.push([cx, cy]);
    taken.push({ left: cx - radius, right: cx + radius, top: cy - radius, bottom: cy + radius });
    if (!(Number.isFinite(low) && Number.isFinite(high) && high > low)) continue;
    bars.push(segment([cx, axes.y(low)], [cx, axes.y(high)]));
    taken.push({ left: cx - 1, right: cx + 1, top: axes.y(high), bottom: axes.y(low) });
  }
  const named = points.flatMap(({ label }, i) => (label === '' ? [] : [{ label, point: places[i]! }]));
  const labels = placeLabels(named, axes.box, theme.noteSize, taken);
  const dots = places.map(([cx, cy]) => element('circle', { cx, cy, r: radius }));
  return figure.finish([
    axes.below,
    clipTo(axes.box, [
      bars.length === 0
        ? ''
        : element('path', { d: bars.join(''), stroke: theme.primary, 'stroke-opacity': 0.5 }),
    ]),
    group({ fill: theme.primary, class: 'points' }, dots),
    drawMarkLabels(labels, theme.noteSize),
    axes.above,
  ]);
}

/** A little more than the values. */
function rangeOf(axis: string, values: readonly number[], kind: ScaleKind): { from: number; to: number } {
  const wrong = values.find((value) => !Number.isFinite(value) || (kind === 'log' && value <= 0));
  if (wrong !== undefined) {
    const problem = `a ${kind} scale cannot show ${wrong} on the ${axis} axis`;
    throw new LossAtlasError('ERR_INVALID_DATA', `${name}: ${problem}.`);
  }
  const [low, high] = [Math.min(...values), Math.max(...values)];
  if (low === high) return kind === 'log' ? { from: low / 2, to: high * 2 } : { from: low - 1, to: high + 1 };
  const scale = valueScale(kind, low, high);
  return { from: scale.value(-0.08), to: scale.value(1.08) };
}
