// What an experiment writes: its results, a page of figures (page.png, page.svg), tables (page.md), and a report to turn
// with the mouse (report.html).
import { writeFileSync } from 'node:fs';
import { drawPage, savePng, saveReport, saveResult, saveSvg } from '../../dist/index.js';
import { isQuick } from '../sources.mjs';

export class Page {
  #title;
  #output;
  #settings;
  #figures = [];
  #entries = [];
  #words = [];
  #startedAt = performance.now();

  /** `settings`: what was run, in a sentence. */
  constructor(title, output, settings) {
    this.#title = isQuick ? `${title} (a quick run: only to try it, its numbers mean nothing)` : title;
    this.#settings = settings;
    this.#output = output;
  }

  /** On the page of figures, in order. */
  figure(svg) {
    this.#figures.push(svg);
  }

  /** In a file of its own, and in the report. */
  async result(name, result, title) {
    await saveResult(this.#output(`${name}.json`), result);
    this.#entries.push({ result, title });
  }

  /** Printed, and below the figures. */
  table(title, head, rows) {
    const line = (cells) => `| ${cells.map((cell) => show(cell)).join(' | ')} |`;
    this.text(title, [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n'));
  }

  /** The same of Markdown. */
  text(title, markdown) {
    const words = `## ${title}\n\n${markdown}`;
    this.#words.push(words);
    process.stdout.write(`\n${words}\n`);
  }

  async finish({ columns = 2 } = {}) {
    const seconds = Math.round((performance.now() - this.#startedAt) / 1000);
    const page = drawPage(this.#figures, { title: this.#title, columns });
    await saveSvg(this.#output('page.svg'), page);
    await savePng(this.#output('page.png'), page, { scale: 1 });
    if (this.#entries.length > 0)
      await saveReport(this.#output('report.html'), this.#entries, { title: this.#title });
    const text = [`# ${this.#title}`, '![](page.png)', this.#settings, ...this.#words, `${seconds} s.`].join(
      '\n\n',
    );
    writeFileSync(this.#output('page.md'), `${text}\n`);
    process.stdout.write(`\nWritten: ${this.#output('page.md')}, page.png, report.html (${seconds} s)\n`);
  }
}

function show(cell) {
  if (typeof cell === 'string') return cell;
  if (cell === null || cell === undefined || Number.isNaN(cell)) return '–';
  return Number.isInteger(cell) ? String(cell) : String(Number(cell.toPrecision(4)));
}

export const percent = (share) => `${(100 * share).toFixed(1)} %`;

/** λ_max, trace and criteria of an analysis, for tables. */
export const interval = ({ value, low, high }) =>
  Number.isNaN(low)
    ? value.toPrecision(3)
    : `${value.toPrecision(3)} [${low.toPrecision(3)}, ${high.toPrecision(3)}]`;
