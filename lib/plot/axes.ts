import { element, group, num, rectangle, rotatedText, segment, text, type Box, type Point } from './svg.js';
import { fitText, textWidth } from './text.js';
import { fullSizes, theme, type TextSizes } from './theme.js';
import { scaleLabel, valueScale, type ScaleKind, type Tick, type ValueScale } from './value-scale.js';

export interface AxisSpec {
  readonly kind?: ScaleKind;
  /** Values at the two ends, in reading order: `from` may be the larger one. */
  readonly from: number;
  readonly to: number;
  readonly label: string;
  /** Colour of ticks and label (default that of the theme). */
  readonly color?: string;
  /** False where there are no values and so no numbers (default true). */
  readonly hasTicks?: boolean;
  /** Of what is counted: no ticks between whole numbers (default false). */
  readonly isWhole?: boolean;
}

export interface AxesSpec {
  readonly x: AxisSpec;
  readonly y: AxisSpec;
  /** A second vertical axis on the right side. */
  readonly right?: AxisSpec | undefined;
  /** Width / height of the frame (default: what is there). */
  readonly aspect?: number;
  /** Grid lines at the ticks of x and y (default true). */
  readonly grid?: boolean;
  /** Default those of a figure of its own. */
  readonly sizes?: TextSizes;
}

/** A laid-out frame: maps values to SVG coordinates and holds what is drawn below and above the data. */
export interface Axes {
  readonly box: Box;
  readonly x: (value: number) => number;
  readonly y: (value: number) => number;
  readonly right: (value: number) => number;
  readonly below: string;
  readonly above: string;
}

interface Side {
  readonly spec: AxisSpec;
  readonly scale: ValueScale;
  readonly ticks: readonly Tick[];
  readonly sizes: TextSizes;
}

const tickLength = 5;
const minorLength = 3;

function labelRoom(sizes: TextSizes): number {
  return sizes.label + 11;
}

/** Lays out a 2-D frame with ticks and labels in `outer`. */
export function layoutAxes(outer: Box, spec: AxesSpec): Axes {
  const { sizes = fullSizes } = spec;
  const bottomRoom = tickLength + sizes.tick + 6 + (spec.x.label === '' ? 0 : labelRoom(sizes));
  const top = outer.top + sizes.tick / 2;
  const height = outer.bottom - bottomRoom - top;
  const y = layoutSide(spec.y, height / (3.3 * sizes.tick), sizes);
  const right = spec.right === undefined ? null : layoutSide(spec.right, height / (3.3 * sizes.tick), sizes);
  const leftRoom = sideRoom(y);
  const available = outer.right - outer.left - leftRoom - (right === null ? 0 : sideRoom(right));
  const draft = Math.min(available, height * (spec.aspect ?? Infinity));
  const x = thinOut(layoutSide(spec.x, draft / (6.25 * sizes.tick), sizes), draft);
  // The last label of x stands half outside.
  const overhang = textWidth(x.ticks.at(-1)?.label ?? '', sizes.tick) / 2;
  const rightRoom = Math.max(right === null ? 0 : sideRoom(right), overhang);
  const full: Box = {
    left: outer.left + leftRoom,
    top,
    right: outer.right - rightRoom,
    bottom: outer.bottom - bottomRoom,
  };
  const box = spec.aspect === undefined ? full : shrink(full, spec.aspect);
  const at = (side: Side, start: number, end: number) => {
    const [from, to] = side.spec.from <= side.spec.to ? [start, end] : [end, start];
    return (value: number) => from + side.scale.position(value) * (to - from);
  };
  const axes = {
    box,
    x: at(x, box.left, box.right),
    y: at(y, box.bottom, box.top),
    right: at(right ?? y, box.bottom, box.top),
  };
  const grid = [
    ...x.ticks.map(({ value }) => segment([axes.x(value), box.top], [axes.x(value), box.bottom])),
    ...y.ticks.map(({ value }) => segment([box.left, axes.y(value)], [box.right, axes.y(value)])),
  ];
  const gridLines = element('path', { d: grid.join(''), stroke: theme.grid, fill: 'none', class: 'grid' });
  return {
    ...axes,
    below: spec.grid === false ? '' : gridLines,
    above: group({}, [
      rectangle(box, { fill: 'none', stroke: theme.axis, class: 'frame' }),
      drawBottom(x, axes.x, box),
      drawUpright(y, axes.y, box, 'left'),
      right === null ? '' : drawUpright(right, axes.right, box, 'right'),
    ]),
  };
}

function layoutSide(spec: AxisSpec, count: number, sizes: TextSizes): Side {
  const low = Math.min(spec.from, spec.to);
  const high = Math.max(spec.from, spec.to);
  const most = Math.max(2, Math.min(12, Math.round(count)));
  // d3's steps are 1, 2 or 5 times a power of ten: from 1 on all are whole.
  const wanted = spec.isWhole === true ? Math.max(1, Math.min(most, Math.floor(high - low))) : most;
  const scale = valueScale(spec.kind ?? 'linear', low, high, wanted);
  if (spec.hasTicks === false) return { spec, scale: { ...scale, minor: [] }, ticks: [], sizes };
  return { spec, scale, ticks: scale.ticks, sizes };
}

function sideRoom({ spec, ticks, sizes }: Side): number {
  const widest = Math.max(0, ...ticks.map((tick) => textWidth(tick.label, sizes.tick)));
  return tickLength + 4 + widest + (spec.label === '' ? 4 : labelRoom(sizes));
}

/** Leaves out every second label until they stand apart. */
function thinOut(side: Side, width: number): Side {
  let { ticks } = side;
  const needed = () => ticks.reduce((sum, tick) => sum + textWidth(tick.label, side.sizes.tick) + 10, 0);
  while (ticks.length > 2 && needed() > width) ticks = ticks.filter((_, i) => i % 2 === 0);
  return { ...side, ticks };
}

function shrink({ left, top, right, bottom }: Box, aspect: number): Box {
  const width = Math.min(right - left, (bottom - top) * aspect);
  const height = width / aspect;
  const x = (left + right - width) / 2;
  return { left: x, top, right: x + width, bottom: top + height };
}

function drawBottom({ spec, scale, ticks, sizes }: Side, at: (value: number) => number, box: Box): string {
  const stroke = spec.color ?? theme.axis;
  const fill = spec.color;
  const marks = (values: readonly number[], length: number) =>
    values.map((value) => `M${num(at(value))},${num(box.bottom)}v${length}`).join('');
  const label = fitText(scaleLabel(spec.label, scale), box.right - box.left, sizes.label, theme.minSize);
  const labels = ticks.map((tick) => {
    const point: Point = [at(tick.value), box.bottom + tickLength + sizes.tick + 1];
    return text(tick.label, point, { 'text-anchor': 'middle' });
  });
  const y = box.bottom + tickLength + sizes.tick + labelRoom(sizes);
  return group({ class: 'axis-x', fill, 'font-size': sizes.tick }, [
    element('path', {
      d:
        marks(
          ticks.map(({ value }) => value),
          tickLength,
        ) + marks(scale.minor, minorLength),
      stroke,
    }),
    ...labels,
    text(label.text, [(box.left + box.right) / 2, y], { 'text-anchor': 'middle', 'font-size': label.size }),
  ]);
}

function drawUpright(side: Side, at: (value: number) => number, box: Box, place: 'left' | 'right'): string {
  const { spec, scale, ticks, sizes } = side;
  const isLeft = place === 'left';
  const sign = isLeft ? -1 : 1;
  const x = isLeft ? box.left : box.right;
  const marks = (values: readonly number[], length: number) =>
    values.map((value) => `M${num(x)},${num(at(value))}h${sign * length}`).join('');
  const label = fitText(scaleLabel(spec.label, scale), box.bottom - box.top, sizes.label, theme.minSize);
  const labels = ticks.map((tick) => {
    const point: Point = [x + sign * (tickLength + 3), at(tick.value) + sizes.tick * 0.36];
    return text(tick.label, point, { 'text-anchor': isLeft ? 'end' : 'start' });
  });
  const middle: Point = [
    x + sign * (sideRoom(side) - (isLeft ? sizes.label - 3 : 4)),
    (box.top + box.bottom) / 2,
  ];
  return group({ class: `axis-${isLeft ? 'y' : 'right'}`, fill: spec.color, 'font-size': sizes.tick }, [
    element('path', {
      d:
        marks(
          ticks.map(({ value }) => value),
          tickLength,
        ) + marks(scale.minor, minorLength),
      stroke: spec.color ?? theme.axis,
    }),
    ...labels,
    rotatedText(label.text, middle, -90, { 'font-size': label.size }),
  ]);
}
