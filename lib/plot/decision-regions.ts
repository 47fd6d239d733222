import { LossAtlasError } from '../errors.js';
import type { DecisionRegions } from '../results.js';
import { checkOptions, isBoolean } from '../validate.js';
import { layoutAxes, type Axes } from './axes.js';
import { paragraph, defaultTitle, provenanceFacts } from './describe.js';
import { checkSurface } from './field.js';
import { clipTo, hatchFill, hatchPattern, layoutFigure } from './figure.js';
import { formatNumber } from './number-format.js';
import { figureChecks, type FigureOptions } from './options.js';
import { cellEdges, isShown, outsideNotes, planeFrame, type PlaneFrame } from './plane-frame.js';
import { element, group, num, rectanglePath, text } from './svg.js';
import { fitText, textWidth } from './text.js';
import { theme } from './theme.js';

export interface DecisionRegionsFigureOptions extends FigureOptions {
  /** The samples on top (default true). */
  readonly samples?: boolean | undefined;
}

const name = 'drawDecisionRegions';

/** Told apart by all eyes (Okabe and Ito 2008). */
const classColors = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9', '#8a8a00', '#5b5b66'];
/** Steps in which a colour fades where the model is less sure. */
const numShades = 8;
const legendHeight = 24;

/**
 * The answers of a classifier over its two inputs, as SVG: the colour is the class, paler where the model is less sure,
 * with the samples in the colour of their label; those that it gets wrong are crossed. Default 640 × 600. Cells without a
 * finite answer are hatched. Throws ERR_INVALID_OPTION, ERR_INVALID_DATA for more than eight classes.
 */
export function drawDecisionRegions(
  regions: DecisionRegions,
  options: DecisionRegionsFigureOptions = {},
): string {
  checkOptions(name, options, { ...figureChecks, samples: isBoolean });
  const { classNames, samples, numSamples, numWrong, accuracy, loss, provenance } = regions;
  checkSurface(name, regions, 'class', regions.predicted);
  if (classNames.length > classColors.length) {
    const problem = `${classNames.length} classes cannot be told apart by colour; at most ${classColors.length} can`;
    throw new LossAtlasError('ERR_INVALID_DATA', `${name}: ${problem}.`);
  }
  const { width = 640, height = 600, title = defaultTitle(provenance), samples: areDrawn = true } = options;
  const {
    caption = paragraph([
      `accuracy ${formatNumber(100 * accuracy, 4)} %`,
      `loss ${formatNumber(loss, 3)}`,
      ...provenanceFacts(provenance),
    ]),
  } = options;
  const frame = planeFrame([regions], [regions.labels[0]!, regions.labels[1]!], true);
  const places = Array.from(samples.x, (x, i) => [x, samples.y[i]!] as const);
  const numOutside = places.filter((place) => !isShown(place, frame)).length;
  const notes = [
    ...(areDrawn ? outsideNotes('samples', numOutside, places.length) : []),
    ...(areDrawn && places.length < numSamples
      ? [`${places.length} of ${numSamples} samples are drawn`]
      : []),
  ];
  const figure = layoutFigure({ width, height, title, caption, notes });
  const axes = layoutAxes({ ...figure.box, top: figure.box.top + legendHeight }, { ...frame, grid: false });
  const edges = edgesOn(regions, axes);
  return figure.finish([
    regions.numNotFinite > 0 ? hatchPattern : '',
    clipTo(axes.box, [
      drawCells(regions, edges),
      drawBoundary(regions, edges),
      areDrawn ? drawSamples(regions, axes, frame) : '',
    ]),
    drawLegend(classNames, areDrawn && numWrong > 0 ? `${numWrong} wrong` : null, axes, figure.box.top),
    axes.above,
  ]);
}

interface Edges {
  readonly x: Float64Array;
  readonly y: Float64Array;
}

function edgesOn({ x, y }: DecisionRegions, axes: Axes): Edges {
  return { x: cellEdges(x).map(axes.x), y: cellEdges(y).map(axes.y) };
}

/** Runs of one shade as rectangles, one path a shade. */
function drawCells({ x, y, predicted, confidence, classNames }: DecisionRegions, edges: Edges): string {
  const paths = new Map<number, string[]>();
  const shadeOf = (cell: number) => {
    const c = predicted[cell]!;
    if (Number.isNaN(c)) return -1;
    const least = 1 / classNames.length;
    const sureness = Math.max(0, Math.min(1, (confidence[cell]! - least) / (1 - least)));
    return c * numShades + Math.min(numShades - 1, Math.floor(sureness * numShades));
  };
  for (let i = 0; i < y.length; i++) {
    let start = 0;
    for (let j = 1; j <= x.length; j++) {
      const shade = shadeOf(i * x.length + start);
      if (j < x.length && shadeOf(i * x.length + j) === shade) continue;
      const box = { left: edges.x[start]!, right: edges.x[j]!, top: edges.y[i + 1]!, bottom: edges.y[i]! };
      const boxes = paths.get(shade);
      if (boxes === undefined) paths.set(shade, [rectanglePath(box)]);
      else boxes.push(rectanglePath(box));
      start = j;
    }
  }
  const shapes = [...paths].map(([shade, boxes]) => {
    const d = boxes.join('');
    if (shade < 0) return element('path', { d, fill: hatchFill, class: 'hidden-cells' });
    const opacity = 0.12 + (0.42 * (shade % numShades)) / (numShades - 1);
    return element('path', {
      d,
      fill: classColors[Math.floor(shade / numShades)],
      'fill-opacity': opacity,
    });
  });
  return group({ class: 'regions', 'shape-rendering': 'crispEdges' }, shapes);
}

/** Where the class changes, along the edges of cells. */
function drawBoundary({ x, y, predicted }: DecisionRegions, edges: Edges): string {
  const parts: string[] = [];
  const differ = (a: number, b: number) =>
    predicted[a] !== predicted[b] && !Number.isNaN(predicted[a]! + predicted[b]!);
  for (let i = 0; i < y.length; i++) {
    for (let j = 0; j < x.length; j++) {
      const cell = i * x.length + j;
      if (j + 1 < x.length && differ(cell, cell + 1))
        parts.push(`M${num(edges.x[j + 1]!)},${num(edges.y[i]!)}V${num(edges.y[i + 1]!)}`);
      if (i + 1 < y.length && differ(cell, cell + x.length))
        parts.push(`M${num(edges.x[j]!)},${num(edges.y[i + 1]!)}H${num(edges.x[j + 1]!)}`);
    }
  }
  const stroke = { stroke: theme.axis, 'stroke-width': 1.1, 'stroke-linecap': 'square' };
  return parts.length === 0
    ? ''
    : element('path', { d: parts.join(''), fill: 'none', ...stroke, class: 'boundary' });
}

function drawSamples({ samples }: DecisionRegions, axes: Axes, frame: PlaneFrame): string {
  const { x, y, label, predicted } = samples;
  const radius = x.length > 500 ? 2.2 : 3.2;
  const dots: string[] = [];
  const crosses: string[] = [];
  for (let i = 0; i < x.length; i++) {
    if (!isShown([x[i]!, y[i]!], frame)) continue;
    const [cx, cy] = [axes.x(x[i]!), axes.y(y[i]!)];
    dots.push(element('circle', { cx, cy, r: radius, fill: classColors[label[i]!] ?? theme.muted }));
    // Of no class is what the loss ignores.
    const isCounted = classColors[label[i]!] !== undefined;
    if (isCounted && label[i] !== predicted[i]) crosses.push(cross(cx, cy, radius + 1.3));
  }
  return group({ class: 'samples' }, [
    group({ stroke: '#ffffff', 'stroke-width': 0.8 }, dots),
    crosses.length === 0
      ? ''
      : element('path', { d: crosses.join(''), stroke: theme.text, 'stroke-width': 1.3 }),
  ]);
}

function cross(x: number, y: number, size: number): string {
  const [left, right, top, bottom] = [x - size, x + size, y - size, y + size].map(num);
  return `M${left},${top}L${right},${bottom}M${left},${bottom}L${right},${top}`;
}

/** A dot and a name for each class, in one row over the frame. */
function drawLegend(names: readonly string[], wrong: string | null, { box }: Axes, top: number): string {
  const all = wrong === null ? names : [...names, wrong];
  const room = (box.right - box.left) / all.length - 24;
  const y = top + 14;
  let x = box.left + 5;
  const items = all.map((entry, i) => {
    const { text: fitted, size } = fitText(entry, room, theme.tickSize, theme.minSize);
    const mark =
      i < names.length
        ? element('circle', { cx: x, cy: y - 4, r: 4.5, fill: classColors[i] })
        : element('path', { d: cross(x, y - 4, 4), stroke: theme.text, 'stroke-width': 1.3 });
    const item = mark + text(fitted, [x + 9, y], { 'font-size': size });
    x += textWidth(fitted, size) + 28;
    return item;
  });
  return group({ class: 'legend' }, items);
}
