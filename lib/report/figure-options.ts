import { isColorMap, type ColorMap } from '../plot/color-scale.js';
import { drawingScaleChecks, type DrawingScale } from '../plot/field.js';
import { figureChecks, type FigureOptions } from '../plot/options.js';
import { valueChecks, type ValueChoice } from '../plot/quantity.js';
import { viewChecks } from '../plot/surface3d.js';
import type { Trajectory } from '../results.js';
import { isArrayOf, isBoolean, isInteger, isNumber, isOneOf, type Check } from '../validate.js';

export const figureKinds = [
  'surface',
  'contour',
  'heat-map',
  'spread',
  'line',
  'density',
  'log-density',
  'criteria',
  'table',
] as const;
export type FigureKind = (typeof figureKinds)[number];

/** Options of all figures; each figure takes those that it knows. */
export interface DrawResultOptions extends FigureOptions, DrawingScale, ValueChoice {
  /** Which figures; default those of the result's kind, heat maps apart. */
  readonly figures?: readonly FigureKind[] | undefined;
  /** Default 'viridis'. */
  readonly colorMap?: ColorMap | undefined;
  /** Of surfaces: direction of the viewer around the vertical, degrees (default −55). */
  readonly azimuth?: number | undefined;
  /** Of surfaces: height of the viewer, 5 to 85 degrees (default 32). */
  readonly elevation?: number | undefined;
  /** Of contours: coloured bands between the lines (default true). */
  readonly filled?: boolean | undefined;
  /** Of contours: about how many levels (default 14). */
  readonly numLevels?: number | undefined;
  /** Of contours: a training path on the same plane, drawn on top. */
  readonly trajectory?: Trajectory | undefined;
  /** Of pages: panels side by side (default 2). */
  readonly columns?: number | undefined;
  /** Of pages: one value scale for all panels. */
  readonly shared?: boolean | undefined;
  /** Of densities: decades shown below the maximum on a log scale, at most (default 7). */
  readonly numDecades?: number | undefined;
  /** Of densities: eigenvalues known by themselves, as red ticks. */
  readonly markers?: ArrayLike<number> | undefined;
}

const isAnything: Check = () => null;

export const drawResultChecks = {
  ...figureChecks,
  ...drawingScaleChecks,
  ...valueChecks,
  ...viewChecks,
  figures: isArrayOf(isOneOf(...figureKinds), `a list of ${figureKinds.join(', ')}`),
  colorMap: isColorMap,
  filled: isBoolean,
  numLevels: isNumber(1, 100),
  // The figures that take these look at them.
  trajectory: isAnything,
  markers: isAnything,
  columns: isInteger(1, 12),
  shared: isBoolean,
  numDecades: isNumber(1, 300),
} as const;

/** Those that were given. */
export function pick<K extends keyof DrawResultOptions>(
  options: DrawResultOptions,
  keys: readonly K[],
): Pick<DrawResultOptions, K> {
  const found = keys.filter((key) => options[key] !== undefined);
  return Object.fromEntries(found.map((key) => [key, options[key]])) as Pick<DrawResultOptions, K>;
}

export const frameOptions = ['title', 'caption', 'width', 'height'] as const;
export const fieldOptions = [...frameOptions, 'scale', 'cap', 'value'] as const;
export const mapOptions = [...fieldOptions, 'colorMap'] as const;

/** Draws one kind of figure of a result. */
export type Draw<R> = (result: R, options: DrawResultOptions) => string;
/** The figures of a kind of results, the usual ones first. */
export type Figures<R> = Partial<Record<FigureKind, Draw<R>>>;
