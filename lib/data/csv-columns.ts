import { LossAtlasError } from '../errors.js';
import { parseNumber, type CsvRecord } from '../io/csv.js';
import { suggest } from '../validate.js';

/** A column by its name in the header or its number from 0; −1 is the last one. */
export type CsvColumn = string | number;

/** Which fields of a record are features and which one is the target. */
export interface CsvColumns {
  readonly isHeader: boolean;
  readonly numFields: number;
  readonly features: readonly number[];
  readonly target: number | null;
  /** In messages. */
  name(column: number): string;
}

export interface CsvColumnOptions {
  readonly target: CsvColumn | null;
  readonly columns?: readonly CsvColumn[];
  readonly header?: 'auto' | boolean;
}

/** Decides by the first record. Without a word from the user it is a header where none of its fields is a number. */
export function chooseColumns(first: CsvRecord, options: CsvColumnOptions, source: string): CsvColumns {
  const { target, columns, header = 'auto' } = options;
  const { fields } = first;
  const isHeader = header === 'auto' ? fields.every((field) => Number.isNaN(parseNumber(field))) : header;
  const find = (column: CsvColumn, option: string): number => {
    const at =
      typeof column === 'string' ? fields.indexOf(column) : column < 0 ? fields.length + column : column;
    if (typeof column === 'string' && !isHeader) {
      return fail(
        `${source}: ${option} is the name '${column}', but the first line is no header. Give a number, or header: true`,
      );
    }
    if (at >= 0 && at < fields.length) return at;
    if (typeof column === 'string')
      return fail(`${source} has no column '${column}'. ${suggest(column, fields)}`, '');
    return fail(`${source}: ${option} is ${column}, but there are ${fields.length} columns, from 0`);
  };
  const targetColumn = target === null ? null : find(target, 'target');
  const others = fields.map((_, i) => i).filter((i) => i !== targetColumn);
  const features = columns?.map((column) => find(column, 'columns')) ?? others;
  if (features.length === 0) fail(`${source}: there is no column of features`);
  return {
    isHeader,
    numFields: fields.length,
    features,
    target: targetColumn,
    name: (column) => (isHeader ? `column '${fields[column]!}'` : `column ${column} (from 0)`),
  };
}

function fail(problem: string, end = '.'): never {
  throw new LossAtlasError('ERR_INVALID_DATA', problem + end);
}
