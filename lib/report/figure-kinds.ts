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
  'regions',
  'histogram',
  'accuracy',
  'loss',
  'kh05',
  'kh1',
  're',
  'eigenvalues',
  'trace',
] as const;
export type FigureKind = (typeof figureKinds)[number];
