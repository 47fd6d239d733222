import type { LossSurface } from '../results.js';
import { checkOptions, isBoolean, isNumber } from '../validate.js';
import { layoutAxes, type Axes, type AxisSpec } from './axes.js';
import { colorAt, colorBarWidth, isColorMap, drawColorBar, type ColorMap } from './color-scale.js';
import { drawCenterMark, drawContourLabels } from './contour-labels.js';
import { coordinateAt, traceContours } from './contour-lines.js';
import { axisLabel, defaultCaption, defaultTitle } from './describe.js';
import {
  checkSurface,
  drawingScaleChecks,
  drawnValues,
  type DrawingScale,
  type DrawnValues,
} from './field.js';
import { clipTo, emptyMessage, hatchFill, hatchPattern, layoutFigure } from './figure.js';
import { findHiddenRuns, hiddenPath, hiddenTest } from './hidden-cells.js';
import { formatNumber } from './number-format.js';
import { figureChecks, type FigureOptions } from './options.js';
import { element, group, pathData, rectangle, rectanglePath, type Box, type Point } from './svg.js';
import { theme } from './theme.js';
import { valueScale, type ValueScale } from './value-scale.js';

export interface ContourOptions extends FigureOptions, DrawingScale {
  /** Default 'viridis'. */
  readonly colorMap?: ColorMap | undefined;
  /** Coloured cells, one per point, instead of contours (default false). */
  readonly heatMap?: boolean | undefined;
  /** About how many levels (default 14). */
  readonly numLevels?: number | undefined;
}

const name = 'drawContour';
const checks = {
  ...figureChecks,
  ...drawingScaleChecks,
  colorMap: isColorMap,
  heatMap: isBoolean,
  numLevels: isNumber(1, 100),
};

/**
 * Filled and labelled contours (or a heat map) of a loss surface, with a cross at the model, as SVG.
 * Default 640 × 560, linear scale; title and caption come from the provenance. Points without a drawable loss are hatched.
 * Throws ERR_INVALID_OPTION, ERR_INVALID_DATA.
 */
export function drawContour(surface: LossSurface, options: ContourOptions = {}): string {
  checkOptions(name, options, checks);
  const { width = 640, height = 560, colorMap = 'viridis', heatMap = false, numLevels = 14 } = options;
  checkSurface(name, surface);
  const drawn = drawnValues(name, surface.loss, options);
  const { title = defaultTitle(surface.provenance), caption = defaultCaption(surface) } = options;
  const figure = layoutFigure({ width, height, title, caption, notes: drawn.notes });
  const colors = drawn.isEmpty ? null : valueScale(drawn.kind, drawn.low, drawn.high, 7);
  const barRoom = colors === null ? 0 : colorBarWidth(colors) + 22;
  const [xAxis, yAxis] = axisSpecs(surface, heatMap);
  const spans = [xAxis.to - xAxis.from, yAxis.to - yAxis.from].map(Math.abs) as [number, number];
  const axes = layoutAxes(
    { ...figure.box, right: figure.box.right - barRoom },
    { x: xAxis, y: yAxis, aspect: Math.max(0.5, Math.min(2, spans[0] / spans[1])), grid: false },
  );
  const content: string[] = [];
  if (drawn.numHidden > 0) content.push(hatchPattern);
  if (colors === null) {
    content.push(
      rectangle(axes.box, { fill: hatchFill, class: 'hidden-cells' }),
      emptyMessage('no loss to draw', axes.box),
    );
  } else {
    const levels = heatMap ? null : levelsOf(colors, drawn, numLevels);
    const cells =
      levels === null
        ? drawHeatMap(surface, drawn, colors, axes, colorMap)
        : drawLevels(surface, drawn, colors, axes, colorMap, levels);
    content.push(clipTo(axes.box, cells));
    const bar = { ...axes.box, left: axes.box.right + 22, right: figure.box.right };
    content.push(
      drawColorBar(bar, colors, colorMap, 'loss', levels?.map(({ position }) => position) ?? null),
    );
  }
  const hasCenter = isWithin(0, xAxis) && isWithin(0, yAxis) && !drawn.isEmpty;
  if (hasCenter) content.push(drawCenterMark([axes.x(0), axes.y(0)], theme.mark));
  return figure.finish([...content, axes.above]);
}

function axisSpecs({ x, y, axes }: LossSurface, heatMap: boolean): [AxisSpec, AxisSpec] {
  const spec = (coordinates: Float64Array, label: string): AxisSpec => {
    const edges = heatMap ? cellEdges(coordinates) : coordinates;
    return { from: edges[0]!, to: edges.at(-1)!, label };
  };
  return [spec(x, axisLabel('α', axes[0])), spec(y, axisLabel('β', axes[1]))];
}

interface Level {
  readonly position: number;
  readonly label: string;
}

function levelsOf(colors: ValueScale, drawn: DrawnValues, count: number): Level[] {
  const { ticks, offset } = valueScale(drawn.kind, drawn.low, drawn.high, count);
  // The colour bar names the offset; labels with another one would mislead.
  const isShared = offset === colors.offset;
  return (
    ticks
      .map(({ value, label }) => ({
        position: colors.position(value),
        label: isShared ? label : formatNumber(value, 10),
      }))
      // A level at the very edge of the range has no line.
      .filter(({ position }) => position > 1e-9 && position < 1 - 1e-9)
  );
}

function drawLevels(
  surface: LossSurface,
  drawn: DrawnValues,
  colors: ValueScale,
  axes: Axes,
  colorMap: ColorMap,
  levels: readonly Level[],
): string[] {
  const { x, y } = surface;
  const [nx, ny] = [x.length, y.length];
  const place = ([i, j]: Point): Point => [axes.x(coordinateAt(x, i)), axes.y(coordinateAt(y, j))];
  const edges = [0, ...levels.map(({ position }) => position), 1];
  const fills = edges.slice(1).map((edge, i) => colorAt(colorMap, (edge + edges[i]!) / 2));
  const traced = traceContours(drawn.values.map(colors.position), nx, ny, edges.slice(1, -1));
  const bands = traced.map(({ rings }, i) =>
    element('path', { d: rings.map((ring) => pathData(ring.map(place), true)).join(''), fill: fills[i + 1] }),
  );
  const lines = traced.map((level) => level.lines.map((line) => line.map(place)));
  const paths = lines.map((level) => element('path', { d: level.map((line) => pathData(line)).join('') }));
  const runs = findHiddenRuns(drawn.values, nx, ny);
  const isHidden = hiddenTest(runs, Array.from(x, axes.x), Array.from(y, axes.y), 6);
  const hatch = element('path', { d: hiddenPath(runs, place), fill: hatchFill, class: 'hidden-cells' });
  // No label across the centre mark.
  const isBlocked = (point: Point) =>
    isHidden(point) || Math.hypot(point[0] - axes.x(0), point[1] - axes.y(0)) < 14;
  const labelled = lines.map((level, i) => ({ label: levels[i]!.label, lines: level }));
  return [
    rectangle(axes.box, { fill: fills[0] }),
    group({ class: 'bands', 'fill-rule': 'evenodd' }, bands),
    group(
      { class: 'contours', fill: 'none', stroke: '#ffffff', 'stroke-opacity': 0.6, 'stroke-width': 0.9 },
      paths,
    ),
    runs.length === 0 ? '' : hatch,
    drawContourLabels(labelled, axes.box, isBlocked),
  ];
}

function drawHeatMap(
  { x, y }: LossSurface,
  drawn: DrawnValues,
  colors: ValueScale,
  axes: Axes,
  colorMap: ColorMap,
): string[] {
  const [xs, ys] = [Array.from(cellEdges(x), axes.x), Array.from(cellEdges(y), axes.y)];
  const cells: string[] = [];
  const hidden: string[] = [];
  drawn.values.forEach((value, k) => {
    const [i, j] = [k % x.length, Math.floor(k / x.length)];
    const box: Box = {
      left: Math.min(xs[i]!, xs[i + 1]!),
      top: Math.min(ys[j]!, ys[j + 1]!),
      right: Math.max(xs[i]!, xs[i + 1]!),
      bottom: Math.max(ys[j]!, ys[j + 1]!),
    };
    if (Number.isNaN(value)) hidden.push(rectanglePath(box));
    else cells.push(rectangle(box, { fill: colorAt(colorMap, colors.position(value)) }));
  });
  const hatch = element('path', { d: hidden.join(''), fill: hatchFill, class: 'hidden-cells' });
  const sharp = { class: 'cells', 'shape-rendering': 'crispEdges' };
  return [group(sharp, cells), hidden.length === 0 ? '' : hatch];
}

/** Borders halfway between the coordinates, and as far beyond the ends. */
function cellEdges(coordinates: Float64Array): Float64Array {
  return Float64Array.from({ length: coordinates.length + 1 }, (_, i) => coordinateAt(coordinates, i - 0.5));
}

function isWithin(value: number, { from, to }: AxisSpec): boolean {
  return value >= Math.min(from, to) && value <= Math.max(from, to);
}
