import { LossAtlasError } from '../../errors.js';
import { allocated } from '../allocate.js';
import type { CsvRecord } from '../csv.js';
import { parseCsvNumber } from './csv-numbers.js';

/** The table of a CSV file, of which only numbers are kept. */
export class CsvTable {
  readonly names: readonly string[];
  readonly numRows: number;
  readonly #read: () => Iterable<CsvRecord>;
  readonly #columns: ReadonlyMap<string, Column>;

  /** `read` gives the records anew each time. Throws ERR_INVALID_DATA where rows differ in length or names repeat. */
  constructor(read: () => Iterable<CsvRecord>, source: string) {
    this.#read = read;
    const fail = (problem: string): never => {
      throw new LossAtlasError('ERR_INVALID_DATA', `${source}: ${problem}.`);
    };
    let names: readonly string[] | null = null;
    let numRows = -1;
    for (const { fields } of read()) {
      names ??= fields;
      numRows++;
      if (fields.length !== names.length) {
        fail(`row ${numRows} has ${fields.length} fields, not ${names.length}`);
      }
    }
    if (names === null) throw new LossAtlasError('ERR_INVALID_DATA', `${source}: there is no table.`);
    this.names = names;
    this.numRows = numRows;
    const columns = names.map((): Column => {
      const values = allocated(() => new Float64Array(numRows), source, `${numRows} numbers`);
      return { values, isNumeric: true };
    });
    this.#columns = new Map(names.map((name, i) => [name, columns[i]!]));
    if (this.#columns.size !== names.length) fail('two columns have one name');
    let row = 0;
    for (const { fields } of this.rows()) {
      for (const [i, column] of columns.entries()) {
        const value = parseCsvNumber(fields[i]!);
        if (value === null) column.isNumeric = false;
        else column.values[row] = value;
      }
      row++;
    }
  }

  /** The records below the names. */
  *rows(): Generator<CsvRecord, void> {
    let isFirst = true;
    for (const record of this.#read()) {
      if (!isFirst) yield record;
      isFirst = false;
    }
  }

  /** A column of numbers, or of `name[probe]` its rows of that probe; null where there is none. */
  array(name: string): Float64Array | null {
    const whole = this.#columns.get(name);
    if (whole !== undefined) return whole.isNumeric ? whole.values.slice() : null;
    const [, of, probe] = /^(\w+)\[(\d{1,9})\]$/.exec(name) ?? [];
    const column = of === undefined ? undefined : this.#columns.get(of);
    if (column?.isNumeric !== true) return null;
    const range = this.#probes().get(Number(probe)) ?? { start: 0, end: 0 };
    return column.values.slice(range.start, range.end);
  }

  #ranges: Map<number, { start: number; end: number }> | null = null;

  /** Where the rows of each probe are; rows in another order do not agree with the result that they make. */
  #probes(): Map<number, { start: number; end: number }> {
    if (this.#ranges !== null) return this.#ranges;
    const ranges = new Map<number, { start: number; end: number }>();
    for (const [row, probe] of (this.#columns.get('probe')?.values ?? []).entries()) {
      const range = ranges.get(probe);
      if (range === undefined) ranges.set(probe, { start: row, end: row + 1 });
      else range.end = row + 1;
    }
    return (this.#ranges = ranges);
  }
}

interface Column {
  readonly values: Float64Array;
  isNumeric: boolean;
}
