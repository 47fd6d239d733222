import { LossAtlasError } from '../errors.js';
import type { Estimate } from '../results.js';
import { checkOptions, isNumber } from '../validate.js';
import { layoutAxes, type Axes } from './axes.js';
import { labelled, type LabelledDensity } from './density.js';
import { checkCoordinates, isScaleKind } from './field.js';
import { clipTo, emptyMessage, layoutFigure } from './figure.js';
import { formatNumber } from './number-format.js';
import { figureChecks, type FigureOptions } from './options.js';
import { densityRange, drawDensityCurve, sampleLine, sampleWidth, seriesStyle } from './series.js';
import { group, text, type Box } from './svg.js';
import { fitText, textWidth } from './text.js';
import { theme } from './theme.js';
import type { ScaleKind } from './value-scale.js';

/** The eigenvalues of one sign over |λ|. */
export interface LogDensityCurveSide {
  /** Per decade. */
  readonly density: Float64Array;
  readonly low: Float64Array | null;
  readonly high: Float64Array | null;
  /** Mass of |λ| below the grid. */
  readonly below: Estimate;
}

/** What `renderLogDensity` makes. */
export interface LogDensityCurve {
  /** |λ|, positive and strictly ascending. */
  readonly x: Float64Array;
  readonly positive: LogDensityCurveSide;
  readonly negative: LogDensityCurveSide;
  /** Mass at exactly 0. */
  readonly zero: Estimate;
}

export interface LogDensityOptions extends FigureOptions {
  /** Vertical scale (default 'log'). */
  readonly scale?: ScaleKind | undefined;
  /** Decades shown below the maximum on a log scale, at most (default 7). */
  readonly numDecades?: number | undefined;
}

const name = 'drawLogDensity';
const checks = { ...figureChecks, scale: isScaleKind, numDecades: isNumber(1, 300) };
const sides = ['negative', 'positive'] as const;
const gap = 6;
const leading = 16;

/**
 * A spectral density over log|λ|, or up to five under labels, as SVG: negative eigenvalues in the left half, their axis
 * reversed, positive ones in the right half, so that a spectrum that is symmetric about zero is a symmetric picture. Over
 * each half stands the mass that lies below its axis. Default 900 × 440, log scale over at most seven decades.
 *
 *     drawLogDensity([
 *       { label: 'random', curve: renderLogDensity(before) },
 *       { label: 'trained', curve: renderLogDensity(after) },
 *     ]);
 *
 * Throws ERR_INVALID_OPTION, ERR_INVALID_DATA.
 */
export function drawLogDensity(
  densities: LogDensityCurve | readonly LabelledDensity<LogDensityCurve>[],
  options: LogDensityOptions = {},
): string {
  checkOptions(name, options, checks);
  const { width = 900, height = 440, scale = 'log', numDecades = 7, title = '', caption = '' } = options;
  const list = labelled(name, densities);
  for (const { curve } of list) checkCurve(curve);
  const figure = layoutFigure({ width, height, title, caption, notes: list.flatMap(notesOf) });
  const halves = list.flatMap(({ curve }) => sides.map((side) => curve[side]));
  const [low, high] = densityRange(halves, scale, numDecades);
  const [from, to] = [
    Math.min(...list.map(({ curve }) => curve.x[0]!)),
    Math.max(...list.map(({ curve }) => curve.x.at(-1)!)),
  ];
  const top = figure.box.top + list.length * leading + 2;
  const y = { kind: scale, from: low, to: high, label: 'density per decade' };
  const layout = (side: (typeof sides)[number], box: Box): Axes =>
    layoutAxes(
      { ...box, top },
      side === 'negative'
        ? { x: { kind: 'log', from: to, to: from, label: 'negative eigenvalues, −λ' }, y }
        : {
            x: { kind: 'log', from, to, label: 'positive eigenvalues, λ' },
            y: { ...y, label: '', hasTicks: false },
          },
    );
  // Both frames are equally wide: the left one has the numbers of y besides.
  const { left, right } = figure.box;
  const half = (right - left - gap) / 2;
  const roomOf = (side: (typeof sides)[number]) => {
    const { box } = layout(side, { ...figure.box, right: left + half });
    return half - (box.right - box.left);
  };
  const shift = (roomOf('negative') - roomOf('positive')) / 2;
  const middle = left + half + shift;
  const axes = {
    negative: layout('negative', { ...figure.box, right: middle }),
    positive: layout('positive', { ...figure.box, left: middle + gap }),
  };
  const range = { floor: low, top: high };
  const content = sides.flatMap((side) => {
    const frame = axes[side];
    const curves = list.map(({ curve }, i) =>
      drawDensityCurve({ x: curve.x, ...curve[side] }, frame, range, seriesStyle(i), list.length === 1),
    );
    const isEmpty = list.every(({ curve }) => !curve[side].density.some((value) => value > low));
    if (isEmpty) curves.push(emptyMessage(`no ${side} eigenvalues here`, frame.box));
    return [
      frame.below,
      group({ class: side }, [clipTo(frame.box, curves)]),
      drawHeader(list, side, frame.box, figure.box.top),
      frame.above,
    ];
  });
  return figure.finish(content);
}

/** Over each half, a line for each curve: its sample and the mass that its axis leaves out, next to zero. */
function drawHeader(
  list: readonly LabelledDensity<LogDensityCurve>[],
  side: (typeof sides)[number],
  { left, right }: Box,
  top: number,
): string {
  const isLeft = side === 'negative';
  const size = theme.noteSize;
  const indent = list.length > 1 ? sampleWidth + 6 : 0;
  const rows = list.flatMap(({ label, curve }, i) => {
    const whose = label === '' ? '' : `${label}: `;
    const words = `${whose}${describeMass(curve[side].below)} below ${formatNumber(curve.x[0]!, 2)}`;
    const line = fitText(words, right - left - indent, size, theme.minSize);
    const width = indent + textWidth(line.text, line.size);
    const start = isLeft ? right - width : left;
    const baseline = top + 6 + (i + 0.5) * leading;
    return [
      list.length > 1 ? sampleLine(seriesStyle(i), start, baseline - 4) : '',
      text(line.text, [start + indent, baseline], { 'font-size': line.size }),
    ];
  });
  return group({ class: `below-${side}` }, rows);
}

/** With its interval over probes where there is one. */
function describeMass({ value, low, high }: Estimate): string {
  // Less is what rounding leaves of a sum that is 1.
  if (value < 1e-9) return 'nothing';
  const hasInterval = Number.isFinite(low) && Number.isFinite(high);
  return `mass ${share(value)}${hasInterval ? ` (${share(low)} to ${share(high)})` : ''}`;
}

function share(value: number): string {
  if (value < 1e-9) return '0';
  return value < 0.001 ? formatNumber(value, 1) : value.toFixed(3);
}

function checkCurve({ x, positive, negative }: LogDensityCurve): void {
  if (x.length < 2) fail(`a curve of ${x.length} points cannot be drawn`);
  checkCoordinates(name, 'x', x);
  if (!(x[0]! > 0)) fail(`x[0] is ${x[0]!}, |λ| on a log axis is positive`);
  for (const [side, { density, low, high }] of Object.entries({ positive, negative })) {
    for (const [key, values] of Object.entries({ density, low, high })) {
      if (values !== null && values.length !== x.length)
        fail(`${side}.${key} has ${values.length} values, x has ${x.length}`);
    }
  }
}

function notesOf({ label, curve: { zero } }: LabelledDensity<LogDensityCurve>): string[] {
  if (!(zero.value > 0)) return [];
  return [`${label === '' ? '' : `${label}: `}mass ${share(zero.value)} at exactly 0 (on neither side)`];
}

function fail(problem: string): never {
  throw new LossAtlasError('ERR_INVALID_DATA', `${name}: ${problem}.`);
}
