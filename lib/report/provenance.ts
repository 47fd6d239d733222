import type { Provenance } from '../results.js';
import { closed, factsTable, type Cell } from './tables.js';

/** Everything that is needed to repeat a result; null for one of another program's file. */
export function provenanceTable(provenance: Provenance | null): string {
  const rows: [string, Cell][] =
    provenance === null ? [['origin', "unknown: read from another program's file"]] : factsOf(provenance, '');
  return closed('Provenance', factsTable('How this was made', rows));
}

function factsOf(value: object, prefix: string): [string, Cell][] {
  return Object.entries(value).flatMap(([key, item]: [string, unknown]): [string, Cell][] => {
    const name = prefix === '' ? inWords(key) : `${prefix}: ${inWords(key)}`;
    if (Array.isArray(item)) return [[name, item.length === 0 ? 'none' : item.join(', ')]];
    if (typeof item === 'object' && item !== null) return factsOf(item, name);
    if (item === '') return [[name, 'none']];
    // Counts and seeds with all of their digits.
    if (typeof item === 'number') return [[name, String(item)]];
    return [[name, item as Cell]];
  });
}

/** `numSamples` as `number of samples`. */
function inWords(key: string): string {
  return key.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`).replace(/^num /, 'number of ');
}
