import { LossAtlasError } from '../errors.js';
import { decodeField, encodeField, type Refuse } from './json-fields.js';
import {
  findLengthMismatch,
  resultShapes,
  type Result,
  type ResultKind,
  type ResultOf,
} from './result-format.js';
import { readWholeFile } from './read-file.js';
import { writeWholeFile } from './write-file.js';

export type { Result, ResultKind, ResultOf } from './result-format.js';

/**
 * A result as JSON text: typed arrays as lists, NaN, infinities and −0 as strings, every float64 exact.
 * Throws ERR_INVALID_DATA for what is no result.
 */
export function toJson(result: Result): string {
  const refuse = refuserOf('the result');
  const data = encodeField({ object: resultShapes[kindOf(result, refuse)] }, result, '', refuse);
  return `${format(data, '')}\n`;
}

/**
 * The result in a JSON text, frozen, with Float64Arrays. `source` names the text in messages, `kind` is the
 * kind asked for (default any). Throws ERR_INVALID_DATA naming the key.
 */
export function fromJson<K extends ResultKind = ResultKind>(
  text: string,
  source = 'JSON text',
  kind?: K,
): ResultOf<K> {
  const refuse = refuserOf(source);
  const data = parse(text, source);
  const actual = kindOf(data, refuse);
  if (kind !== undefined && actual !== kind) refuse('kind', JSON.stringify(kind));
  const shape = resultShapes[actual];
  // First, so that a later format is not reported as a wrong key.
  const { formatVersion } = data as { formatVersion?: unknown };
  decodeField(shape.formatVersion, formatVersion, 'formatVersion', refuse);
  const result = decodeField({ object: shape }, data, '', refuse) as ResultOf<K>;
  const mismatch = findLengthMismatch(result);
  if (mismatch !== null) throw new LossAtlasError('ERR_INVALID_DATA', `${source}: ${mismatch}.`);
  return result;
}

/** Writes a result as JSON, whole or not at all. Throws ERR_FILE_NOT_WRITABLE. */
export async function saveJson(path: string, result: Result): Promise<void> {
  await writeWholeFile(path, toJson(result));
}

/**
 * Reads a result that `saveJson` wrote; `kind` is the kind asked for (default any).
 * Throws ERR_FILE_NOT_FOUND, ERR_FILE_UNREADABLE, or ERR_INVALID_DATA naming file and key.
 */
export async function loadJson<K extends ResultKind = ResultKind>(
  path: string,
  kind?: K,
): Promise<ResultOf<K>> {
  const text = (await readWholeFile(path)).toString('utf8');
  return fromJson(text, `'${path}'`, kind);
}

function parse(text: string, source: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new LossAtlasError('ERR_INVALID_DATA', `${source} is not JSON: ${reason}.`, { cause });
  }
}

function kindOf(value: unknown, refuse: Refuse): ResultKind {
  if (typeof value !== 'object' || value === null) return refuse('', 'a result object');
  const { kind } = value as { kind?: unknown };
  if (typeof kind === 'string' && Object.hasOwn(resultShapes, kind)) return kind as ResultKind;
  return refuse('kind', Object.keys(resultShapes).join(' or '));
}

function refuserOf(source: string): Refuse {
  return (key, expected) => {
    const subject = key === '' ? 'the top level' : `'${key}'`;
    throw new LossAtlasError('ERR_INVALID_DATA', `${source}: ${subject} should be ${expected}.`);
  };
}

/** One key per line, lists of plain values on one line. */
function format(value: unknown, indent: string): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const inner = `${indent}  `;
  if (Array.isArray(value)) {
    const isNested = value.some((item) => typeof item === 'object' && item !== null);
    if (!isNested) return JSON.stringify(value);
    return `[\n${value.map((item) => inner + format(item, inner)).join(',\n')}\n${indent}]`;
  }
  const lines = Object.entries(value).map(
    ([key, item]) => `${inner}${JSON.stringify(key)}: ${format(item, inner)}`,
  );
  return `{\n${lines.join(',\n')}\n${indent}}`;
}
