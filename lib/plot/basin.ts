import { LossAtlasError } from '../errors.js';
import type { BasinVolume } from '../results.js';
import { checkOptions } from '../validate.js';
import { layoutAxes } from './axes.js';
import { defaultTitle, paragraph, provenanceFacts, isMedianCensored } from './describe.js';
import { clipTo, layoutFigure } from './figure.js';
import { formatNumber } from './number-format.js';
import { figureChecks, type FigureOptions } from './options.js';
import { element, group, num, segment, text } from './svg.js';
import { theme } from './theme.js';

const name = 'drawBasin';

/**
 * How far the rays of a basin reach, as SVG: the share of rays that have left it over the radius, with the median; rays that
 * never leave keep the curve below 1. A steep curve is a round basin. Default 640 × 420.
 *
 *     await savePng('basin.png', drawBasin(await basinVolume(loss, { cutoff: 0.5 })));
 *
 * Throws ERR_INVALID_OPTION, ERR_INVALID_DATA for a basin without rays.
 */
export function drawBasin(basin: BasinVolume, options: FigureOptions = {}): string {
  checkOptions(name, options, figureChecks);
  const { radii, maxRadius, numCensored, medianRadius, quantity, cutoff, normalization, provenance } = basin;
  if (radii.length === 0) throw new LossAtlasError('ERR_INVALID_DATA', `${name}: there are no rays.`);
  const { width = 640, height = 420, title = `Basin: ${defaultTitle(provenance)}` } = options;
  const {
    caption = paragraph([
      `until the ${quantity} is ${quantity === 'loss' ? 'above' : 'below'} ${formatNumber(cutoff)}`,
      `log-volume ${formatNumber(basin.logVolume.value, 5)} in ${basin.dimension} dimensions`,
      ...provenanceFacts(provenance),
    ]),
  } = options;
  const notes =
    numCensored === 0
      ? []
      : [`${numCensored} rays have not left at ${formatNumber(maxRadius)}, the largest radius`];
  const figure = layoutFigure({ width, height, title, caption, notes });
  const left = Float64Array.from(radii.filter((radius) => numCensored === 0 || radius < maxRadius)).sort();
  const farthest = Math.max(...radii);
  const unit = normalization === 'none' ? '' : ` (${normalization}-normalised)`;
  const axes = layoutAxes(figure.box, {
    x: { from: 0, to: farthest * 1.05, label: `radius${unit}` },
    y: { from: 0, to: 1, label: 'share of rays that have left' },
  });
  const steps = Array.from(left, (radius, i) => {
    const share = (i + 1) / radii.length;
    return `H${num(axes.x(radius))}V${num(axes.y(share))}`;
  });
  const d = `M${num(axes.x(0))},${num(axes.y(0))}${steps.join('')}H${num(axes.box.right)}`;
  const middle = axes.x(medianRadius);
  const isRight = middle > (axes.box.left + axes.box.right) / 2;
  return figure.finish([
    axes.below,
    clipTo(axes.box, [
      element('path', {
        d: segment([middle, axes.box.top], [middle, axes.box.bottom]),
        stroke: theme.secondary,
        'stroke-dasharray': '5 3',
      }),
      element('path', { d, fill: 'none', stroke: theme.primary, 'stroke-width': 1.8, class: 'rays' }),
    ]),
    group({ class: 'labels', fill: theme.secondary, 'font-size': num(theme.noteSize) }, [
      text(
        `median ${isMedianCensored(basin) ? 'at least ' : ''}${formatNumber(medianRadius, 3)}`,
        [middle + (isRight ? -6 : 6), axes.box.top + 16],
        {
          'text-anchor': isRight ? 'end' : 'start',
        },
      ),
    ]),
    axes.above,
  ]);
}
