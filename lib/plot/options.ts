import { LossAtlasError } from '../errors.js';

/** What every figure accepts. */
export interface FigureOptions {
  /** Bold text above the figure ('' for none). */
  readonly title?: string;
  /** Small text below the figure ('' for none). Warnings about the data are shown in any case. */
  readonly caption?: string;
  /** Size in SVG units; a PNG has twice as many pixels by default. */
  readonly width?: number;
  readonly height?: number;
}

export const figureKeys = ['title', 'caption', 'width', 'height'] as const;

/** Refuses keys that `name` does not know. Throws ERR_INVALID_OPTION. */
export function checkKeys(name: string, options: object, known: readonly string[]): void {
  for (const key of Object.keys(options)) {
    if (!known.includes(key)) refuse(name, `unknown option '${key}'; the options are ${known.join(', ')}`);
  }
}

/** A finite number in [low, high]. Throws ERR_INVALID_OPTION. */
export function checkNumber(name: string, key: string, value: unknown, low: number, high: number): void {
  if (typeof value === 'number' && value >= low && value <= high && Number.isFinite(value)) return;
  const range = Number.isFinite(low) && Number.isFinite(high) ? ` from ${low} to ${high}` : '';
  refuse(name, `${key} must be a finite number${range}, not ${String(value)}`);
}

/** One of the allowed words. Throws ERR_INVALID_OPTION. */
export function checkChoice(name: string, key: string, value: unknown, allowed: readonly string[]): void {
  if (typeof value === 'string' && allowed.includes(value)) return;
  refuse(name, `${key} must be ${allowed.map((word) => `'${word}'`).join(' or ')}, not ${String(value)}`);
}

function refuse(name: string, problem: string): never {
  throw new LossAtlasError('ERR_INVALID_OPTION', `${name}: ${problem}.`);
}
