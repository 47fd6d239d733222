import { parseNumber } from '../csv.js';

const special: ReadonlyMap<string, number> = new Map([
  ['NaN', NaN],
  ['inf', Infinity],
  ['-inf', -Infinity],
]);
const textOf: ReadonlyMap<number, string> = new Map([...special].map(([text, value]) => [value, text]));

/** Exact; as Python and NumPy write what is not finite. −0 has a point, so that a column of it is read as floats. */
export function formatCsvNumber(value: number): string {
  return textOf.get(value) ?? (Object.is(value, -0) ? '-0.0' : String(value));
}

/** The inverse; null for what is no number. */
export function parseCsvNumber(text: string): number | null {
  const value = special.get(text) ?? parseNumber(text);
  return Number.isNaN(value) && text !== 'NaN' ? null : value;
}
