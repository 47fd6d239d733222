import { LossAtlasError } from '../errors.js';
import { invalidOption } from '../validate.js';
import { bytesAt, MemorySource, type ByteSource } from './byte-source.js';
import { hostIsLittle, swapBytes } from './checkpoint/dtype.js';
import { columnMajor, gathered } from './checkpoint/strides.js';
import { fromHalves, toHalves } from './float16.js';
import { parseNpyHeader } from './npy-header.js';

const arrayTypes = {
  f2: Float32Array,
  f4: Float32Array,
  f8: Float64Array,
  i1: Int8Array,
  i2: Int16Array,
  i4: Int32Array,
  i8: BigInt64Array,
  u1: Uint8Array,
  u2: Uint16Array,
  u4: Uint32Array,
  u8: BigUint64Array,
  bool: Uint8Array,
} as const;

/** NumPy's short names. `f2` is held as float32, `bool` as 0 and 1. */
export type NpyDtype = keyof typeof arrayTypes;

type ArrayOf<D extends NpyDtype> = InstanceType<(typeof arrayTypes)[D]>;

/** An n-dimensional array in C order: `data.length` is the product of `shape`. */
export type NpyArray = {
  [D in NpyDtype]: { readonly dtype: D; readonly shape: readonly number[]; readonly data: ArrayOf<D> };
}[NpyDtype];

const maxDimensions = 64;

/**
 * Reads an .npy file (versions 1 to 3, either byte order, C or Fortran order) into C order. Object arrays
 * are pickles and are refused. `source` names the data in messages. Throws ERR_INVALID_DATA.
 */
export function readNpy(bytes: Uint8Array, source = 'npy data'): NpyArray {
  if (!(bytes instanceof Uint8Array)) throw invalidOption('readNpy: bytes', 'the bytes of a file', bytes);
  const { dtype, shape, isFortran, isBig, start } = readNpyLayout(new MemorySource(bytes), source);
  // An aligned copy of its own; slice() would not copy where `bytes` is a Buffer.
  const raw = new Uint8Array(bytes.subarray(start));
  if (isBig === hostIsLittle) swapBytes(Buffer.from(raw.buffer), itemSizeOf(dtype));
  const stored = decode(dtype, raw.buffer, countOf(shape, source));
  const data = isFortran ? gathered(stored, shape, columnMajor(shape)) : stored;
  return { dtype, shape, data } as NpyArray;
}

/** How an .npy file holds its array. */
export interface NpyLayout {
  readonly dtype: NpyDtype;
  readonly shape: readonly number[];
  readonly isFortran: boolean;
  readonly isBig: boolean;
  /** Where the values begin, in bytes; they end with the file. */
  readonly start: number;
}

/** Reads the header of an .npy file, and checks its length. Throws ERR_INVALID_DATA. */
export function readNpyLayout(file: ByteSource, source: string): NpyLayout {
  const { text, end } = headerOf(file, source);
  const { descr, shape, fortranOrder } = parseNpyHeader(text, source);
  const { dtype, itemSize, isBig } = parseDescr(descr, source);
  const expected = countOf(shape, source) * itemSize;
  const present = file.size - end;
  if (expected !== present) {
    const size = `(${shape.join(', ')})`;
    fail(source, `shape ${size} of ${descr} needs ${expected} bytes of data, the file has ${present}`);
  }
  return { dtype, shape, isFortran: fortranOrder && shape.length > 1, isBig, start: end };
}

/** Writes an array as .npy version 1, little endian, C order; NumPy reads it. Throws ERR_INVALID_DATA. */
export function writeNpy(array: NpyArray): Uint8Array {
  const { dtype, shape, data } = array;
  if (!Object.hasOwn(arrayTypes, dtype)) fail('writeNpy', `the dtype '${dtype as string}' is not supported`);
  if (!(data instanceof arrayTypes[dtype])) {
    fail('writeNpy', `dtype '${dtype}' needs a ${arrayTypes[dtype].name}`);
  }
  if (countOf(shape, 'writeNpy') !== data.length) {
    fail('writeNpy', `shape (${shape.join(', ')}) does not fit ${data.length} values`);
  }
  const itemSize = itemSizeOf(dtype);
  const order = itemSize === 1 ? '|' : '<';
  const sizes = shape.length === 1 ? `${shape[0]},` : shape.join(', ');
  const descr = order + (dtype === 'bool' ? 'b1' : dtype);
  const dictionary = `{'descr': '${descr}', 'fortran_order': False, 'shape': (${sizes}), }`;
  const offset = Math.ceil((10 + dictionary.length + 1) / 64) * 64;
  const bytes = new Uint8Array(offset + data.length * itemSize);
  bytes.set([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, (offset - 10) & 255, (offset - 10) >> 8]);
  bytes.set(Buffer.from(`${dictionary.padEnd(offset - 11)}\n`, 'latin1'), 10);
  const body = bytes.subarray(offset);
  const source = dtype === 'f2' ? toHalves(data) : data;
  body.set(new Uint8Array(source.buffer, source.byteOffset, source.byteLength));
  if (!hostIsLittle) swapBytes(Buffer.from(body.buffer, body.byteOffset, body.length), itemSize);
  return bytes;
}

function headerOf(file: ByteSource, source: string): { text: string; end: number } {
  const magic = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];
  if (file.size < 10) fail(source, `${file.size} bytes are too few for an npy file`);
  const bytes = bytesAt(file, 0, Math.min(12, file.size));
  if (magic.some((byte, i) => bytes[i] !== byte)) fail(source, 'no npy file (its magic string is missing)');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const major = bytes[6]!;
  if (major < 1 || major > 3 || bytes[7] !== 0) {
    fail(source, `npy version ${major}.${bytes[7]} is not supported`);
  }
  const start = major === 1 ? 10 : 12;
  if (bytes.length < start) fail(source, 'truncated within the npy header');
  const end = start + (major === 1 ? view.getUint16(8, true) : view.getUint32(8, true));
  if (end > file.size) fail(source, `truncated: the npy header ends at ${end} of ${file.size} bytes`);
  const text = Buffer.from(bytesAt(file, start, end - start));
  return { text: text.toString(major === 3 ? 'utf8' : 'latin1'), end };
}

function parseDescr(descr: string, source: string): { dtype: NpyDtype; itemSize: number; isBig: boolean } {
  const order = descr.charAt(0);
  const code = descr.slice(1);
  if (code.startsWith('O')) fail(source, 'object arrays (dtype O) are pickles, which are never executed');
  const dtype = code === 'b1' ? 'bool' : code;
  if (!isDtype(dtype) || code === 'bool') return fail(source, `the dtype '${descr}' is not supported`);
  const itemSize = itemSizeOf(dtype);
  const orders = itemSize === 1 ? '<>=|' : '<>=';
  if (!orders.includes(order)) fail(source, `the dtype '${descr}' is not supported`);
  return { dtype, itemSize, isBig: order === '>' };
}

function isDtype(name: string): name is NpyDtype {
  return Object.hasOwn(arrayTypes, name);
}

function itemSizeOf(dtype: NpyDtype): number {
  return dtype === 'f2' ? 2 : arrayTypes[dtype].BYTES_PER_ELEMENT;
}

function countOf(shape: readonly number[], source: string): number {
  if (shape.length > maxDimensions) fail(source, `${shape.length} dimensions are more than ${maxDimensions}`);
  if (!shape.every((size) => Number.isSafeInteger(size) && size >= 0)) {
    fail(source, `(${shape.join(', ')}) is no shape`);
  }
  if (shape.includes(0)) return 0;
  const count = shape.reduce((product, size) => product * size, 1);
  if (count > Number.MAX_SAFE_INTEGER / 8) fail(source, `shape (${shape.join(', ')}) is too large`);
  return count;
}

function decode(dtype: NpyDtype, buffer: ArrayBuffer, count: number): NpyArray['data'] {
  if (dtype === 'f2') return fromHalves(new Uint16Array(buffer, 0, count));
  if (dtype === 'bool') return new Uint8Array(buffer, 0, count).map((byte) => (byte === 0 ? 0 : 1));
  return new arrayTypes[dtype](buffer, 0, count);
}

function fail(source: string, problem: string): never {
  throw new LossAtlasError('ERR_INVALID_DATA', `${source}: ${problem}.`);
}
