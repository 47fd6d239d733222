import { LossAtlasError } from '../errors.js';
import type { Result } from '../io/result-format.js';
import { drawResult } from './draw-result.js';
import type { DrawResultOptions } from './figure-options.js';
import { tag, textTag } from './html.js';
import { prefixIds } from './svg-ids.js';

/** The figures of a result, without titles: those stand over their section. What cannot be drawn says why. */
export function drawings(result: Result, options: DrawResultOptions = {}): string {
  try {
    return drawResult(result, { title: '', ...options })
      .map(({ svg }) => tag('div', { class: 'drawing scroll' }, svg))
      .join('');
  } catch (error) {
    // A grid of a single row, for example: its values are in the report all the same.
    if (!(error instanceof LossAtlasError) || error.code !== 'ERR_INVALID_DATA') throw error;
    return textTag('p', `No figure: ${error.message}`, { class: 'note' });
  }
}

/** The same page with ids of its own for every figure. */
export function numberDrawings(html: string): string {
  return html
    .split('<svg ')
    .map((part, i) => (i === 0 ? part : `<svg ${numbered(part, i)}`))
    .join('');
}

function numbered(part: string, i: number): string {
  const [svg, ...rest] = part.split('</svg>');
  return [prefixIds(svg!, `d${i}-`), ...rest].join('</svg>');
}
