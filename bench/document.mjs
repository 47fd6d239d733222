// Puts the table of a run into a document.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';

/**
 * Into the place that the file marks for it; a file without one becomes the table.
 *
 * @param {string} file
 * @param {'results' | 'protocol'} place
 * @param {string} markdown
 */
export function writeMarkdown(file, place, markdown) {
  const [begin, end] = [`<!-- ${place}: begin -->`, `<!-- ${place}: end -->`];
  const old = existsSync(file) ? readFileSync(file, 'utf8') : '';
  const [before, rest] = [old.indexOf(begin), old.indexOf(end)];
  const text =
    before < 0 || rest < before
      ? `${markdown}\n`
      : `${old.slice(0, before + begin.length)}\n${markdown}\n${old.slice(rest)}`;
  writeFileSync(file, text);
}
