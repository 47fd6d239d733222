import { tag } from './html.js';
import { prefixIds } from './svg-ids.js';

let count = 0;

/** A figure of `plot` in the page; its ids are its own. */
export function drawing(svg: string): string {
  return tag('div', { class: 'drawing scroll' }, prefixIds(svg, `d${count++}-`));
}
