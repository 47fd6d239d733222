import { layoutAxes, type Axes } from './axes.js';
import { colorAt, colorBarWidth, drawColorBar, type ColorMap } from './color-scale.js';
import { drawContourLabels } from './contour-labels.js';
import { coordinateAt, traceContours } from './contour-lines.js';
import type { DrawnValues } from './field.js';
import { clipTo, emptyMessage, hatchFill } from './figure.js';
import { findHiddenRuns, hiddenPath, hiddenTest } from './hidden-cells.js';
import { formatNumber } from './number-format.js';
import { cellEdges, type PlaneFrame } from './plane-frame.js';
import { layoutOverlay, type PlaneMarks } from './plane-overlay.js';
import { element, group, pathData, rectangle, rectanglePath, type Box, type Point } from './svg.js';
import type { TextSizes } from './theme.js';
import { valueScale, type ValueScale } from './value-scale.js';

/** Values 0 … 1 (NaN: unknown) and the levels of the lines between them. */
export interface ContourLines {
  readonly positions: Float64Array;
  readonly levels: readonly Level[];
}

export interface ContourPanel {
  readonly x: Float64Array;
  readonly y: Float64Array;
  readonly frame: PlaneFrame;
  readonly noun: string;
  readonly drawn: DrawnValues;
  /** May reach beyond the range of `drawn`, for panels that share it. */
  readonly colors: ValueScale;
  readonly colorMap: ColorMap;
  /** Of the bands; null for coloured cells. */
  readonly levels: readonly Level[] | null;
  /** Default true; else the lines between the bands have their colours. */
  readonly isFilled?: boolean | undefined;
  /** Lines of other values than those of the colours. */
  readonly lines?: ContourLines | undefined;
  /** Name of the panel's own colour bar; null for none. */
  readonly bar: string | null;
  readonly marks: PlaneMarks;
  readonly sizes: TextSizes;
}

export interface DrawnContour {
  readonly content: readonly string[];
  /** The frame of the axes, which is narrower than the panel. */
  readonly frameBox: Box;
}

const barGap = 22;

/** Bands or cells of one field with lines, marks, axes and colour bar, in `box`. */
export function drawContourPanel(box: Box, panel: ContourPanel): DrawnContour {
  const { drawn, colors, colorMap, levels, isFilled = true, frame, bar, sizes } = panel;
  const barRoom = bar === null || drawn.isEmpty ? 0 : colorBarWidth(colors, sizes) + barGap;
  const axes = layoutAxes(
    { ...box, right: box.right - barRoom },
    { ...frame, aspect: aspectOf(frame), grid: false, sizes },
  );
  if (drawn.isEmpty) {
    const hatch = rectangle(axes.box, { fill: hatchFill, class: 'hidden-cells' });
    const message = emptyMessage(`no ${panel.noun} to draw`, axes.box);
    return { content: [hatch, message, axes.above], frameBox: axes.box };
  }
  const overlay = layoutOverlay(panel.marks, frame, axes, sizes);
  const ownLines = levels === null ? null : { positions: drawn.values.map(colors.position), levels };
  const lines = panel.lines ?? ownLines;
  const cells = [
    levels === null ? drawCells(panel, axes) : isFilled ? drawBands(panel, axes) : '',
    ...(lines === null ? [] : drawLines(panel, lines, axes, sizes, overlay.isBlocked)),
    ...overlay.clipped,
  ];
  const barBox = { ...axes.box, left: axes.box.right + barGap, right: box.right };
  const bands = isFilled ? (levels?.map(({ position }) => position) ?? null) : null;
  const content = [
    clipTo(axes.box, cells),
    bar === null ? '' : drawColorBar(barBox, colors, colorMap, bar, bands, sizes),
    ...overlay.above,
    axes.above,
  ];
  return { content, frameBox: axes.box };
}

/** Width by height of a plane as it is drawn: its own, within limits. */
export function aspectOf({ x, y }: PlaneFrame): number {
  const [width, height] = [Math.abs(x.to - x.from), Math.abs(y.to - y.from)];
  return Math.max(0.5, Math.min(2, width / height));
}

/** Height of a figure of default width that a wide plane does not leave half empty. */
export function defaultHeight(frame: PlaneFrame): number {
  return heightFor([frame], 560, 400);
}

/** What a height for a square plane comes to for the least wide of these; `drop` would go of one of no height. */
export function heightFor(frames: readonly PlaneFrame[], square: number, drop: number): number {
  const aspect = Math.max(1, Math.min(...frames.map(aspectOf)));
  return Math.round(square - drop * (1 - 1 / aspect));
}

export interface Level {
  readonly position: number;
  readonly label: string;
}

/** About `count` levels within the range of the colours. */
export function levelsOf(colors: ValueScale, count: number): Level[] {
  const { ticks, offset } = valueScale(colors.kind, colors.low, colors.high, count);
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

function drawBands({ x, y, drawn, colors, colorMap, levels }: ContourPanel, axes: Axes): string {
  const place = gridPlacer(x, y, axes);
  const edges = [0, ...(levels ?? []).map(({ position }) => position), 1];
  const fills = edges.slice(1).map((edge, i) => colorAt(colorMap, (edge + edges[i]!) / 2));
  const traced = traceContours(drawn.values.map(colors.position), x.length, y.length, edges.slice(1, -1));
  const bands = traced.map(({ rings }, i) =>
    element('path', { d: rings.map((ring) => pathData(ring.map(place), true)).join(''), fill: fills[i + 1] }),
  );
  // The frame may reach beyond this grid, around others.
  const [left, right] = ends(x, axes.x);
  const [top, bottom] = ends(y, axes.y);
  return (
    rectangle({ left, right, top, bottom }, { fill: fills[0] }) +
    group({ class: 'bands', 'fill-rule': 'evenodd' }, bands)
  );
}

function drawLines(
  { x, y, drawn, colorMap, isFilled = true }: ContourPanel,
  { positions, levels }: ContourLines,
  axes: Axes,
  sizes: TextSizes,
  isBlocked: (point: Point) => boolean,
): string[] {
  const place = gridPlacer(x, y, axes);
  const traced = traceContours(
    positions,
    x.length,
    y.length,
    levels.map(({ position }) => position),
  );
  const lines = traced.map((level) => level.lines.map((line) => line.map(place)));
  const paths = lines.map((level, i) =>
    element('path', {
      d: level.map((line) => pathData(line)).join(''),
      stroke: isFilled ? undefined : colorAt(colorMap, levels[i]!.position),
    }),
  );
  // Where either is unknown, nothing is known of the cell.
  const known = drawn.values.map((value, k) => value + positions[k]!);
  const runs = findHiddenRuns(known, x.length, y.length);
  const isHidden = hiddenTest(runs, Array.from(x, axes.x), Array.from(y, axes.y), 6);
  const hatch = element('path', { d: hiddenPath(runs, place), fill: hatchFill, class: 'hidden-cells' });
  const labelled = lines.map((level, i) => ({ label: levels[i]!.label, lines: level }));
  return [
    group(
      {
        class: 'contours',
        fill: 'none',
        ...(isFilled
          ? { stroke: '#ffffff', 'stroke-opacity': 0.6, 'stroke-width': 0.9 }
          : { 'stroke-width': 1.3 }),
      },
      paths,
    ),
    runs.length === 0 ? '' : hatch,
    drawContourLabels(
      labelled,
      axes.box,
      sizes.note,
      (point) => isHidden(point) || isBlocked(point),
      isFilled,
    ),
  ];
}

function ends(grid: Float64Array, place: (value: number) => number): [number, number] {
  const [a, b] = [place(grid[0]!), place(grid.at(-1)!)];
  return [Math.min(a, b), Math.max(a, b)];
}

/** Maps index coordinates of the grid to the frame. */
function gridPlacer(x: Float64Array, y: Float64Array, axes: Axes): (point: Point) => Point {
  return ([i, j]) => [axes.x(coordinateAt(x, i)), axes.y(coordinateAt(y, j))];
}

/** Coloured cells, one a point; hatched where nothing can be drawn. */
function drawCells({ x, y, drawn, colors, colorMap }: ContourPanel, axes: Axes): string {
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
  return group(sharp, cells) + (hidden.length === 0 ? '' : hatch);
}
