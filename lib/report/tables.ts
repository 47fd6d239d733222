import { formatNumber } from '../plot/number-format.js';
import { tag, textTag } from './html.js';

/** A cell: text, or a number that is shown with six digits. */
export type Cell = string | number | boolean | null;

/** A table under a heading row; the first cell of each row names it. */
export function dataTable(
  caption: string,
  head: readonly string[],
  rows: readonly (readonly Cell[])[],
): string {
  const headRow = tag('tr', {}, ...head.map((name) => textTag('th', name, { scope: 'col' })));
  const body = rows.map(([name = '', ...cells]) => tag('tr', {}, rowHead(name), ...cells.map(cellTag)));
  return scrolling(
    tag('table', {}, textTag('caption', caption), tag('thead', {}, headRow), tag('tbody', {}, ...body)),
  );
}

/** Names and values, one a row. */
export function factsTable(caption: string, rows: readonly (readonly [string, Cell])[]): string {
  const body = rows.map(([name, value]) => tag('tr', {}, rowHead(name), cellTag(value)));
  return scrolling(tag('table', { class: 'facts' }, textTag('caption', caption), tag('tbody', {}, ...body)));
}

/** A part that the reader opens. */
export function closed(summary: string, ...content: readonly string[]): string {
  return tag('details', {}, textTag('summary', summary), ...content);
}

/** `low … high`, or a dash where there is none. */
export function interval(low: number, high: number): string {
  return Number.isNaN(low + high) ? '–' : `${formatNumber(low)} … ${formatNumber(high)}`;
}

function rowHead(cell: Cell): string {
  return textTag('th', shown(cell), { scope: 'row' });
}

function cellTag(cell: Cell): string {
  return textTag('td', shown(cell), { class: typeof cell === 'number' ? 'number' : undefined });
}

function shown(cell: Cell): string {
  if (cell === null) return '–';
  if (typeof cell === 'number') return formatNumber(cell, 6);
  return typeof cell === 'boolean' ? (cell ? 'yes' : 'no') : cell;
}

/** What is wider than the page scrolls by itself. */
function scrolling(content: string): string {
  return tag('div', { class: 'scroll' }, content);
}
