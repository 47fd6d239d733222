import type { MarkedSolution } from '../results.js';
import type { AxisSpec } from './axes.js';
import { createCamera, type Camera } from './camera.js';
import { colorAt, colorBarWidth, drawColorBar, type ColorMap } from './color-scale.js';
import { coordinateAt, traceContours } from './contour-lines.js';
import type { DrawnValues } from './field.js';
import { emptyMessage, hatchFill } from './figure.js';
import { findHiddenRuns, hiddenPath } from './hidden-cells.js';
import { isShown, outsideNotes, type PlaneFrame } from './plane-frame.js';
import {
  boxCorners,
  drawBackground,
  drawBoxAxes,
  halfHeight,
  type BoxAxes,
  type BoxAxis,
} from './surface-box.js';
import { drawMesh, meshAttributes } from './surface-mesh.js';
import { drawPins } from './surface-pins.js';
import { element, group, pathData, type Box, type Point } from './svg.js';
import type { TextSizes } from './theme.js';
import { valueScale, type ValueScale } from './value-scale.js';

/** Direction of the viewer, degrees. */
export interface View {
  readonly azimuth: number;
  readonly elevation: number;
}

export interface SurfacePanel {
  readonly x: Float64Array;
  readonly y: Float64Array;
  readonly frame: PlaneFrame;
  readonly noun: string;
  /** Of the height axis. */
  readonly label: string;
  readonly drawn: DrawnValues;
  /** Heights and colours run over it; may reach beyond the range of `drawn`, for panels that share it. */
  readonly range: { readonly low: number; readonly high: number };
  readonly colorMap: ColorMap;
  readonly hasBar: boolean;
  readonly solutions: readonly MarkedSolution[];
  readonly view: View;
  readonly sizes: TextSizes;
}

export interface DrawnSurface {
  readonly content: readonly string[];
  /** What labels and colour bar leave to the surface. */
  readonly frameBox: Box;
  readonly numHiddenSolutions: number;
}

/** Share of the height that the floor lies below the least value, so that the floor's contours can be seen. */
const floorGap = 0.07;

/** A surface in its box with mesh, contours on the floor, pins at the solutions and colour bar, in `box`. */
export function drawSurfacePanel(box: Box, panel: SurfacePanel): DrawnSurface {
  const { x, y, drawn, frame, colorMap, view, sizes } = panel;
  const [low, high] = drawn.isEmpty ? [1, 10] : [panel.range.low, panel.range.high];
  const room = (box.bottom - box.top) * 0.16;
  const colors = valueScale(
    drawn.kind,
    low,
    high,
    tickCount(box.bottom - box.top - 2 * room, 4.6 * sizes.tick),
  );
  const barRoom = drawn.isEmpty || !panel.hasBar ? 0 : colorBarWidth(colors, sizes);
  const axes = boxAxes(panel, colors, box);
  const frameBox = cameraBox(box, barRoom, axes.z, sizes);
  const camera = createCamera(view.azimuth, view.elevation, boxCorners, frameBox);
  const hiddenFloor = drawHiddenFloor(panel, axes, camera);
  const background = drawBackground(axes, camera);
  const boxLines = drawBoxAxes(axes, camera, sizes);
  if (drawn.isEmpty) {
    const message = emptyMessage(`no ${panel.noun} to draw`, box);
    return { content: [background, hiddenFloor, message, boxLines], frameBox, numHiddenSolutions: 0 };
  }
  const shade = drawn.values.map(colors.position);
  const field = { x: x.map(axes.x.at), y: y.map(axes.y.at), z: drawn.values.map(axes.z.at), shade };
  const shown = panel.solutions.filter(({ coordinates }) =>
    isShown([coordinates[0]!, coordinates[1]!], frame),
  );
  const pins = drawPins(shown, field, axes, camera, box, sizes);
  const bar = { ...box, left: box.right - barRoom, top: box.top + room, bottom: box.bottom - room };
  return {
    content: [
      background,
      // The hatches cover the contours of cells in which nothing is known.
      drawFloorContours(panel, shade, colors, axes, camera),
      hiddenFloor,
      group(meshAttributes, drawMesh(field, camera, colorMap)),
      panel.hasBar ? drawColorBar(bar, colors, colorMap, panel.label, null, sizes) : '',
      boxLines,
      pins.content,
    ],
    frameBox,
    numHiddenSolutions: pins.numHidden,
  };
}

/** Which solutions of all panels together cannot be seen, and why. */
export function pinNotes(
  panels: readonly Pick<SurfacePanel, 'solutions' | 'frame'>[],
  numHidden: number,
): string[] {
  const all = panels.flatMap(({ solutions, frame }) =>
    solutions.map(({ coordinates }) => isShown([coordinates[0]!, coordinates[1]!], frame)),
  );
  const hidden = numHidden === 0 ? [] : [`${numHidden} of ${all.length} solutions hidden by the surface`];
  return [...outsideNotes('solutions', all.filter((isInside) => !isInside).length, all.length), ...hidden];
}

function tickCount(length: number, spacing: number): number {
  return Math.max(2, Math.min(7, Math.round(length / spacing)));
}

function boxAxes({ frame, drawn, label, sizes }: SurfacePanel, colors: ValueScale, box: Box): BoxAxes {
  // An edge of the floor takes about two fifths of the width, the height axis a third of the height.
  const numBaseTicks = tickCount((box.right - box.left) * 0.4, 4.6 * sizes.tick);
  const numHeightTicks = tickCount((box.bottom - box.top) / 3, 2.3 * sizes.tick);
  const base = ({ from, to, label: name }: AxisSpec): BoxAxis => {
    const scale = valueScale('linear', Math.min(from, to), Math.max(from, to), numBaseTicks);
    return { scale, at: (value) => 2 * scale.position(value) - 1, label: name };
  };
  const least = drawn.kind === 'log' ? Number.MIN_VALUE : -Number.MAX_VALUE;
  const bottom = Math.max(colors.value(-floorGap), least);
  const scale = valueScale(drawn.kind, bottom, colors.high, numHeightTicks);
  return {
    x: base(frame.x),
    y: base(frame.y),
    // No heights, no numbers on their axis.
    z: {
      scale: drawn.isEmpty ? { ...scale, ticks: [] } : scale,
      at: (value) => halfHeight * (2 * scale.position(value) - 1),
      label,
    },
  };
}

/** Leaves room for tick labels and labels around the box. */
function cameraBox({ left, top, right, bottom }: Box, barRoom: number, z: BoxAxis, { tick }: TextSizes): Box {
  const longest = Math.max(0, ...z.scale.ticks.map(({ label }) => label.length));
  return {
    left: left + (3.3 + longest / 2) * tick,
    top: top + 4,
    right: right - barRoom - 3.7 * tick,
    bottom: bottom - 3.3 * tick,
  };
}

function drawHiddenFloor({ x, y, drawn }: SurfacePanel, axes: BoxAxes, camera: Camera): string {
  const runs = findHiddenRuns(drawn.values, x.length, y.length);
  if (runs.length === 0) return '';
  const place = ([i, j]: Point) => camera.project([axes.x.at(x[i]!), axes.y.at(y[j]!), -halfHeight]);
  return element('path', { d: hiddenPath(runs, place), fill: hatchFill, class: 'hidden-cells' });
}

function drawFloorContours(
  { x, y, colorMap }: SurfacePanel,
  shade: Float64Array,
  colors: ValueScale,
  axes: BoxAxes,
  camera: Camera,
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
