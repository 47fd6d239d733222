import { LossAtlasError } from '../errors.js';
import type { WeightHistogram } from '../results.js';
import { checkOptions, isOneOf } from '../validate.js';
import { layoutAxes } from './axes.js';
import { paragraph } from './describe.js';
import { clipTo, layoutFigure } from './figure.js';
import { drawLegend, legendHeight } from './legend.js';
import { formatNumber } from './number-format.js';
import { figureChecks, type FigureOptions } from './options.js';
import { maxSeries, seriesStyle } from './series.js';
import { element, num } from './svg.js';
import type { ScaleKind } from './value-scale.js';

const name = 'drawWeightHistogram';

export interface WeightHistogramFigureOptions extends FigureOptions {
  /** Of the counts: `linear` (default) or `log`, which shows rare large weights. */
  readonly scale?: ScaleKind | undefined;
}

/**
 * How the weights of solutions are distributed (Li et al. 2018, arXiv 1712.09913, figure 2), as SVG: one outline a
 * solution, with its standard deviation in the legend. Default 720 × 440.
 *
 *     drawWeightHistogram(await weightHistogram([smallBatch, largeBatch]));
 *
 * Throws ERR_INVALID_OPTION, ERR_INVALID_DATA for more than five solutions.
 */
export function drawWeightHistogram(
  histogram: WeightHistogram,
  options: WeightHistogramFigureOptions = {},
): string {
  checkOptions(name, options, { ...figureChecks, scale: isOneOf('linear', 'log') });
  const { edges, solutions, parameters, numWeights, model } = histogram;
  if (solutions.length > maxSeries) {
    const problem = `${solutions.length} solutions cannot be told apart in one figure`;
    throw new LossAtlasError('ERR_INVALID_DATA', `${name}: ${problem}.`);
  }
  const { width = 720, height = 440, title = `Weights of ${model}`, scale = 'linear' } = options;
  const counted = parameters.length === 1 ? parameters[0]! : `${parameters.length} parameters`;
  const {
    caption = paragraph([`${numWeights} weights of ${counted}`, 'outermost bins hold what lies beyond']),
  } = options;
  const figure = layoutFigure({ width, height, title, caption, notes: [] });
  const most = Math.max(...solutions.map(({ counts }) => counts.reduce((a, b) => Math.max(a, b), 1)));
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
