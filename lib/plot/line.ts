import { line as lineShape } from 'd3-shape';

import { LossAtlasError } from '../errors.js';
import type { LossLine } from '../results.js';
import { checkOptions } from '../validate.js';
import { layoutAxes, type Axes } from './axes.js';
import { drawCenterMark } from './contour-labels.js';
import { axisLabel, defaultCaption, defaultTitle } from './describe.js';
import { checkCoordinates, drawingScaleChecks, drawnValues, type DrawingScale } from './field.js';
import { clipTo, emptyMessage, hatchFill, hatchPattern, layoutFigure } from './figure.js';
import { figureChecks, type FigureOptions } from './options.js';
import { element, group, num, rectanglePath } from './svg.js';
import { theme } from './theme.js';
import { valueScale } from './value-scale.js';

export type LineOptions = FigureOptions & DrawingScale;

const name = 'drawLine';
const checks = { ...figureChecks, ...drawingScaleChecks };

/** Up to this many points are shown as dots on the curve. */
const maxDots = 101;

/**
 * Loss along a line (left axis) and accuracy where there is one (right axis), with a cross at the model, as
 * SVG. Default 720 × 440, linear scale; title and caption come from the provenance. Coordinates without a
 * drawable loss are hatched. Throws ERR_INVALID_OPTION, ERR_INVALID_DATA.
 */
export function drawLine(line: LossLine, options: LineOptions = {}): string {
  checkOptions(name, options, checks);
  const { coordinates, loss, accuracy } = line;
  checkLine(line);
  const drawn = drawnValues(name, loss, options);
  const { width = 720, height = 440 } = options;
  const { title = defaultTitle(line.provenance), caption = defaultCaption(line) } = options;
  const figure = layoutFigure({ width, height, title, caption, notes: drawn.notes });
  const [low, high] = drawn.isEmpty ? [1, 10] : withMargin(drawn.kind, drawn.low, drawn.high);
  const axes = layoutAxes(figure.box, {
    x: { from: coordinates[0]!, to: coordinates.at(-1)!, label: axisLabel('α', line.axis) },
    y: {
      kind: drawn.kind,
      from: low,
      to: high,
      label: 'loss',
      color: theme.primary,
      hasTicks: !drawn.isEmpty,
    },
    right: accuracy === null ? undefined : { from: 0, to: 100, label: 'accuracy, %', color: theme.secondary },
  });
  const content: string[] = [];
  if (drawn.numHidden > 0) content.push(hatchPattern);
  const data = [drawHidden(coordinates, drawn.values, axes)];
  if (accuracy !== null) {
    const percent = accuracy.map((share) => 100 * share);
    data.push(drawCurve('accuracy', coordinates, percent, axes.x, axes.right, theme.secondary, '5 3'));
  }
  data.push(drawCurve('loss', coordinates, drawn.values, axes.x, axes.y, theme.primary));
  content.push(axes.below, clipTo(axes.box, data));
  if (drawn.isEmpty) content.push(emptyMessage('no loss to draw', axes.box));
  content.push(drawCenter(line, low, high, axes));
  return figure.finish([...content, axes.above]);
}

function checkLine({ coordinates, loss, accuracy }: LossLine): void {
  if (coordinates.length < 2) fail(`a line of ${coordinates.length} points has no length`);
  checkCoordinates(name, 'coordinates', coordinates);
  for (const [key, values] of Object.entries({ loss, accuracy })) {
    if (values !== null && values.length !== coordinates.length) {
      fail(`${key} has ${values.length} values, coordinates ${coordinates.length}`);
    }
  }
}

/** A little air, so that the curve does not run on the frame. */
function withMargin(kind: 'linear' | 'log', low: number, high: number): [number, number] {
  const scale = valueScale(kind, low, high);
  const limit = kind === 'log' ? Number.MIN_VALUE : -Number.MAX_VALUE;
  return [Math.max(scale.value(-0.05), limit), Math.min(scale.value(1.05), Number.MAX_VALUE)];
}

function drawCurve(
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

/** The model itself at coordinate 0: a dashed line, and a cross at its loss where that is in the picture. */
function drawCenter({ coordinates, modelLoss }: LossLine, low: number, high: number, axes: Axes): string {
  const ends = [coordinates[0]!, coordinates.at(-1)!];
  if (Math.min(...ends) > 0 || Math.max(...ends) < 0) return '';
  const x = axes.x(0);
  const d = `M${num(x)},${num(axes.box.top)}V${num(axes.box.bottom)}`;
  const guide = element('path', { d, stroke: theme.mark, 'stroke-dasharray': '2 4', 'stroke-opacity': 0.7 });
  const isShown = modelLoss >= low && modelLoss <= high;
  return guide + (isShown ? drawCenterMark([x, axes.y(modelLoss)], theme.mark) : '');
}

function fail(problem: string): never {
  throw new LossAtlasError('ERR_INVALID_DATA', `${name}: ${problem}.`);
}
