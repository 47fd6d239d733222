import type { ArrayStore, Refuse } from './json-fields.js';
import { inlineArrays } from './json-fields.js';
import { checkLengths, decodeResult, encodeResult } from './result-codec.js';
import type { Result, ResultKind, ResultOf } from './result-format.js';

/** An array as a file holds it; of a grid [ny, nx], in C order. */
export interface StoredArray {
  readonly shape: readonly number[];
  readonly data: Float64Array<ArrayBuffer>;
}

/** A result in two: JSON in which `{ "array": name }` stands for an array, and the arrays by name. */
export interface ResultParts {
  readonly metadata: unknown;
  readonly arrays: ReadonlyMap<string, StoredArray>;
}

/**
 * Splits a result; names are paths of fields such as `loss`, `metrics.margin`, `nodes[0]`, or what `nameOf` makes of path
 * and shape; where that is null, the array stays a list within the JSON. `plainOf` makes of a name one that the file can hold
 * (default letters, digits and `._-[]`). Throws ERR_INVALID_DATA for what is no result.
 */
export function splitResult(
  result: Result,
  nameOf: (key: string, shape: readonly number[]) => string | null = (key) => key,
  plainOf: (name: string) => string = plainName,
): ResultParts {
  const arrays = new Map<string, StoredArray>();
  const metadata = encodeResult(result, {
    ...inlineArrays,
    encode(data, key, shape) {
      const wanted = nameOf(key, shape);
      if (wanted === null) return inlineArrays.encode(data, key, shape);
      const name = freeName(plainOf(wanted), arrays);
      arrays.set(name, { shape, data: data as Float64Array<ArrayBuffer> });
      return { array: name };
    },
  });
  checkLengths(result, 'the result');
  return { metadata, arrays };
}

/**
 * The inverse of `splitResult`: `arrayOf` gives an array of the file, or null where it has none of that name. Each is taken
 * once, so that a result is no larger than its file. Throws ERR_INVALID_DATA naming file and key.
 */
export function joinResult<K extends ResultKind>(
  metadata: unknown,
  arrayOf: (name: string) => Float64Array | null,
  source: string,
  kind?: K,
): ResultOf<K> {
  const taken = new Set<string>();
  const store: ArrayStore = {
    ...inlineArrays,
    decode(value, key, refuse) {
      const name = referenceIn(value);
      if (name === null) return inlineArrays.decode(value, key, refuse);
      if (taken.has(name)) return refuse(key, `an array of its own, not '${name}' again`);
      taken.add(name);
      return arrayOf(name) ?? refuseMissing(name, key, refuse);
    },
  };
  return decodeResult(metadata, store, source, kind);
}

function referenceIn(value: unknown): string | null {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, 'array')) return null;
  const { array } = value as { readonly array: unknown };
  return typeof array === 'string' ? array : null;
}

function refuseMissing(name: string, key: string, refuse: Refuse): never {
  return refuse(key, `the array '${name}', which the file does not have`);
}

/** Metrics have any names; files have their own rules. */
function plainName(name: string): string {
  return name.replaceAll(/[^\w.[\]-]/g, '_');
}

function freeName(plain: string, taken: ReadonlyMap<string, unknown>): string {
  let name = plain;
  for (let number = 2; taken.has(name); number++) name = `${plain}_${number}`;
  return name;
}
