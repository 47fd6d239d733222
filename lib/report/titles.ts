import type { Result } from '../io/result-format.js';
import { defaultTitle, landscapeTitle } from '../plot/describe.js';
import type { AxisDescription, Provenance } from '../results.js';
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
  const subjects = new Set(entries.map(({ result }) => subjectOf(result)));
  // What all have in common stands over the page.
  const nameOf = (result: Result) =>
    [kindOf(result), subjects.size > 1 ? subjectOf(result) : ''].filter((part) => part !== '').join(': ');
  const counts = new Map<string, number>();
  return entries.map(({ result, title = nameOf(result) }) => {
    const count = (counts.get(title) ?? 0) + 1;
    counts.set(title, count);
    return { result, title: count === 1 ? title : `${title} (${count})` };
  });
}

/** Models and data of the results, each once and at most three. */
export function pageTitle(results: readonly Result[]): string {
  const subjects = [...new Set(results.map(subjectOf))].filter((subject) => subject !== '');
  return subjects.length === 0 ? 'Loss atlas' : subjects.slice(0, 3).join(' – ');
}

const axisWords: Readonly<Record<AxisDescription['kind'], string>> = {
  gaussian: 'Gaussian directions',
  uniform: 'uniform directions',
  rademacher: 'Rademacher directions',
  'hessian-eigenvector': 'Hessian eigenvectors',
  gradient: 'the gradient',
  difference: 'differences of solutions',
  'adam-moment': 'Adam moments',
  'principal-component': 'principal components',
  custom: 'given directions',
  unknown: 'unknown directions',
};

function kindOf(result: Result): string {
  const name = kindName(result);
  if (result.kind !== 'loss-surface') return name;
  return `${name} along ${[...new Set(result.axes.map(({ kind }) => axisWords[kind]))].join(' and ')}`;
}

function subjectOf(result: Result): string {
  const origin = result.kind === 'landscape-atlas' ? result.surfaces[0] : result;
  if (origin !== undefined && 'source' in origin) return landscapeTitle(origin);
  if (result.kind === 'weight-histogram') return result.model;
  const provenance = provenanceOf(result);
  return provenance === null ? '' : defaultTitle(provenance);
}

function provenanceOf(result: Result): Provenance | null {
  if (result.kind === 'landscape-atlas') return result.surfaces[0]?.provenance ?? null;
  if (result.kind === 'explosion-table') return result.rows[0]?.surface.provenance ?? null;
  if (result.kind === 'weight-histogram') return null;
  if (result.kind === 'criteria-comparison') return result.rows[0]?.provenance ?? null;
  return result.provenance;
}
