import type { Result } from '../io/result-format.js';
import { defaultTitle } from '../plot/describe.js';
import type { Provenance } from '../results.js';
import { kindName } from './sections.js';

/** A result of a report under a title of its own. */
export interface ReportEntry {
  readonly result: Result;
  /** Default: what it is, of which model on which data. */
  readonly title?: string | undefined;
}

export interface Entry {
  readonly result: Result;
  readonly title: string;
}

/** Every result under a title; default ones that would be equal are numbered. */
export function titled(entries: readonly ReportEntry[]): Entry[] {
  const counts = new Map<string, number>();
  return entries.map(({ result, title = defaultOf(result) }) => {
    const count = (counts.get(title) ?? 0) + 1;
    counts.set(title, count);
    return { result, title: count === 1 ? title : `${title} (${count})` };
  });
}

/** Models and data of all results, each once. */
export function pageTitle(results: readonly Result[]): string {
  const subjects = new Set(results.map(subjectOf).filter((subject) => subject !== ''));
  return ['Loss atlas', ...[...subjects].slice(0, 3)].join(' – ');
}

function defaultOf(result: Result): string {
  const subject = subjectOf(result);
  return subject === '' ? kindName(result) : `${kindName(result)}: ${subject}`;
}

function subjectOf(result: Result): string {
  const provenance = provenanceOf(result);
  return provenance === null ? '' : defaultTitle(provenance);
}

function provenanceOf(result: Result): Provenance | null {
  if (result.kind === 'landscape-atlas') return result.surfaces[0]?.provenance ?? null;
  if (result.kind === 'criteria-comparison') return result.rows[0]?.provenance ?? null;
  return result.provenance;
}
