import type { LossSurface } from '../results.js';
import { checkOptions, isNumber } from '../validate.js';
import { createCamera, type Camera } from './camera.js';
import { colorAt, colorBarWidth, isColorMap, drawColorBar, type ColorMap } from './color-scale.js';
import { coordinateAt, traceContours } from './contour-lines.js';
import { axisLabel, defaultCaption, defaultTitle } from './describe.js';
import {
  checkSurface,
  drawingScaleChecks,
  drawnValues,
  type DrawingScale,
  type DrawnValues,
} from './field.js';
import { emptyMessage, hatchFill, hatchPattern, layoutFigure } from './figure.js';
import { findHiddenRuns, hiddenPath } from './hidden-cells.js';
import { figureChecks, type FigureOptions } from './options.js';
import {
  boxCorners,
  drawBackground,
  drawBoxAxes,
  halfHeight,
  type BoxAxes,
  type BoxAxis,
} from './surface-box.js';
import { drawMesh, meshAttributes } from './surface-mesh.js';
import { element, group, pathData, type Box, type Point } from './svg.js';
import { valueScale, type ValueScale } from './value-scale.js';

export interface SurfaceOptions extends FigureOptions, DrawingScale {
  /** Direction of the viewer around the vertical, degrees (default −55). */
  readonly azimuth?: number | undefined;
  /** Height of the viewer, 5 to 85 degrees (default 32). */
  readonly elevation?: number | undefined;
  /** Default 'viridis'. */
  readonly colorMap?: ColorMap | undefined;
}

const name = 'drawSurface';
const checks = {
  ...figureChecks,
  ...drawingScaleChecks,
  azimuth: isNumber(),
  elevation: isNumber(5, 85),
  colorMap: isColorMap,
};

/** Share of the height that the floor lies below the least loss, so that the floor's contours can be seen. */
const floorGap = 0.07;

/**
 * A loss surface in perspective with mesh, contours on the floor and colour bar, as SVG. Default 760 × 600, linear scale;
 * title and caption come from the provenance. Points without a drawable loss leave holes above hatched floor.
 * Throws ERR_INVALID_OPTION, ERR_INVALID_DATA.
 */
export function drawSurface(surface: LossSurface, options: SurfaceOptions = {}): string {
  checkOptions(name, options, checks);
  const { width = 760, height = 600, azimuth = -55, elevation = 32, colorMap = 'viridis' } = options;
  checkSurface(name, surface);
  const drawn = drawnValues(name, surface.loss, options);
  const { title = defaultTitle(surface.provenance), caption = defaultCaption(surface) } = options;
  const figure = layoutFigure({ width, height, title, caption, notes: drawn.notes });
  const [low, high] = drawn.isEmpty ? [1, 10] : [drawn.low, drawn.high];
  const { top, bottom } = figure.box;
  const room = (bottom - top) * 0.16;
  const colors = valueScale(drawn.kind, low, high, tickCount(bottom - top - 2 * room, 55));
  const barRoom = drawn.isEmpty ? 0 : colorBarWidth(colors);
  const axes = boxAxes(surface, drawn, colors, figure.box);
  const camera = createCamera(azimuth, elevation, boxCorners, cameraBox(figure.box, barRoom, axes.z));
  const content: string[] = [];
  if (drawn.numHidden > 0) content.push(hatchPattern);
  content.push(drawBackground(axes, camera));
  const hiddenFloor = drawHiddenFloor(surface, drawn, axes, camera);
  if (drawn.isEmpty) content.push(hiddenFloor, emptyMessage('no loss to draw', figure.box));
  else {
    const shade = drawn.values.map(colors.position);
    // The hatches cover the contours of cells in which nothing is known.
    content.push(drawFloorContours(surface, shade, colors, axes, camera, colorMap), hiddenFloor);
    const field = {
      x: surface.x.map(axes.x.at),
      y: surface.y.map(axes.y.at),
      z: drawn.values.map(axes.z.at),
      shade,
    };
    content.push(group(meshAttributes, drawMesh(field, camera, colorMap)));
    const bar = {
      ...figure.box,
      left: figure.box.right - barRoom,
      top: top + room,
      bottom: bottom - room,
    };
    content.push(drawColorBar(bar, colors, colorMap, 'loss'));
  }
  content.push(drawBoxAxes(axes, camera));
  return figure.finish(content);
}

function tickCount(length: number, spacing: number): number {
  return Math.max(2, Math.min(7, Math.round(length / spacing)));
}

function boxAxes(surface: LossSurface, drawn: DrawnValues, colors: ValueScale, box: Box): BoxAxes {
  // An edge of the floor takes about two fifths of the width, the height axis a third of the height.
  const numBaseTicks = tickCount((box.right - box.left) * 0.4, 55);
  const numHeightTicks = tickCount((box.bottom - box.top) / 3, 28);
  const base = (coordinates: Float64Array, label: string): BoxAxis => {
    const [from, to] = [coordinates[0]!, coordinates.at(-1)!];
    const scale = valueScale('linear', Math.min(from, to), Math.max(from, to), numBaseTicks);
    return { scale, at: (value) => 2 * scale.position(value) - 1, label };
  };
  const least = drawn.kind === 'log' ? Number.MIN_VALUE : -Number.MAX_VALUE;
  const bottom = Math.max(colors.value(-floorGap), least);
  const scale = valueScale(drawn.kind, bottom, colors.high, numHeightTicks);
  return {
    x: base(surface.x, axisLabel('α', surface.axes[0])),
    y: base(surface.y, axisLabel('β', surface.axes[1])),
    // No heights, no numbers on their axis.
    z: {
      scale: drawn.isEmpty ? { ...scale, ticks: [] } : scale,
      at: (value) => halfHeight * (2 * scale.position(value) - 1),
      label: 'loss',
    },
  };
}

/** Leaves room for tick labels and labels around the box. */
function cameraBox({ left, top, right, bottom }: Box, barRoom: number, z: BoxAxis): Box {
  const longest = Math.max(0, ...z.scale.ticks.map((tick) => tick.label.length));
  return { left: left + 40 + longest * 6, top: top + 4, right: right - barRoom - 44, bottom: bottom - 40 };
}

function drawHiddenFloor({ x, y }: LossSurface, drawn: DrawnValues, axes: BoxAxes, camera: Camera): string {
  const runs = findHiddenRuns(drawn.values, x.length, y.length);
  if (runs.length === 0) return '';
  const place = ([i, j]: Point) => camera.project([axes.x.at(x[i]!), axes.y.at(y[j]!), -halfHeight]);
  return element('path', { d: hiddenPath(runs, place), fill: hatchFill, class: 'hidden-cells' });
}

function drawFloorContours(
  { x, y }: LossSurface,
  shade: Float64Array,
  colors: ValueScale,
  axes: BoxAxes,
  camera: Camera,
  colorMap: ColorMap,
): string {
  const levels = valueScale(colors.kind, colors.low, colors.high, 14)
    .ticks.map(({ value }) => colors.position(value))
    .filter((position) => position > 1e-9 && position < 1 - 1e-9);
  const paths = traceContours(shade, x.length, y.length, levels).map(({ level, lines }) => {
    const data = lines.map((line) =>
      pathData(
        line.map(([i, j]) =>
          camera.project([axes.x.at(coordinateAt(x, i)), axes.y.at(coordinateAt(y, j)), -halfHeight]),
        ),
      ),
    );
    return element('path', { d: data.join(''), stroke: colorAt(colorMap, level) });
  });
  return group({ class: 'floor-contours', fill: 'none', 'stroke-width': 1.1 }, paths);
}
