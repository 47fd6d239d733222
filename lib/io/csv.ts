import { LossAtlasError } from '../errors.js';

export interface CsvRecord {
  /** Where it begins, from 1. */
  readonly line: number;
  readonly fields: readonly string[];
}

/** Bytes; no number and no name of a class is near it. */
const maxField = 16 << 20;
const [quote, lineFeed, carriageReturn] = [0x22, 0x0a, 0x0d];

/**
 * The records of CSV text in UTF-8 by RFC 4180: fields that begin with a quote end with one and may hold delimiters,
 * line breaks and doubled quotes. Lines end with LF, CRLF or CR; empty lines are skipped. `delimiter` is one byte.
 * Throws ERR_INVALID_DATA, which names the line.
 */
export function* readCsv(bytes: Buffer, delimiter: string, source: string): Generator<CsvRecord, void> {
  if ((bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff)) {
    fail(source, 'the text is UTF-16; save it as UTF-8');
  }
  const separator = delimiter.charCodeAt(0);
  const isEnd = (byte: number | undefined) =>
    byte === lineFeed || byte === carriageReturn || byte === undefined;
  let at = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0;
  let line = 1;
  /** The position after a field that begins at `at` with a quote. */
  const skipQuoted = (): number => {
    const begin = line;
    for (let i = at + 1; i < bytes.length; i++) {
      if (bytes[i] === lineFeed || (bytes[i] === carriageReturn && bytes[i + 1] !== lineFeed)) line++;
      if (bytes[i] !== quote) continue;
      if (bytes[i + 1] !== quote) return i + 1;
      i++;
    }
    return fail(`${source}, line ${begin}`, 'a quoted field has no closing quote');
  };
  const checkLength = (length: number) => {
    if (length > maxField) fail(`${source}, line ${line}`, `a field of ${length} bytes is too long`);
  };
  let slowUntil = 0;
  /** The line at `at`, which it leaves; null where quotes or CR make it more than a line. */
  const plainLine = (): string | null => {
    const found = bytes.indexOf(lineFeed, at);
    const end = found < 0 ? bytes.length : found;
    const text = end - at > maxField ? '"' : bytes.toString('utf8', at, end);
    if (/"|\r[^]/.test(text)) {
      slowUntil = end;
      return null;
    }
    at = end + 1;
    return text.endsWith('\r') ? text.slice(0, -1) : text;
  };
  while (at < bytes.length) {
    const begin = line;
    // Most lines have nothing to look out for, and split many times faster than byte by byte.
    const plain = at < slowUntil ? null : plainLine();
    if (plain !== null) {
      line++;
      if (plain !== '') yield { line: begin, fields: plain.split(delimiter) };
      continue;
    }
    const fields: string[] = [];
    for (;;) {
      if (bytes[at] === quote) {
        const end = skipQuoted();
        if (bytes[end] !== separator && !isEnd(bytes[end])) {
          fail(`${source}, line ${line}`, `field ${fields.length + 1} goes on after its closing quote`);
        }
        checkLength(end - at);
        fields.push(bytes.toString('utf8', at + 1, end - 1).replaceAll('""', '"'));
        at = end;
      } else {
        let end = at;
        while (bytes[end] !== separator && !isEnd(bytes[end])) end++;
        checkLength(end - at);
        fields.push(bytes.toString('utf8', at, end));
        at = end;
      }
      if (bytes[at] !== separator) break;
      at++;
    }
    const isEmpty = fields.length === 1 && fields[0] === '' && bytes[at - 1] !== quote;
    at += bytes[at] === carriageReturn && bytes[at + 1] === lineFeed ? 2 : 1;
    line++;
    if (!isEmpty) yield { line: begin, fields };
  }
}

const number = /^[ \t]*[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?[ \t]*$/;

/** The finite number that a text is, or NaN. */
export function parseNumber(text: string): number {
  const value = number.test(text) ? Number(text) : NaN;
  return Number.isFinite(value) ? value : NaN;
}

function fail(source: string, problem: string): never {
  throw new LossAtlasError('ERR_INVALID_DATA', `${source}: ${problem}.`);
}
