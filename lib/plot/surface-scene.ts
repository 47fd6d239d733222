import type { MarkedSolution } from '../results.js';
import type { AxisSpec } from './axes.js';
import type { Camera } from './camera.js';
import { colorAt, colorBarWidth, type ColorMap } from './color-scale.js';
import { coordinateAt, traceContours, type ContourLevel } from './contour-lines.js';
import type { DrawnValues } from './field.js';
import { hatchFill } from './figure.js';
import { findHiddenRuns, hiddenPath } from './hidden-cells.js';
import type { PlaneFrame } from './plane-frame.js';
import { halfHeight, type BoxAxes, type BoxAxis } from './surface-box.js';
import type { HeightField } from './surface-mesh.js';
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

/** What of a surface in its box does not change with the direction of the viewer. */
export interface SurfaceScene {
  readonly axes: BoxAxes;
  readonly colors: ValueScale;
  readonly field: HeightField;
  /** What labels and colour bar leave to the surface. */
  readonly frameBox: Box;
  /** Of the colour bar with its labels; of no width where there is none. */
  readonly barBox: Box;
}

/** Share of the height that the floor lies below the least value, so that the floor's contours can be seen. */
const floorGap = 0.07;

/** Scales, heights and rooms of a panel in `box`. */
export function layoutScene(box: Box, panel: SurfacePanel): SurfaceScene {
  const { x, y, drawn, sizes } = panel;
  const [low, high] = drawn.isEmpty ? [1, 10] : [panel.range.low, panel.range.high];
  const room = (box.bottom - box.top) * 0.16;
  const count = tickCount(box.bottom - box.top - 2 * room, 4.6 * sizes.tick);
  const colors = valueScale(drawn.kind, low, high, count);
  const barRoom = drawn.isEmpty || !panel.hasBar ? 0 : colorBarWidth(colors, sizes);
  const axes = boxAxes(panel, colors, box);
  return {
    axes,
    colors,
    field: {
      x: x.map(axes.x.at),
      y: y.map(axes.y.at),
      z: drawn.values.map(axes.z.at),
      shade: drawn.values.map(colors.position),
    },
    frameBox: cameraBox(box, barRoom, axes.z, sizes),
    barBox: { ...box, left: box.right - barRoom, top: box.top + room, bottom: box.bottom - room },
  };
}

/** The contours of a scene, in index coordinates; levels as colour positions 0 … 1. */
export function traceScene({ field, colors }: SurfaceScene): ContourLevel[] {
  const levels = valueScale(colors.kind, colors.low, colors.high, 14)
    .ticks.map(({ value }) => colors.position(value))
    .filter((position) => position > 1e-9 && position < 1 - 1e-9);
  return traceContours(field.shade, field.x.length, field.y.length, levels);
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

/** Hatches the floor below cells in which nothing is known. */
export function drawHiddenFloor({ field }: SurfaceScene, camera: Camera): string {
  const { x, y, z } = field;
  const runs = findHiddenRuns(z, x.length, y.length);
  if (runs.length === 0) return '';
  const place = ([i, j]: Point) => camera.project([x[i]!, y[j]!, -halfHeight]);
  return element('path', { d: hiddenPath(runs, place), fill: hatchFill, class: 'hidden-cells' });
}

/** Contours of `traceScene` on the floor. */
export function drawFloorContours(
  contours: readonly ContourLevel[],
  { field: { x, y } }: SurfaceScene,
  colorMap: ColorMap,
  camera: Camera,
): string {
  const onFloor = ([i, j]: Point) => camera.project([coordinateAt(x, i), coordinateAt(y, j), -halfHeight]);
  const paths = contours.map(({ level, lines }) => {
    const data = lines.map((line) => pathData(line.map(onFloor)));
    return element('path', { d: data.join(''), stroke: colorAt(colorMap, level) });
  });
  return group({ class: 'floor-contours', fill: 'none', 'stroke-width': 1.1 }, paths);
}
