import { LossAtlasError } from '../errors.js';
import type { WeightHistogram } from '../results.js';
import { checkOptions, isOneOf } from '../validate.js';
import { layoutAxes } from './axes.js';
import { paragraph } from './describe.js';
import { clipTo, layoutFigure, layoutPage, type FigureSpec } from './figure.js';
import { drawLegend, legendHeight } from './legend.js';
import { formatNumber } from './number-format.js';
import { figureChecks, type FigureOptions } from './options.js';
import { maxSeries, seriesStyle } from './series.js';
import { element, group, num, text } from './svg.js';
import { fitText, textWidth } from './text.js';
import { theme } from './theme.js';
import type { ScaleKind } from './value-scale.js';

const name = 'drawWeightHistogram';

export interface WeightHistogramFigureOptions extends FigureOptions {
  /** Of the counts: `linear` (default) or `log`, which shows rare large weights. */
  readonly scale?: ScaleKind | undefined;
}

/** Further rows would be lines. */
const maxRows = 200;

/**
 * How the weights of solutions are distributed (Li et al. 2018, arXiv 1712.09913, figure 2), as SVG: one outline a
 * solution, with its standard deviation in the legend. Default 720 × 440. More than five are drawn one below the other, on one
 * scale, 720 wide and as high as they need.
 *
 *     drawWeightHistogram(await weightHistogram([smallBatch, largeBatch]));
 *
 * Throws ERR_INVALID_OPTION, ERR_INVALID_DATA for more than 200 solutions.
 */
export function drawWeightHistogram(
  histogram: WeightHistogram,
  options: WeightHistogramFigureOptions = {},
): string {
  checkOptions(name, options, { ...figureChecks, scale: isOneOf('linear', 'log') });
  const { edges, solutions, parameters, numWeights, model } = histogram;
  if (solutions.length > maxRows) {
    const problem = `${solutions.length} solutions are too many for one figure; give at most ${maxRows}`;
    throw new LossAtlasError('ERR_INVALID_DATA', `${name}: ${problem}.`);
  }
  const { width = 720, title = `Weights of ${model}`, scale = 'linear' } = options;
  const most = Math.max(...solutions.map(({ counts }) => counts.reduce((a, b) => Math.max(a, b), 1)));
  const counted = parameters.length === 1 ? parameters[0]! : `${parameters.length} parameters`;
  const {
    caption = paragraph([
      `${numWeights} weights of ${counted}`,
      'outermost bins hold what lies beyond',
      ...(solutions.length > maxSeries
        ? [`highest bin ${most}${scale === 'log' ? ', heights log(1 + count)' : ''}`]
        : []),
    ]),
  } = options;
  const spec = { width, title, caption, notes: [] };
  if (solutions.length > maxSeries) return drawRows(histogram, spec, { height: options.height, scale, most });
  const figure = layoutFigure({ ...spec, height: options.height ?? 440 });
  const axes = layoutAxes(
    { ...figure.box, top: figure.box.top + legendHeight(solutions.length) },
    {
      x: { from: edges[0]!, to: edges.at(-1)!, label: 'weight' },
      y:
        scale === 'log'
          ? { kind: 'log', from: 0.5, to: most * 1.5, label: 'weights in a bin' }
          : { from: 0, to: most * 1.05, label: 'weights in a bin' },
    },
  );
  const floor = num(axes.box.bottom);
  const steps = solutions.map(({ counts }, i) => {
    const { color, dashes } = seriesStyle(i);
    const tops = Array.from(counts, (count, b) => {
      const y = scale === 'log' && count === 0 ? axes.box.bottom : axes.y(count);
      return `V${num(y)}H${num(axes.x(edges[b + 1]!))}`;
    });
    const d = `M${num(axes.x(edges[0]!))},${floor}${tops.join('')}V${floor}`;
    return (
      element('path', { d: `${d}Z`, fill: color, 'fill-opacity': 0.12 }) +
      element('path', { d, fill: 'none', stroke: color, 'stroke-width': 1.4, 'stroke-dasharray': dashes })
    );
  });
  const entries = solutions.map(({ label, standardDeviation }, i) => ({
    label: `${label} (σ = ${formatNumber(standardDeviation, 3)})`,
    style: seriesStyle(i),
  }));
  return figure.finish([
    axes.below,
    clipTo(axes.box, steps),
    drawLegend(entries, axes.box, figure.box.top),
    axes.above,
  ]);
}

interface RowsOptions {
  readonly height: number | undefined;
  readonly scale: ScaleKind;
  /** Largest count of all. */
  readonly most: number;
}

/** One below the other, each over a line of its own, with its label on the left and its deviation on the right. */
function drawRows(
  { edges, solutions }: WeightHistogram,
  spec: Omit<FigureSpec, 'height'>,
  { height, scale, most }: RowsOptions,
): string {
  const axisRoom = 50;
  const wanted = Math.max(6, Math.min(34, 1000 / solutions.length));
  const figure =
    height === undefined
      ? layoutPage(spec, axisRoom + solutions.length * wanted)
      : layoutFigure({ ...spec, height });
  const deviations = solutions.map(({ standardDeviation }) => `σ = ${formatNumber(standardDeviation, 3)}`);
  const widthOf = (words: readonly string[]) =>
    Math.max(...words.map((line) => textWidth(line, theme.tickSize)));
  const labelWidth = Math.min(figure.box.right / 4, widthOf(solutions.map(({ label }) => label)));
  const axes = layoutAxes(
    {
      ...figure.box,
      left: figure.box.left + labelWidth,
      right: figure.box.right - widthOf(deviations) - 8,
    },
    {
      x: { from: edges[0]!, to: edges.at(-1)!, label: 'weight' },
      y: { from: 0, to: 1, label: '', hasTicks: false },
    },
  );
  const { box } = axes;
  const step = (box.bottom - box.top) / solutions.length;
  const share = (count: number) => (scale === 'log' ? Math.log1p(count) / Math.log1p(most) : count / most);
  const outlines = solutions.map(({ counts }, i) => {
    const floor = box.top + (i + 1) * step;
    const tops = Array.from(
      counts,
      (count, b) => `V${num(floor - 0.92 * step * share(count))}H${num(axes.x(edges[b + 1]!))}`,
    );
    return element('path', {
      class: 'row',
      d: `M${num(axes.x(edges[0]!))},${num(floor)}${tops.join('')}V${num(floor)}Z`,
      fill: theme.primary,
      'fill-opacity': 0.35,
      stroke: theme.primary,
      'stroke-width': num(Math.min(1, step / 12)),
    });
  });
  // As many as have room.
  const every = Math.ceil((theme.tickSize * 1.2) / step);
  const words = solutions.flatMap(({ label }, i) => {
    if (i % every !== 0) return [];
    const y = box.top + (i + 1) * step - Math.max(0, 0.5 * step - 0.36 * theme.tickSize);
    const fitted = fitText(label, labelWidth, theme.tickSize, theme.minSize);
    return [
      text(fitted.text, [box.left - 8, y], { 'text-anchor': 'end', 'font-size': fitted.size }),
      text(deviations[i]!, [box.right + 8, y], {}),
    ];
  });
  return figure.finish([
    axes.below,
    clipTo(box, outlines),
    axes.above,
    group({ 'font-size': theme.tickSize }, words),
  ]);
}
