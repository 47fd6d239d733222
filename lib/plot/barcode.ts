import type { SurfaceTopology } from '../results.js';
import { checkOptions, isInteger } from '../validate.js';
import { layoutAxes } from './axes.js';
import { paragraph } from './describe.js';
import { isScaleKind } from './field.js';
import { clipTo, emptyMessage, layoutFigure } from './figure.js';
import { formatNumber } from './number-format.js';
import { figureChecks, type FigureOptions } from './options.js';
import { element, group, num, text } from './svg.js';
import { theme } from './theme.js';
import type { ScaleKind } from './value-scale.js';

export interface BarcodeOptions extends FigureOptions {
  /** Of the loss (default 'linear'). */
  readonly scale?: ScaleKind | undefined;
  /** Bars of each kind that are drawn, the most persistent ones (default 40). */
  readonly maxBars?: number | undefined;
}

const name = 'drawBarcode';
/** Between two bars. */
const widestStep = 24;

interface Bar {
  readonly birth: number;
  readonly death: number;
}

/**
 * The persistence barcode of a surface as SVG: a bar from the loss at which a minimum or a loop appears to that at which it
 * merges or is filled; an arrow where it never does. Default 720 wide, as high as needed. Throws ERR_INVALID_OPTION.
 */
export function drawBarcode(topology: SurfaceTopology, options: BarcodeOptions = {}): string {
  checkOptions(name, options, { ...figureChecks, scale: isScaleKind, maxBars: isInteger(1, 1000) });
  const { width = 720, title = 'Persistence of minima and loops' } = options;
  const { scale = topology.low > 0 && topology.high > 100 * topology.low ? 'log' : 'linear', maxBars = 40 } =
    options;
  const minima = longest(
    topology.branches.map(({ loss, saddleLoss }) => ({ birth: loss, death: saddleLoss })),
    maxBars,
  );
  const loops = longest(topology.loops, maxBars);
  const numHidden = topology.branches.length + topology.loops.length - minima.length - loops.length;
  const { caption = barcodeCaption(topology) } = options;
  const notes = numHidden === 0 ? [] : [`${numHidden} shorter bars are not drawn.`];
  const bars = [...minima, ...loops];
  const { height = Math.min(620, 170 + widestStep * Math.max(3, bars.length)) } = options;
  const figure = layoutFigure({ width, height, title, caption, notes });
  const isLog = scale === 'log';
  const floor = isLog
    ? Math.min(...bars.map(({ birth }) => birth).filter((b) => b > 0), topology.high)
    : topology.low;
  const top = topology.high > floor ? topology.high : floor + Math.max(1, Math.abs(floor));
  // Room for the arrows.
  const to = isLog ? top * (top / floor) ** 0.06 : top + 0.06 * (top - floor);
  const axes = layoutAxes(figure.box, {
    x: { kind: scale, from: floor, to, label: 'loss' },
    y: { from: 0, to: 1, label: '', hasTicks: false },
  });
  const { box } = axes;
  const step = Math.min(widestStep, (box.bottom - box.top - 34) / Math.max(1, bars.length));
  const drawn = bars.map(({ birth, death }, i) => {
    const isLoop = i >= minima.length;
    const y = box.top + 28 + (i + 0.5) * step;
    const color = isLoop ? theme.secondary : theme.primary;
    const from = axes.x(Math.max(birth, floor));
    const isOpen = !Number.isFinite(death);
    const end = isOpen ? box.right - 4 : Math.max(axes.x(death), from + 1);
    const stroke = { stroke: color, 'stroke-width': num(Math.max(1.5, Math.min(7, 0.6 * step))) };
    const line = element('line', {
      x1: num(from),
      y1: num(y),
      x2: num(isOpen ? end - 6 : end),
      y2: num(y),
      ...stroke,
    });
    const arrow = element('path', {
      d: `M${num(end - 8)} ${num(y - 5)}L${num(end)} ${num(y)}L${num(end - 8)} ${num(y + 5)}Z`,
      fill: color,
    });
    return isOpen ? line + arrow : line;
  });
  const legend = group({ 'font-size': num(theme.tickSize) }, [
    text(`${minima.length} minima`, [box.left + 10, box.top + 17], { fill: theme.primary }),
    text(`${loops.length} loops`, [box.left + 130, box.top + 17], { fill: theme.secondary }),
  ]);
  const content = bars.length === 0 ? [emptyMessage('nothing that persistent', box)] : drawn;
  return figure.finish([axes.below, clipTo(box, content), legend, axes.above]);
}

function barcodeCaption({
  branches,
  loops,
  numMinima,
  numLoops,
  smad,
  minPersistence,
  numNotFinite,
}: SurfaceTopology): string {
  return paragraph([
    `${branches.length} of ${counted(numMinima, 'minimum', 'minima')}`,
    `${loops.length} of ${counted(numLoops, 'loop', 'loops')}`,
    ...(branches.every(({ saddleLoss }) => saddleLoss === Infinity)
      ? []
      : [`saddle–minimum average distance ${formatNumber(smad, 3)}`]),
    ...(minPersistence === 0 ? [] : [`persistence ≥ ${formatNumber(minPersistence, 2)}`]),
    ...(numNotFinite === 0 ? [] : [`${numNotFinite} points not finite`]),
  ]);
}

function counted(count: number, one: string, many: string): string {
  return `${count} ${count === 1 ? one : many}`;
}

/** In the order of their births. */
function longest(bars: readonly Bar[], count: number): Bar[] {
  return [...bars]
    .sort((a, b) => b.death - b.birth - (a.death - a.birth) || a.birth - b.birth)
    .slice(0, count)
    .sort((a, b) => a.birth - b.birth);
}
