import { createCamera, type Camera, type Vector } from '../../plot/camera.js';
import { drawColorBar } from '../../plot/color-scale.js';
import type { ContourLevel } from '../../plot/contour-lines.js';
import { axisLabel, shortAxisLabel } from '../../plot/describe.js';
import { drawingNotes } from '../../plot/field.js';
import { hatchPattern } from '../../plot/figure.js';
import { isShown, planeFrame } from '../../plot/plane-frame.js';
import { boxCorners, drawBackground, drawBoxAxes } from '../../plot/surface-box.js';
import { drawPins } from '../../plot/surface-pins.js';
import {
  drawFloorContours,
  drawHiddenFloor,
  layoutScene,
  traceScene,
  type SurfacePanel,
  type SurfaceScene,
} from '../../plot/surface-scene.js';
import { element, type Box } from '../../plot/svg.js';
import { fullSizes, panelSizes, theme } from '../../plot/theme.js';
import type { LossSurface } from '../../results.js';
import { prefixIds } from '../svg-ids.js';
import { CellPainter, thinned } from './cell-painter.js';
import { FrameBudget } from './frame-budget.js';
import { DrapedLines } from './drape.js';
import type { Settings } from './settings.js';
import type { ShownValues } from './values.js';
import type { ViewerView } from './view.js';

/** After the last movement, in ms. */
const restTime = 120;

/** The box in all directions round its axis: a fit to them keeps its size while it turns. */
const turnedCorners: readonly Vector[] = boxCorners.flatMap(([x, y, z]) =>
  Array.from({ length: 8 }, (_, n): Vector => {
    const angle = (n * Math.PI) / 16;
    return [x * Math.cos(angle) - y * Math.sin(angle), x * Math.sin(angle) + y * Math.cos(angle), z];
  }),
);

interface Layout {
  readonly panel: SurfacePanel;
  readonly scene: SurfaceScene;
  readonly contours: readonly ContourLevel[];
  readonly full: CellPainter;
  /** While it turns: of every `stride`-th point. */
  readonly moving: (stride: number) => CellPainter;
  readonly bar: string;
}

/** One surface in its stage: walls and labels as SVG below and above a canvas with the cells. */
export class SurfaceViewer {
  readonly canvas = document.createElement('canvas');
  readonly #behind: SVGSVGElement;
  readonly #ahead: SVGSVGElement;
  #layout: Layout | null = null;
  #settings: Settings | null = null;
  #size = { width: 0, height: 0 };
  #camera: Camera | null = null;
  #frame = 0;
  #rest = 0;
  #marked: number | null = null;
  readonly #budget = new FrameBudget();

  constructor(
    readonly stage: HTMLElement,
    readonly surface: LossSurface,
    private readonly index: number,
    private readonly viewOf: () => ViewerView,
  ) {
    this.#behind = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
    this.#ahead = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
    for (const layer of [this.#behind, this.canvas, this.#ahead]) {
      layer.setAttribute('aria-hidden', 'true');
      stage.append(layer);
    }
  }

  /** Shows values under the settings; null says that the surface has none of that name. Returns notes for the reader. */
  show(shown: ShownValues | null, range: { low: number; high: number }, settings: Settings): string[] {
    const { width, height } = this.stage.getBoundingClientRect();
    this.#size = { width, height };
    this.#settings = settings;
    const ratio = Math.min(window.devicePixelRatio, 2);
    this.canvas.width = Math.round(width * ratio);
    this.canvas.height = Math.round(height * ratio);
    for (const svg of [this.#behind, this.#ahead]) svg.setAttribute('viewBox', `0 0 ${width} ${height}`);
    this.#layout = shown === null ? null : this.#layoutOf(shown, range, settings);
    this.redraw(true);
    if (shown === null) return ['This surface has no values of that name.'];
    if (shown.drawn.isEmpty) return [`There is no ${shown.quantity.noun} to draw.`];
    return drawingNotes(shown.quantity.noun, [shown.drawn]);
  }

  /** Draws before the next frame; thinned out while it moves, unless the surface is small. */
  redraw(isAtRest = false): void {
    clearTimeout(this.#rest);
    const { x, y } = this.surface;
    const stride = isAtRest ? 1 : this.#budget.stride((x.length - 1) * (y.length - 1));
    if (stride > 1) this.#rest = window.setTimeout(() => this.redraw(true), restTime);
    cancelAnimationFrame(this.#frame);
    this.#frame = requestAnimationFrame(() => this.#paint(stride));
  }

  /** Index of the grid point seen at a place of the stage; null beside the surface. */
  pick(left: number, top: number): number | null {
    return this.#layout?.full.pick(left, top) ?? null;
  }

  /** Draws a ring around a point of the grid. */
  mark(point: number | null): void {
    this.#marked = point;
    this.redraw(true);
  }

  get marked(): number | null {
    return this.#marked;
  }

  /** The picture as an SVG document's content below and above the canvas, and what it measures. */
  layers(): { behind: string; ahead: string; width: number; height: number } {
    return { behind: this.#behind.innerHTML, ahead: this.#ahead.innerHTML, ...this.#size };
  }

  /** What is shown, for a drawing without the viewer; null where nothing is. */
  panel(): SurfacePanel | null {
    return this.#layout?.panel ?? null;
  }

  #layoutOf(
    { quantity, drawn }: ShownValues,
    range: { low: number; high: number },
    settings: Settings,
  ): Layout {
    const { surface } = this;
    const isNarrow = this.#size.width < 480;
    const label = isNarrow ? shortAxisLabel : axisLabel;
    const panel: SurfacePanel = {
      ...surface,
      ...quantity,
      frame: planeFrame([surface], [label('α', surface.axes[0]), label('β', surface.axes[1])]),
      drawn,
      range,
      colorMap: settings.colorMap,
      // The heights' axis tells the values too.
      hasBar: !isNarrow,
      view: this.viewOf(),
      sizes: isNarrow ? panelSizes : fullSizes,
    };
    const box: Box = { left: 6, top: 4, right: this.#size.width - 4, bottom: this.#size.height - 4 };
    const scene = layoutScene(box, panel);
    const contours = traceScene(scene);
    const drape = settings.drape ? new DrapedLines(contours, scene) : null;
    const full = new CellPainter(scene.field, settings.colorMap, drape);
    const painters = new Map<number, CellPainter>();
    const moving = (stride: number) => {
      const painter =
        painters.get(stride) ?? new CellPainter(thinned(scene.field, stride), settings.colorMap, null);
      painters.set(stride, painter);
      return painter;
    };
    const bar =
      drawn.isEmpty || isNarrow
        ? ''
        : drawColorBar(scene.barBox, scene.colors, settings.colorMap, panel.label, null, panel.sizes);
    return { panel, scene, contours, full, moving, bar };
  }

  #paint(stride: number): void {
    this.#budget.count(performance.now());
    const context = this.canvas.getContext('2d')!;
    const { width, height } = this.#size;
    context.setTransform(this.canvas.width / (width || 1), 0, 0, this.canvas.height / (height || 1), 0, 0);
    context.clearRect(0, 0, width, height);
    const [layout, settings] = [this.#layout, this.#settings];
    if (layout === null || settings === null) {
      this.#behind.innerHTML = this.#ahead.innerHTML = '';
      return;
    }
    const { scene, contours, panel, bar } = layout;
    const camera = (this.#camera = this.#cameraOf(scene.frameBox));
    const hatch = panel.drawn.numHidden > 0 ? hatchPattern : '';
    const floor = settings.floor ? drawFloorContours(contours, scene, panel.colorMap, camera) : '';
    this.#behind.innerHTML = prefixIds(
      hatch + drawBackground(scene.axes, camera) + floor + drawHiddenFloor(scene, camera),
      `v${this.index}-`,
    );
    (stride > 1 ? layout.moving(stride) : layout.full).paint(context, camera, settings.mesh);
    this.#ahead.innerHTML =
      bar + drawBoxAxes(scene.axes, camera, panel.sizes) + this.#pins(layout, camera) + this.#ring(layout);
    this.stage.dataset.frames = String(Number(this.stage.dataset.frames ?? 0) + 1);
  }

  #cameraOf({ left, right, top, bottom }: Box): Camera {
    const { azimuth, elevation, zoom } = this.viewOf();
    const [x, y] = [(left + right) / 2, (top + bottom) / 2];
    const [dx, dy] = [(zoom * (right - left)) / 2, (zoom * (bottom - top)) / 2];
    const box = { left: x - dx, right: x + dx, top: y - dy, bottom: y + dy };
    return createCamera(azimuth, elevation, turnedCorners, box);
  }

  #pins({ panel, scene }: Layout, camera: Camera): string {
    const shown = panel.solutions.filter(({ coordinates }) =>
      isShown([coordinates[0]!, coordinates[1]!], panel.frame),
    );
    const box = { left: 0, top: 0, right: this.#size.width, bottom: this.#size.height };
    return drawPins(shown, scene.field, scene.axes, camera, box, panel.sizes).content;
  }

  #ring({ scene: { field } }: Layout): string {
    const k = this.#marked;
    if (k === null || this.#camera === null) return '';
    const nx = field.x.length;
    // A point without a value is marked on the floor.
    const height = Number.isNaN(field.z[k]!) ? boxCorners[0]![2] : field.z[k]!;
    const [cx, cy] = this.#camera.project([field.x[k % nx]!, field.y[Math.floor(k / nx)]!, height]);
    const ring = { cx, cy, r: 5, fill: 'none', class: 'read-point' };
    return (
      element('circle', { ...ring, stroke: '#ffffff', 'stroke-width': 4 }) +
      element('circle', { ...ring, stroke: theme.mark, 'stroke-width': 2 })
    );
  }
}
