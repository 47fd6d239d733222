import { endianness } from 'node:os';

import { LossAtlasError } from '../errors.js';
import { gunzipSized, isGzip } from './gunzip.js';
import { readWholeFile } from './read-file.js';

const arrayTypes = {
  0x08: Uint8Array,
  0x09: Int8Array,
  0x0b: Int16Array,
  0x0c: Int32Array,
  0x0d: Float32Array,
  0x0e: Float64Array,
} as const;

type IdxData = InstanceType<(typeof arrayTypes)[keyof typeof arrayTypes]>;

/** The array of an IDX file, decoded row by row as asked for. */
export interface IdxArray {
  readonly shape: readonly number[];
  /** Rows (entries of the first dimension) by number. */
  rows(numbers: Iterable<number>, count: number): IdxData;
}

export interface IdxHeader {
  readonly shape: readonly number[];
  readonly ArrayType: (typeof arrayTypes)[keyof typeof arrayTypes];
  /** Where the values start. */
  readonly offset: number;
  /** Of the whole file. */
  readonly size: number;
}

/**
 * An IDX file (MNIST's format), plain or gzip as its first bytes say: two zero bytes, the code of the type, the
 * number of dimensions, their sizes, the values; all big-endian.
 * Throws ERR_FILE_NOT_FOUND, ERR_FILE_UNREADABLE, ERR_INVALID_DATA.
 */
export async function readIdx(path: string): Promise<IdxArray> {
  const source = `'${path}'`;
  const stored = await readWholeFile(path);
  const bytes = isGzip(stored)
    ? await gunzipSized(stored, (start) => parseIdxHeader(start, source)?.size ?? null, source)
    : stored;
  const header = parseIdxHeader(bytes, source);
  if (header === null) fail(source, `${bytes.length} bytes are too few for the header of an IDX file`);
  const { shape, ArrayType, offset, size } = header;
  if (bytes.length !== size) {
    const type = ArrayType.name.replace('Array', '').toLowerCase();
    fail(
      source,
      `[${shape.join(', ')}] values of type ${type} make a file of ${size} bytes, there are ${bytes.length}`,
    );
  }
  const width = shape.slice(1).reduce((product, dim) => product * dim, ArrayType.BYTES_PER_ELEMENT);
  return {
    shape,
    rows(numbers, count) {
      const raw = Buffer.alloc(count * width);
      let to = 0;
      for (const row of numbers) {
        raw.set(bytes.subarray(offset + row * width, offset + (row + 1) * width), to);
        to += width;
      }
      toHostOrder(raw, ArrayType.BYTES_PER_ELEMENT);
      return new ArrayType(raw.buffer, raw.byteOffset, raw.length / ArrayType.BYTES_PER_ELEMENT);
    },
  };
}

/** The header of an IDX file from its first bytes; null where they end within it. Throws ERR_INVALID_DATA. */
export function parseIdxHeader(bytes: Uint8Array, source: string): IdxHeader | null {
  if (bytes.length < 4) return null;
  const code = bytes[2]!;
  const numDimensions = bytes[3]!;
  if (bytes[0] !== 0 || bytes[1] !== 0) fail(source, 'no IDX file: it does not start with two zero bytes');
  if (!(code in arrayTypes)) {
    fail(source, `no IDX file, or a damaged one: there is no type with the code 0x${code.toString(16)}`);
  }
  if (numDimensions === 0) fail(source, 'the array has no dimension');
  const offset = 4 + 4 * numDimensions;
  if (bytes.length < offset) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const shape = Array.from({ length: numDimensions }, (_, i) => view.getUint32(4 + 4 * i));
  const ArrayType = arrayTypes[code as keyof typeof arrayTypes];
  const size = offset + shape.reduce((product, dim) => product * dim, ArrayType.BYTES_PER_ELEMENT);
  if (!Number.isSafeInteger(size)) fail(source, `the shape [${shape.join(', ')}] is too large`);
  return { shape, ArrayType, offset, size };
}

function toHostOrder(bytes: Buffer, itemSize: number): void {
  if (endianness() === 'BE') return;
  if (itemSize === 2) bytes.swap16();
  else if (itemSize === 4) bytes.swap32();
  else if (itemSize === 8) bytes.swap64();
}

function fail(source: string, problem: string): never {
  throw new LossAtlasError('ERR_INVALID_DATA', `${source}: ${problem}.`);
}
