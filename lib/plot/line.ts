import { line as lineShape } from 'd3-shape';

import { LossAtlasError } from '../errors.js';
import type { LossLine, MarkedSolution } from '../results.js';
import { checkOptions } from '../validate.js';
import { layoutAxes, type Axes } from './axes.js';
import { drawCenterMark } from './contour-labels.js';
import { defaultCaption, landscapeTitle, lineLabel } from './describe.js';
import {
  checkCoordinates,
  drawingNotes,
  drawingScaleChecks,
  drawnValues,
  type DrawingScale,
  type DrawnValues,
} from './field.js';
import { clipTo, emptyMessage, hatchFill, hatchPattern, layoutFigure } from './figure.js';
import { figureChecks, type FigureOptions } from './options.js';
import { isWithin, outsideNotes } from './plane-frame.js';
import { explosionNotes, quantityOf, valueChecks, type Quantity, type ValueChoice } from './quantity.js';
import { element, group, num, rectanglePath, text } from './svg.js';
import { fitText, textWidth } from './text.js';
import { theme } from './theme.js';
import { valueScale } from './value-scale.js';

export type LineOptions = FigureOptions & DrawingScale & ValueChoice;

const name = 'drawLine';
export const lineChecks = { ...figureChecks, ...drawingScaleChecks, ...valueChecks };

/** Up to this many points are shown as dots on the curve. */
const maxDots = 101;

/**
 * Loss (or another value) along a line on the left axis and accuracy where there is one on the right axis, with a cross at
 * the model and guides at its solutions, as SVG. Default 720 × 440, linear scale; title and caption come from the
 * provenance. Coordinates without a drawable value are hatched. Throws ERR_INVALID_OPTION, ERR_INVALID_DATA.
 */
export function drawLine(line: LossLine, options: LineOptions = {}): string {
  checkOptions(name, options, lineChecks);
  const { coordinates } = line;
  const quantity = quantityOf(name, line, options);
  const accuracy = quantity.noun === 'accuracy' ? null : line.accuracy;
  checkLine(name, coordinates, { [quantity.noun]: quantity.values, accuracy });
  const drawn = drawnValues(name, quantity.values, options);
  const { width = 720, height = 440 } = options;
  const { title = landscapeTitle(line), caption = defaultCaption(line) } = options;
  const x = { from: coordinates[0]!, to: coordinates.at(-1)!, label: lineLabel(line) };
  const solutions = line.solutions.filter((solution) => isWithin(solution.coordinates[0]!, x));
  const notes = [
    ...drawingNotes(quantity.noun, [drawn]),
    ...explosionNotes([line], options),
    ...outsideNotes('solutions', line.solutions.length - solutions.length, line.solutions.length),
  ];
  const figure = layoutFigure({ width, height, title, caption, notes });
  const [low, high] = valueRange(quantity, drawn);
  const spec = {
    x,
    y: {
      kind: drawn.kind,
      from: low,
      to: high,
      label: quantity.label,
      color: theme.primary,
      hasTicks: !drawn.isEmpty,
    },
    right: accuracy === null ? undefined : { from: 0, to: 100, label: 'accuracy, %', color: theme.secondary },
  };
  // The labels' rows take height alone: how many there are shows in a draft.
  const draft = layoutLabels(solutions, layoutAxes(figure.box, spec));
  const numRows = Math.max(0, ...draft.map(({ row }) => row + 1));
  const axes = layoutAxes({ ...figure.box, top: figure.box.top + numRows * labelLeading }, spec);
  const content: string[] = [];
  if (drawn.numHidden > 0) content.push(hatchPattern);
  const data = [drawHidden(coordinates, drawn.values, axes)];
  if (accuracy !== null) {
    const percent = accuracy.map((share) => 100 * share);
    data.push(drawCurve('accuracy', coordinates, percent, axes.x, axes.right, theme.secondary, '5 3'));
  }
  const className = quantity.noun === 'loss' ? 'loss' : 'value';
  data.push(drawCurve(className, coordinates, drawn.values, axes.x, axes.y, theme.primary));
  content.push(axes.below, drawSolutions(layoutLabels(solutions, axes), axes), clipTo(axes.box, data));
  if (drawn.isEmpty) content.push(emptyMessage(`no ${quantity.noun} to draw`, axes.box));
  if (isWithin(0, x)) content.push(drawCenter(line, quantity, low, high, axes));
  return figure.finish([...content, axes.above]);
}

/** Throws ERR_INVALID_DATA for what cannot be drawn. */
export function checkLine(
  caller: string,
  coordinates: Float64Array,
  columns: Readonly<Record<string, Float64Array | null>>,
): void {
  const fail = (problem: string): never => {
    throw new LossAtlasError('ERR_INVALID_DATA', `${caller}: ${problem}.`);
  };
  if (coordinates.length < 2) fail(`a line of ${coordinates.length} points has no length`);
  checkCoordinates(caller, 'coordinates', coordinates);
  for (const [key, values] of Object.entries(columns)) {
    if (values !== null && values.length !== coordinates.length) {
      fail(`${key} has ${values.length} values, coordinates ${coordinates.length}`);
    }
  }
}

export function valueRange({ fullRange }: Quantity, drawn: DrawnValues): readonly [number, number] {
  if (drawn.isEmpty) return [1, 10];
  return fullRange ?? withMargin(drawn.kind, drawn.low, drawn.high);
}

/** A little air, so that the curve does not run on the frame. */
export function withMargin(kind: 'linear' | 'log', low: number, high: number): [number, number] {
  const scale = valueScale(kind, low, high);
  const limit = kind === 'log' ? Number.MIN_VALUE : -Number.MAX_VALUE;
  return [Math.max(scale.value(-0.05), limit), Math.min(scale.value(1.05), Number.MAX_VALUE)];
}

/** A curve with dots where it has few points; gaps where a value is NaN. */
export function drawCurve(
  className: string,
  coordinates: Float64Array,
  values: Float64Array,
  x: (value: number) => number,
  y: (value: number) => number,
  color: string,
  dashes?: string,
): string {
  const points = Array.from(values, (value, i): [number, number] => [x(coordinates[i]!), y(value)]);
  const isDrawn = ([, py]: [number, number]) => Number.isFinite(py);
  const path = lineShape().digits(2).defined(isDrawn)(points) ?? '';
  const dots = points.filter(isDrawn).map(([cx, cy]) => element('circle', { cx, cy, r: 1.9 }));
  return group({ class: className, stroke: color, fill: color }, [
    element('path', { d: path, fill: 'none', 'stroke-width': 1.7, 'stroke-dasharray': dashes }),
    // A point between two gaps shows only as its dot.
    group({ stroke: 'none' }, points.length <= maxDots || points.length > dots.length ? dots : []),
  ]);
}

/** Hatches the stretch around each point that cannot be drawn, up to halfway to its neighbours. */
function drawHidden(coordinates: Float64Array, values: Float64Array, axes: Axes): string {
  const bands: string[] = [];
  values.forEach((value, i) => {
    if (!Number.isNaN(value)) return;
    const here = coordinates[i]!;
    const edges = [coordinates[i - 1] ?? here, coordinates[i + 1] ?? here];
    const [a, b] = edges.map((other) => axes.x((other + here) / 2)) as [number, number];
    bands.push(rectanglePath({ ...axes.box, left: Math.min(a, b), right: Math.max(a, b) }));
  });
  if (bands.length === 0) return '';
  return element('path', { d: bands.join(''), fill: hatchFill, class: 'hidden-cells' });
}

/** The model itself at coordinate 0: a dashed line, and a cross at its value where that is in the picture. */
function drawCenter(
  { coordinates }: LossLine,
  { values, atModel }: Quantity,
  low: number,
  high: number,
  axes: Axes,
): string {
  const x = axes.x(0);
  const guide = drawGuide(x, axes.box.top, axes.box.bottom, theme.mark);
  const value = atModel ?? values[coordinates.indexOf(0)] ?? NaN;
  const isShown = value >= low && value <= high;
  return guide + (isShown ? drawCenterMark([x, axes.y(value)], theme.mark) : '');
}

function drawGuide(x: number, top: number, bottom: number, stroke: string): string {
  const d = `M${num(x)},${num(top)}V${num(bottom)}`;
  return element('path', { d, stroke, 'stroke-dasharray': '2 4', 'stroke-opacity': 0.7 });
}

interface GuideLabel {
  readonly coordinate: number;
  readonly label: string;
  /** Left end of the text. */
  readonly start: number;
  /** 0 is next to the frame. */
  readonly row: number;
}

const labelLeading = 16;

/** One label over each guide, within the frame's width; in the lowest row in which it has room. */
function layoutLabels(solutions: readonly MarkedSolution[], { box, x }: Axes): GuideLabel[] {
  const rows: [number, number][][] = [];
  return solutions.map(({ label, coordinates }) => {
    const { text: fitted } = fitText(label, (box.right - box.left) * 0.45, theme.noteSize, theme.noteSize);
    const width = textWidth(fitted, theme.noteSize);
    const coordinate = coordinates[0]!;
    const start = Math.max(box.left, Math.min(box.right - width, x(coordinate) - width / 2));
    const isFree = (taken: readonly [number, number][]) =>
      taken.every(([from, to]) => start > to + 10 || start + width < from - 10);
    const free = rows.findIndex(isFree);
    const row = free < 0 ? rows.length : free;
    rows[row] = [...(rows[row] ?? []), [start, start + width]];
    return { coordinate, label: fitted, start, row };
  });
}

function drawSolutions(labels: readonly GuideLabel[], axes: Axes): string {
  const marks = labels.map(({ coordinate, label, start, row }) => {
    const baseline = axes.box.top - 6 - row * labelLeading;
    const name = text(label, [start, baseline], { 'font-size': theme.noteSize });
    // At 0 stands the guide of the model itself.
    const guide =
      coordinate === 0 ? '' : drawGuide(axes.x(coordinate), axes.box.top, axes.box.bottom, theme.axis);
    return guide + name;
  });
  return group({ class: 'solutions' }, marks);
}
