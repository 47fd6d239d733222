import { LossAtlasError } from '../errors.js';
import { parseNumber } from './csv.js';

/** One line of a libsvm file. */
export interface LibsvmRecord {
  /** From 1. */
  readonly line: number;
  readonly label: number;
  /** As the file has them, ascending. */
  readonly indices: readonly number[];
  readonly values: readonly number[];
}

/** Bytes; a text of them has room in memory. */
const maxLine = 256 << 20;

/**
 * The records of text in the format of libsvm and svmlight: `label index:value … # comment`. Empty lines and `qid` are
 * skipped. Throws ERR_INVALID_DATA, which names the line.
 */
export function* readLibsvm(bytes: Buffer, source: string): Generator<LibsvmRecord, void> {
  let line = 0;
  for (let at = 0; at < bytes.length;) {
    line++;
    const found = bytes.indexOf(10, at);
    const end = found < 0 ? bytes.length : found;
    if (end - at > maxLine) {
      throw new LossAtlasError(
        'ERR_INVALID_DATA',
        `${source}, line ${line}: ${end - at} bytes are too many.`,
      );
    }
    const [content = ''] = bytes.toString('latin1', at, end).split('#', 1);
    at = end + 1;
    const parts = content.split(/[ \t\r\f\v]+/).filter((part) => part !== '');
    if (parts.length > 0) yield parseRecord(parts, line, `${source}, line ${line}`);
  }
}

function parseRecord(parts: readonly string[], line: number, source: string): LibsvmRecord {
  const fail = (problem: string): never => {
    throw new LossAtlasError('ERR_INVALID_DATA', `${source}: ${problem}.`);
  };
  const text = parts[0]!;
  const label = parseNumber(text);
  if (text.includes(',')) fail(`'${cut(text)}' are several labels of one sample, which are not supported`);
  if (Number.isNaN(label)) fail(`the label '${cut(text)}' is no number`);
  const indices: number[] = [];
  const values: number[] = [];
  for (let i = 1; i < parts.length; i++) {
    const part = parts[i]!;
    const colon = part.indexOf(':');
    const key = part.slice(0, Math.max(0, colon));
    if (key === 'qid' && i === 1) continue;
    const value = parseNumber(part.slice(colon + 1));
    const index = /^\d{1,10}$/.test(key) ? Number(key) : NaN;
    if (!(index < 2 ** 31) || Number.isNaN(value)) fail(`'${cut(part)}' is no index:value of numbers`);
    if (indices.length > 0 && index <= indices.at(-1)!) {
      fail(`the index ${index} comes after ${indices.at(-1)!}; indices must ascend`);
    }
    indices.push(index);
    values.push(value);
  }
  return { line, label, indices, values };
}

function cut(text: string): string {
  return text.length > 40 ? `${text.slice(0, 37)}…` : text;
}
