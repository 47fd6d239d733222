import { LossAtlasError } from '../errors.js';
import { decodeField, encodeField, inlineArrays, type ArrayStore, type Refuse } from './json-fields.js';
import { migrated } from './migrations.js';
import {
  findLengthMismatch,
  resultShapes,
  type Result,
  type ResultKind,
  type ResultOf,
} from './result-format.js';

/** A result as JSON data, its arrays as `arrays` stores them. Throws ERR_INVALID_DATA for what is no result. */
export function encodeResult(result: Result, arrays: ArrayStore): unknown {
  const refuse = refuserOf('the result');
  const kind = kindOf(result, refuse);
  return encodeField({ object: resultShapes[kind] }, result, '', { refuse, arrays });
}

/**
 * The result in JSON data of this or an older format version, frozen. `source` names the data in messages, `kind` is the
 * kind asked for (default any). Throws ERR_INVALID_DATA naming the key.
 */
export function decodeResult<K extends ResultKind>(
  data: unknown,
  arrays: ArrayStore,
  source: string,
  kind?: K,
): ResultOf<K> {
  const refuse = refuserOf(source);
  const actual = kindOf(data, refuse);
  if (kind !== undefined && actual !== kind) refuse('kind', JSON.stringify(kind));
  const shape = resultShapes[actual];
  const version = shape.formatVersion.oneOf[0]!;
  const current = migrated(actual, data as Record<string, unknown>, version);
  // First, so that a later format is not reported as a wrong key.
  checkVersion(current.formatVersion, version, source, refuse);
  const result = decodeField({ object: shape }, current, '', { refuse, arrays }) as ResultOf<K>;
  checkLengths(result, source);
  return result;
}

/** Throws ERR_INVALID_DATA for what is no result. */
export function checkResult(result: Result): void {
  encodeResult(result, { ...inlineArrays, encode: () => null });
  checkLengths(result, 'the result');
}

/** Throws ERR_INVALID_DATA where lengths do not agree. */
export function checkLengths(result: Result, source: string): void {
  const mismatch = findLengthMismatch(result);
  if (mismatch !== null) throw new LossAtlasError('ERR_INVALID_DATA', `${source}: ${mismatch}.`);
}

/** `source` names what is refused. */
function refuserOf(source: string): Refuse {
  return (key, expected) => {
    const subject = key === '' ? 'the top level' : `'${key}'`;
    throw new LossAtlasError('ERR_INVALID_DATA', `${source}: ${subject} should be ${expected}.`);
  };
}

function checkVersion(found: unknown, known: number, source: string, refuse: Refuse): void {
  if (found === known) return;
  if (Number.isSafeInteger(found) && (found as number) > known) {
    const message =
      `${source} has format version ${String(found)}, of a later lossatlas; this one reads up to version ${known}. ` +
      'Update lossatlas: npm install lossatlas@latest.';
    throw new LossAtlasError('ERR_INVALID_DATA', message);
  }
  refuse('formatVersion', known === 1 ? '1' : `an integer from 1 to ${known}`);
}

function kindOf(value: unknown, refuse: Refuse): ResultKind {
  if (typeof value !== 'object' || value === null) return refuse('', 'a result object');
  const { kind } = value as { kind?: unknown };
  if (typeof kind === 'string' && Object.hasOwn(resultShapes, kind)) return kind as ResultKind;
  return refuse('kind', Object.keys(resultShapes).join(' or '));
}
