import { parseNumber } from '../io/csv.js';
import { numberArray } from './number-array.js';

export interface ClassLabels {
  readonly data: Int32Array | Float64Array;
  /** By label; null where the texts are numbers, which stay as they are. */
  readonly classNames: readonly string[] | null;
}

/** Labels of texts: numbers where all of them are, else their places in the sorted list of the different texts. */
export function classLabels(texts: readonly string[]): ClassLabels {
  const values = texts.map(parseNumber);
  if (!values.some(Number.isNaN)) return { data: numberArray(values), classNames: null };
  const classNames = [...new Set(texts)].sort(byCodePoint);
  const labels = new Map(classNames.map((name, label) => [name, label]));
  return { data: Int32Array.from(texts, (text) => labels.get(text)!), classNames: Object.freeze(classNames) };
}

/** Python's order of strings, which is that of their bytes in UTF-8. */
export function byCodePoint(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

const maxNames = 20;

/** For provenance. */
export function classesDone(classNames: readonly string[] | null): readonly string[] {
  if (classNames === null) return [];
  const shown = classNames.slice(0, maxNames).join(', ');
  return [`${classNames.length} classes in order: ${shown}${classNames.length > maxNames ? ', …' : ''}`];
}
