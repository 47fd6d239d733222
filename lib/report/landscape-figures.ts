import { drawAtlas } from '../plot/atlas.js';
import { explosionRowName } from '../plot/describe.js';
import { drawContour } from '../plot/contour.js';
import { drawExplosionTable } from '../plot/explosion-table.js';
import { drawEigenvalueMap, type MapValue } from '../plot/eigenvalue-map.js';
import { drawLine } from '../plot/line.js';
import { drawSpread } from '../plot/spread.js';
import { drawSurface } from '../plot/surface3d.js';
import type { EigenvalueMap, ExplosionTable, LandscapeAtlas, LossLine, LossSurface } from '../results.js';
import {
  fieldOptions,
  frameOptions,
  mapOptions,
  pick,
  type DrawResultOptions,
  type Figures,
} from './figure-options.js';

export const lineFigures: Figures<LossLine> = {
  line: (line, options) => drawLine(line, pick(options, fieldOptions)),
};

/** λ_min and λ_max where `value` names them, else their ratio. */
export const mapFigures: Figures<EigenvalueMap> = {
  'heat-map': (map, options) =>
    drawEigenvalueMap(map, {
      ...pick(options, [...frameOptions, 'scale', 'cap', 'colorMap']),
      ...mapValue(options),
    }),
  contour: (map, options) =>
    drawEigenvalueMap(map, {
      ...pick(options, [...frameOptions, 'scale', 'cap', 'colorMap', 'numLevels']),
      ...mapValue(options),
      heatMap: false,
    }),
};

function mapValue({ value }: DrawResultOptions): { value?: MapValue } {
  // The figure refuses what it does not know.
  return value === undefined ? {} : { value: value as MapValue };
}

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

/** Of a table's rows all surfaces on one page. */
function pageOf({ rows }: ExplosionTable): LandscapeAtlas {
  return {
    kind: 'landscape-atlas',
    formatVersion: 2,
    titles: rows.map((row) => `${explosionRowName(row)}, ${row.normalization}`),
    surfaces: rows.map(({ surface }) => surface),
    spread: null,
  };
}

/** Of a page four surfaces side by side, as many as there are normalisations. */
export const explosionFigures: Figures<ExplosionTable> = {
  table: (table, options) => drawExplosionTable(table, pick(options, ['title', 'caption', 'width'])),
  surface: (table, options) =>
    atlasFigures.surface!(pageOf(table), {
      ...pick(options, [...pageOptions, 'azimuth', 'elevation']),
      columns: 4,
    }),
  contour: (table, options) =>
    atlasFigures.contour!(pageOf(table), { ...pick(options, pageOptions), columns: 4 }),
};
