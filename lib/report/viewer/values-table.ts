import type { LossSurface } from '../../results.js';
import { formatNumber } from '../../plot/number-format.js';
import { columnsOf } from './readout.js';

/** Rows that a table on the page holds; all are in the CSV. */
const maxRows = 10_500;

/** Every point of a surface as a table. */
export function valuesTable(surface: LossSurface): HTMLTableElement {
  const table = document.createElement('table');
  const columns = columnsOf(surface);
  const head = table.createTHead().insertRow();
  for (const name of ['α', 'β', ...columns.map(([label]) => label)]) {
    const cell = document.createElement('th');
    cell.scope = 'col';
    cell.textContent = name;
    head.append(cell);
  }
  const body = table.createTBody();
  forEachPoint(surface, maxRows, (values) => {
    const row = body.insertRow();
    for (const value of values) row.insertCell().textContent = formatNumber(value, 6);
  });
  return table;
}

/** The same as CSV, every float64 exact, accuracy in per cent. */
export function valuesCsv(surface: LossSurface): string {
  const lines = [['alpha', 'beta', ...columnsOf(surface).map(([name]) => name)].map(quoted).join(',')];
  forEachPoint(surface, Infinity, (values) => lines.push(values.join(',')));
  return `${lines.join('\n')}\n`;
}

function forEachPoint(surface: LossSurface, limit: number, visit: (values: number[]) => void): void {
  const columns = columnsOf(surface);
  const nx = surface.x.length;
  const count = Math.min(limit, surface.loss.length);
  for (let k = 0; k < count; k++) {
    visit([surface.x[k % nx]!, surface.y[Math.floor(k / nx)]!, ...columns.map(([, values]) => values[k]!)]);
  }
}

function quoted(name: string): string {
  return /[",\n]/.test(name) ? `"${name.replaceAll('"', '""')}"` : name;
}
