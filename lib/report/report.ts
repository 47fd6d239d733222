import { createHash } from 'node:crypto';

import { toJson, type Result } from '../io/json.js';
import { checkOptions, invalidOption, isString } from '../validate.js';
import { numberDrawings } from './drawing.js';
import { escapeHtml, scriptJson, tag, textTag } from './html.js';
import { kindName, section } from './sections.js';
import { pageTitle, titled, type Entry, type ReportEntry } from './titles.js';
import { styleSheet } from './style.js';
import { viewerScript } from './viewer-script.js';
import { surfacesOf, viewersSection } from './viewers.js';

export interface ReportOptions {
  /** Of the page (default: the models and data of its results). */
  readonly title?: string | undefined;
}

const checks = { title: isString };

/**
 * A report of results as one HTML file that needs nothing else and asks the network for nothing: surfaces to turn, side by
 * side with linked cameras, the figures of every result, tables, self-checks, provenance, and the results themselves as
 * `saveJson` writes them. A trajectory that follows a surface is drawn on it; eigenvalues of the same matrix as a spectrum
 * are marked in it.
 *
 *     const html = reportHtml([surface, { result: spectrum, title: 'Trained' }], { title: 'ResNet-20' });
 *
 * Throws ERR_INVALID_OPTION, ERR_INVALID_DATA for what is no result.
 */
export function reportHtml(results: readonly (Result | ReportEntry)[], options: ReportOptions = {}): string {
  checkOptions('reportHtml', options, checks);
  if (!Array.isArray(results) || results.length === 0)
    throw invalidOption('reportHtml: results', 'a list of at least one result', results);
  const given = results.map(readEntry);
  const all = given.map(({ result }) => result);
  // First, so that what is no result says so.
  const data = all.map((result, i) =>
    tag('script', { type: 'application/json', id: `data-${i}` }, scriptJson(toJson(result))),
  );
  const entries = titled(given);
  const { title = pageTitle(all) } = options;
  const surfaces = surfacesOf(entries);
  const script = viewerScript();
  const body = [
    textTag('a', 'Skip to the results', { class: 'skip', href: '#main' }),
    header(title, entries, surfaces.length > 0),
    tag(
      'main',
      { id: 'main' },
      surfaces.length > 0 ? viewersSection(surfaces) : '',
      numberDrawings(entries.map((entry, i) => resultSection(entry, i, all)).join('')),
    ),
    tag('footer', {}, `Made by lossatlas. All values are in this file; nothing is loaded from elsewhere.`),
    ...data,
    tag('script', {}, script),
  ];
  return document(title, script, body.join('\n'));
}

function readEntry(item: Result | ReportEntry, i: number): ReportEntry {
  // No result has a field of that name.
  const entry = Object.hasOwn(Object(item) as object, 'result')
    ? (item as ReportEntry)
    : { result: item as Result };
  const { title } = entry;
  if (title !== undefined && isString(title) !== null)
    throw invalidOption(`reportHtml: results[${i}].title`, 'a non-empty string', title);
  return entry;
}

function header(title: string, entries: readonly Entry[], hasSurfaces: boolean): string {
  const places: [string, string][] = [
    ...(hasSurfaces ? [['surfaces', 'Surfaces'] as [string, string]] : []),
    ...entries.map((entry, i): [string, string] => [`result-${i}`, entry.title]),
  ];
  const links = places.map(([id, words]) => tag('li', {}, textTag('a', words, { href: `#${id}` })));
  return tag(
    'header',
    {},
    textTag('h1', title),
    textTag('button', 'Light / dark', { type: 'button', id: 'theme', 'aria-label': 'Dark page' }),
    tag('nav', { 'aria-label': 'Parts of the report' }, tag('ul', {}, ...links)),
  );
}

function resultSection({ result, title }: Entry, i: number, all: readonly Result[]): string {
  const id = `result-${i}`;
  const small = title.startsWith(kindName(result)) ? '' : textTag('small', kindName(result));
  return tag(
    'section',
    { id, 'aria-labelledby': `${id}-title` },
    tag('h2', { id: `${id}-title` }, escapeHtml(title), small),
    section(result, { result: i, title, next: all[i + 1], all }),
    textTag('button', 'Download JSON', {
      type: 'button',
      'data-action': 'json',
      'data-result': i,
      'data-title': title,
    }),
  );
}

/** The page; its policy allows this very script and styles, pictures made in the page, and no request. */
function document(title: string, script: string, body: string): string {
  const hash = createHash('sha256').update(script).digest('base64');
  const policy = `default-src 'none'; script-src 'sha256-${hash}'; style-src 'unsafe-inline'; img-src data: blob:; base-uri 'none'; form-action 'none'`;
  const head = [
    tag('meta', { charset: 'utf-8' }),
    tag('meta', { 'http-equiv': 'Content-Security-Policy', content: policy }),
    tag('meta', { name: 'viewport', content: 'width=device-width, initial-scale=1' }),
    tag('meta', { name: 'color-scheme', content: 'light dark' }),
    tag('meta', { name: 'generator', content: 'lossatlas' }),
    textTag('title', title),
    tag('style', {}, styleSheet()),
  ];
  return `<!doctype html>\n<html lang="en">\n<head>\n${head.join('\n')}\n</head>\n<body>\n${body}\n</body>\n</html>\n`;
}
