export { drawBasin } from './basin.js';
export { drawBarcode, type BarcodeOptions } from './barcode.js';
export { drawAtlas, type AtlasFigureOptions } from './atlas.js';
export { type ColorMap } from './color-scale.js';
export { drawComparison } from './comparison.js';
export { drawConnection, type ConnectionFigureOptions } from './connection.js';
export { drawContour, type ContourOptions } from './contour.js';
export { drawCriteria, type CriteriaOptions, type CriterionRow } from './criteria-table.js';
export { drawDensityPanels, type DensityPanels, type DensityPanelsOptions } from './density-panels.js';
export { drawDensity, type DensityCurve, type DensityOptions, type LabelledDensity } from './density.js';
export { drawDecisionRegions, type DecisionRegionsFigureOptions } from './decision-regions.js';
export { drawExplosionTable } from './explosion-table.js';
export { drawEigenvalueMap, type EigenvalueMapOptions, type MapValue } from './eigenvalue-map.js';
export { type DrawingScale } from './field.js';
export { drawLine, type LineOptions } from './line.js';
export { drawLines, type LabelledLine } from './lines.js';
export {
  drawLogDensity,
  type LogDensityCurve,
  type LogDensityCurveSide,
  type LogDensityOptions,
} from './log-density.js';
export { type FigureOptions } from './options.js';
export { type ValueChoice } from './quantity.js';
export { drawPage, type PageOptions } from './page.js';
export type { PlaneCurve } from './plane-overlay.js';
export { renderPng, type RenderOptions } from './rasterize.js';
export { drawScatter, type ScatterOptions, type ScatterPoint } from './scatter.js';
export { drawSpread, type SpreadOptions } from './spread.js';
export { drawSurface, type SurfaceOptions } from './surface3d.js';
export { drawTrack, type TrackFigureOptions, type TrackValue } from './track.js';
export { drawTraining, type TrainingFigureOptions } from './training.js';
export { drawWeightHistogram, type WeightHistogramFigureOptions } from './weight-histogram.js';
export { type ScaleKind } from './value-scale.js';
