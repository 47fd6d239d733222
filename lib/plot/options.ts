import { isNumber, type Check } from '../validate.js';

/** What every figure accepts. */
export interface FigureOptions {
  /** Bold text above the figure ('' for none). */
  readonly title?: string | undefined;
  /** Small text below the figure ('' for none). Warnings about the data are shown in any case. */
  readonly caption?: string | undefined;
  /** Size in SVG units; a PNG has twice as many pixels by default. */
  readonly width?: number | undefined;
  readonly height?: number | undefined;
}

/** Unlike a name, a title may be empty. */
export const isText: Check = (value) => (typeof value === 'string' ? null : 'a string');

export const figureChecks = {
  title: isText,
  caption: isText,
  width: isNumber(160, 8000),
  height: isNumber(120, 8000),
} as const;
