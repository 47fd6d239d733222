import { LossAtlasError } from '../errors.js';
import { inlineArrays } from './json-fields.js';
import { formatJson } from './json-text.js';
import { readWholeFile } from './read-file.js';
import { decodeResult, encodeResult } from './result-codec.js';
import type { Result, ResultKind, ResultOf } from './result-format.js';
import { writeWholeFile } from './write-file.js';

export type { Result, ResultKind, ResultOf } from './result-format.js';

/**
 * A result as JSON text: typed arrays as lists, NaN, infinities and −0 as strings, every float64 exact.
 * Throws ERR_INVALID_DATA for what is no result.
 */
export function toJson(result: Result): string {
  const encoded = encodeResult(result, inlineArrays);
  try {
    return `${formatJson(encoded)}\n`;
  } catch (cause) {
    // Strings have half a billion characters at most.
    if (!(cause instanceof RangeError)) throw cause;
    throw new LossAtlasError(
      'ERR_OUT_OF_MEMORY',
      `This ${result.kind} is too long for a JSON text: save it as .npz or .h5.`,
      { cause },
    );
  }
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
  return decodeResult(parseJson(text, source), inlineArrays, source, kind);
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

/** Throws ERR_INVALID_DATA. */
export function parseJson(text: string, source: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new LossAtlasError('ERR_INVALID_DATA', `${source} is not JSON: ${reason}.`, { cause });
  }
}
