import type { EigenvalueMap } from '../results.js';
import { checkOptions, invalidOption, isBoolean, isNumber, isOneOf, isRange } from '../validate.js';
import { isColorMap, type ColorMap } from './color-scale.js';
import { defaultHeight, drawContourPanel, levelsOf } from './contour-panel.js';
import { axisLabel, landscapeTitle, mapCaption } from './describe.js';
import { checkSurface, drawingNotes, drawingScaleChecks, drawnValues, type DrawingScale } from './field.js';
import { hatchPattern, layoutFigure } from './figure.js';
import { figureChecks, type FigureOptions } from './options.js';
import { planeFrame } from './plane-frame.js';
import { fullSizes } from './theme.js';
import { valueScale } from './value-scale.js';

/** What of an eigenvalue map is drawn. */
export type MapValue = 'ratio' | 'smallest' | 'largest';

export interface EigenvalueMapOptions extends FigureOptions, DrawingScale {
  /** |λ_min / λ_max| (default; Li et al. 2018, section 6), or either of the two. */
  readonly value?: MapValue | undefined;
  /** Default 'cividis', to tell it from a picture of losses. */
  readonly colorMap?: ColorMap | undefined;
  /** Coloured cells, one per point, instead of contours (default true: each point is a measurement). */
  readonly heatMap?: boolean | undefined;
  /** Values at the ends of the colours, so that maps side by side have one scale; default the map's own extremes. */
  readonly colorRange?: readonly [number, number] | undefined;
  /** Of contours: about how many levels (default 12). */
  readonly numLevels?: number | undefined;
}

const name = 'drawEigenvalueMap';
const checks = {
  ...figureChecks,
  ...drawingScaleChecks,
  value: isOneOf('ratio', 'smallest', 'largest'),
  colorMap: isColorMap,
  heatMap: isBoolean,
  colorRange: isRange,
  numLevels: isNumber(1, 100),
};

const labels: Readonly<Record<MapValue, string>> = {
  ratio: '|λₘᵢₙ / λₘₐₓ|',
  smallest: 'λₘᵢₙ',
  largest: 'λₘₐₓ',
};

/**
 * How far a landscape is from convex, at every point of a plane (Li et al. 2018, arXiv 1712.09913, section 6), as SVG:
 * |λ_min / λ_max| of the Hessian, near 0 where the loss is convex in all that matters, or either eigenvalue. Default
 * 640 × 560 (lower for wide planes). Points that were not computed are hatched. Throws ERR_INVALID_OPTION, ERR_INVALID_DATA.
 */
export function drawEigenvalueMap(map: EigenvalueMap, options: EigenvalueMapOptions = {}): string {
  checkOptions(name, options, checks);
  const { width = 640, colorMap = 'cividis', heatMap = true, numLevels = 12 } = options;
  const { value = 'ratio' } = options;
  const values = valuesOf(map, value);
  checkSurface(name, map, labels[value], values);
  const drawn = drawnValues(name, values, options);
  const frame = planeFrame([map], [axisLabel('α', map.axes[0]), axisLabel('β', map.axes[1])], heatMap);
  const { height = defaultHeight(frame), title = landscapeTitle(map), caption = mapCaption(map) } = options;
  const figure = layoutFigure({ width, height, title, caption, notes: drawingNotes(labels[value], [drawn]) });
  const own: readonly [number, number] = drawn.isEmpty ? [1, 10] : [drawn.low, drawn.high];
  const [low, high] = options.colorRange ?? own;
  if (drawn.kind === 'log' && low <= 0)
    throw invalidOption(`${name}: option 'colorRange'`, 'positive on a log scale', options.colorRange);
  const colors = valueScale(drawn.kind, low, high, 7);
  const { content } = drawContourPanel(figure.box, {
    ...map,
    frame,
    noun: labels[value],
    drawn,
    colors,
    colorMap,
    levels: heatMap ? null : levelsOf(colors, numLevels),
    bar: labels[value],
    marks: { solutions: [], trajectory: null },
    sizes: fullSizes,
  });
  return figure.finish([drawn.numHidden > 0 ? hatchPattern : '', ...content]);
}

function valuesOf({ smallest, largest }: EigenvalueMap, value: MapValue): Float64Array {
  if (value === 'smallest') return smallest;
  if (value === 'largest') return largest;
  return smallest.map((low, k) => Math.abs(low / largest[k]!));
}
