/** What figures there are of results. */
export const figureKinds = [
  'surface',
  'contour',
  'heat-map',
  'spread',
  'line',
  'barcode',
  'density',
  'log-density',
  'criteria',
  'table',
  'training',
  'connection',
] as const;
export type FigureKind = (typeof figureKinds)[number];
