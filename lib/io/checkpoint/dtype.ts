import { endianness } from 'node:os';
import { fromBrainHalves, fromHalves } from '../float16.js';

const formats = {
  float64: Float64Array,
  float32: Float32Array,
  float16: Uint16Array,
  bfloat16: Uint16Array,
  int64: BigInt64Array,
  int32: Int32Array,
  int16: Int16Array,
  int8: Int8Array,
  uint64: BigUint64Array,
  uint32: Uint32Array,
  uint16: Uint16Array,
  uint8: Uint8Array,
  bool: Uint8Array,
} as const;

/** PyTorch's names. */
export type CheckpointDtype = keyof typeof formats;

export type CheckpointData =
  | Float64Array
  | Float32Array
  | BigInt64Array
  | Int32Array
  | Int16Array
  | Int8Array
  | BigUint64Array
  | Uint32Array
  | Uint16Array
  | Uint8Array;

export const hostIsLittle = endianness() === 'LE';

export function isDtype(name: unknown): name is CheckpointDtype {
  return typeof name === 'string' && Object.hasOwn(formats, name);
}

/** Bytes of one value in a file. */
export function itemSizeOf(dtype: CheckpointDtype): number {
  return formats[dtype].BYTES_PER_ELEMENT;
}

/** The type of `data`: float16 and bfloat16 are widened to float32. */
export function arrayTypeOf(dtype: CheckpointDtype) {
  return dtype === 'float16' || dtype === 'bfloat16' ? Float32Array : formats[dtype];
}

/** Whether float32 holds every value of the type exactly. */
export function fitsFloat32(dtype: CheckpointDtype): boolean {
  return dtype === 'float32' || itemSizeOf(dtype) <= 2;
}

/** Whether `decode` widens the values; else their bytes become them. */
export function isWidened(dtype: CheckpointDtype): boolean {
  return dtype === 'float16' || dtype === 'bfloat16';
}

/** The values of bytes as they lie in a file; they are changed, and become the values where these need no widening. */
export function decode(
  dtype: CheckpointDtype,
  { buffer, byteOffset, byteLength }: Uint8Array<ArrayBuffer>,
  isBigEndian: boolean,
): CheckpointData {
  const itemSize = itemSizeOf(dtype);
  const length = byteLength / itemSize;
  if (isBigEndian === hostIsLittle) swapBytes(Buffer.from(buffer, byteOffset, byteLength), itemSize);
  if (dtype === 'float16') return fromHalves(new Uint16Array(buffer, byteOffset, length));
  if (dtype === 'bfloat16') return fromBrainHalves(new Uint16Array(buffer, byteOffset, length));
  const data = new formats[dtype](buffer, byteOffset, length);
  if (dtype === 'bool') data.forEach((byte, i) => (data[i] = byte === 0 ? 0 : 1));
  return data;
}

export function swapBytes(buffer: Buffer, itemSize: number): void {
  if (itemSize === 2) buffer.swap16();
  else if (itemSize === 4) buffer.swap32();
  else if (itemSize === 8) buffer.swap64();
}
