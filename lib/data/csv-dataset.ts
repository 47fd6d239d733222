import { basename, extname } from 'node:path';
import { LossAtlasError } from '../errors.js';
import { parseNumber, readCsv } from '../io/csv.js';
import { readWholeFile } from '../io/read-file.js';
import { checkOptions, invalidOption, type Check } from '../validate.js';
import { classesDone, classLabels } from './class-labels.js';
import { chooseColumns, type CsvColumn, type CsvColumnOptions, type CsvColumns } from './csv-columns.js';
import type { Dataset } from './dataset.js';
import { datasetChecks, type DatasetOptions } from './dataset-options.js';
import { FloatList } from './float-list.js';
import { rowsOf } from './rows.js';
import { isSampleShape, shapeDone, shaped } from './sample-shape.js';
import { datasetOf } from './samples.js';

export interface LoadCsvOptions extends DatasetOptions {
  /** The column of the target, by name or number (from 0; −1 is the last); null: there is none. */
  readonly target: CsvColumn | null;
  /** The columns of the features, in this order; default all but the target. */
  readonly columns?: readonly CsvColumn[];
  /** Whether the first line names the columns; default `auto`: where none of its fields is a number. */
  readonly header?: 'auto' | boolean;
  /** One character; default a comma, and a tab for `.tsv`. */
  readonly delimiter?: string;
  /** Shape of one sample: [1, 28, 28] for 784 columns. */
  readonly shape?: readonly number[];
}

const isColumn = (v: unknown) => (typeof v === 'string' && v !== '') || Number.isSafeInteger(v);
const isTarget: Check = (v) => (v === null || isColumn(v) ? null : 'the name or number of a column, or null');
const checks = {
  ...datasetChecks,
  target: isTarget,
  columns: (v) =>
    Array.isArray(v) && v.length > 0 && v.every(isColumn) ? null : 'an array of names or numbers of columns',
  header: (v) => (v === 'auto' || typeof v === 'boolean' ? null : "'auto', true or false"),
  delimiter: (v) =>
    typeof v === 'string' && /^[\t -~]$/.test(v) && v !== '"'
      ? null
      : 'one ASCII character other than a quote',
  shape: isSampleShape,
} as const satisfies Record<keyof LoadCsvOptions, Check>;

/**
 * A data set from a CSV file by RFC 4180: features [N, columns] of float64. Targets that are all numbers stay so
 * (whole ones are int32); others are labels by the sorted list of their texts, which is `classNames`.
 *
 *     const data = await loadCsv('iris.csv', { target: 'species' });
 *     data.classNames; // ['setosa', 'versicolor', 'virginica']
 *
 * Throws ERR_FILE_NOT_FOUND, ERR_FILE_UNREADABLE, ERR_INVALID_DATA (which names line and column), ERR_EMPTY_DATA,
 * ERR_INVALID_OPTION.
 */
export async function loadCsv(path: string, options: LoadCsvOptions): Promise<Dataset> {
  checkOptions('loadCsv', options, checks);
  // Callers from JavaScript may forget it.
  const { target } = (options as LoadCsvOptions | undefined) ?? {};
  if (target === undefined) {
    throw invalidOption(
      "loadCsv: option 'target'",
      'the name or number of a column, or null for none',
      target,
    );
  }
  const delimiter = options.delimiter ?? (extname(path).toLowerCase() === '.tsv' ? '\t' : ',');
  const { features, numFeatures, texts, lines } = readTable(
    await readWholeFile(path),
    delimiter,
    options,
    `'${path}'`,
  );
  const labels = texts === null ? null : classLabels(texts);
  return datasetOf(
    {
      name: basename(path),
      source: `'${path}'`,
      inputs: [rowsOf(features, shaped([lines.length, numFeatures], options.shape, `'${path}'`))],
      targets: labels === null ? null : rowsOf(labels.data, [lines.length]),
      classNames: labels?.classNames ?? null,
      where: (row) => `'${path}', line ${lines[row]!}`,
      done: [...classesDone(labels?.classNames ?? null), ...shapeDone(options.shape)],
    },
    options,
  );
}

interface Table {
  readonly features: Float64Array;
  readonly numFeatures: number;
  readonly texts: readonly string[] | null;
  /** Of each sample. */
  readonly lines: readonly number[];
}

function readTable(bytes: Buffer, delimiter: string, options: CsvColumnOptions, source: string): Table {
  const features = new FloatList(source);
  const texts: string[] = [];
  const lines: number[] = [];
  let columns: CsvColumns | null = null;
  for (const record of readCsv(bytes, delimiter, source)) {
    const { line, fields } = record;
    const fail = (problem: string): never => {
      throw new LossAtlasError('ERR_INVALID_DATA', `${source}, line ${line}${problem}.`);
    };
    if (columns === null) {
      columns = chooseColumns(record, options, source);
      if (columns.isHeader) continue;
    }
    if (fields.length !== columns.numFields) {
      fail(`: the number of fields is ${fields.length}, that of the first line is ${columns.numFields}`);
    }
    for (const column of columns.features) {
      const value = parseNumber(fields[column]!);
      if (Number.isNaN(value)) fail(`, ${columns.name(column)}: ${show(fields[column]!)} is no number`);
      features.push(value);
    }
    if (columns.target !== null) {
      const text = fields[columns.target]!;
      if (text.trim() === '') fail(`, ${columns.name(columns.target)}: the target is empty`);
      texts.push(text);
    }
    lines.push(line);
  }
  if (columns === null) throw new LossAtlasError('ERR_EMPTY_DATA', `${source}: there are no samples.`);
  return {
    features: features.values,
    numFeatures: columns.features.length,
    texts: columns.target === null ? null : texts,
    lines,
  };
}

function show(text: string): string {
  return `'${text.length > 40 ? `${text.slice(0, 37)}…` : text}'`;
}
