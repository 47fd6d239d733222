import { drawAtlas } from '../plot/atlas.js';
import { drawContour } from '../plot/contour.js';
import { drawLine } from '../plot/line.js';
import { drawSpread } from '../plot/spread.js';
import { drawSurface } from '../plot/surface3d.js';
import type { LandscapeAtlas, LossLine, LossSurface } from '../results.js';
import { fieldOptions, frameOptions, mapOptions, pick, type Figures } from './figure-options.js';

export const lineFigures: Figures<LossLine> = {
  line: (line, options) => drawLine(line, pick(options, fieldOptions)),
};

const contourOptions = [...mapOptions, 'numLevels', 'trajectory'] as const;

export const surfaceFigures: Figures<LossSurface> = {
  surface: (surface, options) => drawSurface(surface, pick(options, [...mapOptions, 'azimuth', 'elevation'])),
  contour: (surface, options) => drawContour(surface, pick(options, [...contourOptions, 'filled'])),
  'heat-map': (surface, options) => drawContour(surface, { ...pick(options, contourOptions), heatMap: true }),
};

const pageOptions = [...mapOptions, 'columns', 'shared'] as const;

export const atlasFigures: Figures<LandscapeAtlas> = {
  surface: (atlas, options) => drawAtlas(atlas, pick(options, [...pageOptions, 'azimuth', 'elevation'])),
  contour: (atlas, options) => drawAtlas(atlas, { ...pick(options, pageOptions), kind: 'contour' }),
  spread: (atlas, options) =>
    drawSpread(atlas, pick(options, [...frameOptions, 'scale', 'colorMap', 'numLevels'])),
};
