import { LossAtlasError } from '../../errors.js';
import { readCsv } from '../csv.js';
import { parseJson } from '../json.js';
import type { Result, ResultKind, ResultOf } from '../result-format.js';
import { joinResult, splitResult } from '../result-parts.js';
import { csvColumns, csvNameOf, type CsvColumn } from './csv-tables.js';
import { formatCsvNumber, parseCsvNumber } from './csv-numbers.js';
import { CsvTable } from './csv-table.js';

/** A result of one of `csvKinds` as CSV: a comment line with what is not in the table, names, rows. */
export function resultToCsv(result: Result): string {
  const columns = csvColumns(result) ?? [];
  const { metadata } = splitResult(
    result,
    (key) => csvNameOf(result.kind, columns, key),
    (name) => name,
  );
  const lines = [`# ${JSON.stringify(metadata)}`, columns.map(({ name }) => formatText(name)).join(',')];
  const numRows = columns[0]?.values.length ?? 0;
  for (let row = 0; row < numRows; row++) {
    lines.push(columns.map(({ values }) => formatCell(values[row]!)).join(','));
  }
  return `${lines.join('\n')}\n`;
}

/**
 * The inverse of `resultToCsv`. Rows in another order, and changed texts, are refused: what the table repeats of the
 * metadata has to agree. `source` names the file in messages. Throws ERR_INVALID_DATA.
 */
export function resultFromCsv<K extends ResultKind>(bytes: Buffer, source: string, kind?: K): ResultOf<K> {
  const end = bytes.indexOf(0x0a);
  if (!bytes.subarray(0, 3).equals(Buffer.from('# {')) || end < 0) {
    const message =
      `${source} is no result: its first line is no comment as saveResult writes it. ` +
      'Tables of data are read by loadCsv(path, { target }).';
    throw new LossAtlasError('ERR_INVALID_DATA', message);
  }
  const metadata = parseJson(bytes.toString('utf8', 2, end), `${source}, first line`);
  const body = bytes.subarray(end + 1);
  const where = `${source}, below its first line`;
  const table = new CsvTable(() => readCsv(body, ',', where), source);
  const result = joinResult(metadata, (name) => table.array(name), source, kind);
  checkTable(table, csvColumns(result), source);
  return result;
}

function checkTable(table: CsvTable, columns: readonly CsvColumn[] | null, source: string): void {
  const refuse = (problem: string): never => {
    throw new LossAtlasError('ERR_INVALID_DATA', `${source}: ${problem}. Was it sorted or edited?`);
  };
  if (columns === null) return refuse('its kind has no table');
  const names = columns.map(({ name }) => name);
  if (names.length !== table.names.length || names.some((name, i) => name !== table.names[i])) {
    return refuse(`its columns are ${table.names.join(', ')}, not ${names.join(', ')}`);
  }
  const numRows = columns[0]!.values.length;
  if (table.numRows !== numRows) return refuse(`it has ${table.numRows} rows, not ${numRows}`);
  let row = 0;
  for (const { fields } of table.rows()) {
    for (const [i, { name, values }] of columns.entries()) {
      const value = values[row]!;
      const agrees =
        typeof value === 'number'
          ? Object.is(parseCsvNumber(fields[i]!), value)
          : fields[i] === String(value);
      if (!agrees) refuse(`row ${row + 1} of the column '${name}' is not what its first line says`);
    }
    row++;
  }
}

function formatCell(value: number | string | boolean): string {
  return typeof value === 'number' ? formatCsvNumber(value) : formatText(String(value));
}

/** Quoted where a reader would take a part of it for something else; `#` begins a comment. */
function formatText(text: string): string {
  return /[",#\r\n]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
