import type { LandscapeAtlas } from '../results.js';
import { checkOptions, invalidOption, isBoolean, isNumber } from '../validate.js';
import { isColorMap, type ColorMap } from './color-scale.js';
import { drawContourPanel, levelsOf } from './contour-panel.js';
import { atlasCaption, axisLabel, landscapeTitle } from './describe.js';
import { checkSurface, drawingNotes, drawnValues, isScaleKind } from './field.js';
import { hatchPattern, layoutFigure } from './figure.js';
import { figureChecks, type FigureOptions } from './options.js';
import { planeFrame } from './plane-frame.js';
import { fullSizes } from './theme.js';
import { valueScale, type ScaleKind } from './value-scale.js';

export interface SpreadOptions extends FigureOptions {
  /** Of the levels of the mean (default 'linear'). */
  readonly scale?: ScaleKind | undefined;
  /** Default 'cividis', to tell it from a picture of losses. */
  readonly colorMap?: ColorMap | undefined;
  /** Coloured cells, one per point, under the lines (default false). */
  readonly heatMap?: boolean | undefined;
  /** About how many lines of the mean (default 10). */
  readonly numLevels?: number | undefined;
}

const name = 'drawSpread';
const checks = {
  ...figureChecks,
  scale: isScaleKind,
  colorMap: isColorMap,
  heatMap: isBoolean,
  numLevels: isNumber(1, 100),
};
const numBands = 12;

/**
 * How much the losses of an atlas differ from plane to plane, as SVG: colours show standard deviation / |mean| at every
 * point, lines the mean loss. Default 640 × 560. Points at which a loss is not finite are hatched. Throws
 * ERR_INVALID_OPTION where the surfaces cannot be compared (`spread` is null), ERR_INVALID_DATA.
 */
export function drawSpread(atlas: LandscapeAtlas, options: SpreadOptions = {}): string {
  checkOptions(name, options, checks);
  const { surfaces, spread } = atlas;
  const surface = surfaces[0];
  if (spread === null || surface === undefined)
    throw invalidOption(`${name}: atlas.spread`, 'there (an atlas of several seeds has one)', spread);
  const { width = 640, height = 560, colorMap = 'cividis', heatMap = false } = options;
  const { scale = 'linear', numLevels = 10 } = options;
  const { mean, standardDeviation } = spread;
  checkSurface(name, surface, 'mean', mean);
  checkSurface(name, surface, 'standardDeviation', standardDeviation);
  const relative = standardDeviation.map((value, k) => value / Math.abs(mean[k]!));
  const drawn = drawnValues(name, relative, {});
  const drawnMean = drawnValues(name, mean, { scale });
  const labels: [string, string] = [axisLabel('α', surface.axes[0]), axisLabel('β', surface.axes[1])];
  const frame = planeFrame([surface], labels, heatMap);
  const { title = `${landscapeTitle(surface)} · spread over ${surfaces.length} surfaces` } = options;
  const { caption = atlasCaption(surfaces, ['lines: mean loss']) } = options;
  const notes = [
    ...drawingNotes('relative spread', [drawn]),
    ...(drawnMean.numNotPositive > 0 ? drawingNotes('mean loss', [drawnMean]) : []),
  ];
  const figure = layoutFigure({ width, height, title, caption, notes });
  const [low, high] = drawn.isEmpty ? [1, 10] : [drawn.low, drawn.high];
  const colors = valueScale('linear', low, high, 7);
  const means = drawnMean.isEmpty ? null : valueScale(scale, drawnMean.low, drawnMean.high, numLevels);
  const { content } = drawContourPanel(figure.box, {
    ...surface,
    frame,
    noun: 'spread',
    drawn,
    colors,
    colorMap,
    levels: heatMap ? null : levelsOf(colors, numBands),
    lines: {
      positions: means === null ? drawnMean.values : drawnMean.values.map(means.position),
      levels: means === null ? [] : levelsOf(means, numLevels),
    },
    bar: 'standard deviation / mean',
    marks: { solutions: surface.solutions, trajectory: null },
    sizes: fullSizes,
  });
  return figure.finish([drawn.numHidden + drawnMean.numHidden > 0 ? hatchPattern : '', ...content]);
}
