import { endianness } from 'node:os';
import { halfToNumber } from '../float16.js';
import { PickleObject, type PickleFail } from '../pickle.js';

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

/** A tensor of a checkpoint, contiguous and row-major. */
export interface CheckpointTensor {
  readonly dtype: CheckpointDtype;
  readonly shape: readonly number[];
  /** float16 and bfloat16 are widened to float32, which is exact; bool is 0 and 1. */
  readonly data: CheckpointData;
}

/** A tensor that is decoded when its data are first asked for. */
export class StoredTensor extends PickleObject implements CheckpointTensor {
  readonly dtype: CheckpointDtype;
  readonly shape: readonly number[];
  #load: (() => CheckpointData) | null;
  #data: CheckpointData | null = null;

  constructor(dtype: CheckpointDtype, shape: readonly number[], load: () => CheckpointData) {
    super();
    this.dtype = dtype;
    this.shape = shape;
    this.#load = load;
  }

  get data(): CheckpointData {
    if (this.#data !== null) return this.#data;
    this.#data = this.#load!();
    this.#load = null;
    return this.#data;
  }
}

export function isTensor(value: unknown): value is CheckpointTensor {
  return value instanceof StoredTensor;
}

export function elementsOf(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

export function itemSizeOf(dtype: CheckpointDtype): number {
  return formats[dtype].BYTES_PER_ELEMENT;
}

/** How a tensor lies in its storage; offset, strides and length count elements. */
export interface TensorLayout {
  readonly dtype: CheckpointDtype;
  readonly shape: readonly number[];
  /** Default: row-major. */
  readonly strides?: readonly number[];
  readonly offset?: number;
  /** Elements of the storage. */
  readonly length: number;
  readonly isBigEndian?: boolean;
  /** The storage's bytes; asked for when the tensor is decoded. */
  readonly bytes: () => Uint8Array;
}

/** All tensors of one file may hold 64 times its size and 64 MB: expanded and shared storages need more than 1. */
const maxRatio = 64;
const allowance = 64e6;
const maxDimensions = 64;

/** Makes the tensors of one file, each checked to lie within its storage. */
export class TensorMaker {
  private budget: number;

  constructor(fileSize: number) {
    this.budget = maxRatio * fileSize + allowance;
  }

  make(layout: TensorLayout, fail: PickleFail): StoredTensor {
    const { dtype, offset = 0, length } = layout;
    const shape = [...layout.shape];
    if (shape.length > maxDimensions) fail(`a tensor has ${shape.length} dimensions`);
    const strides = [...(layout.strides ?? rowMajor(shape))];
    const text = `a tensor of shape (${shape.join(', ')})`;
    if (![...shape, ...strides, offset].every(isSize)) fail(`${text} has no valid size, stride or offset`);
    if (strides.length !== shape.length) fail(`${text} has ${strides.length} strides`);
    const count = elementsOf(shape);
    const last = shape.reduce((sum, size, axis) => sum + (size - 1) * strides[axis]!, offset);
    if (count > 0 && !(last < length)) fail(`${text} does not fit into its storage of ${length} elements`);
    // Decoding copies what lies between the first and the last element.
    const span = count > 0 ? last + 1 - offset : count;
    this.budget -= Math.max(count, span) * Math.max(4, itemSizeOf(dtype));
    if (!(this.budget >= 0)) fail(`its tensors hold more than ${maxRatio} times the size of the file`);
    const isBig = layout.isBigEndian ?? false;
    return new StoredTensor(dtype, Object.freeze(shape), () => {
      if (count === 0) return decode(dtype, new Uint8Array(0), isBig);
      const size = itemSizeOf(dtype);
      const raw = layout.bytes().subarray(offset * size, (last + 1) * size);
      const data = decode(dtype, raw, isBig);
      return isRowMajor(shape, strides) ? data : gathered(data, shape, strides, count);
    });
  }
}

function isSize(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function rowMajor(shape: readonly number[]): number[] {
  const strides = new Array<number>(shape.length);
  let stride = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    strides[axis] = stride;
    stride *= Math.max(1, shape[axis]!);
  }
  return strides;
}

/** Axes of one element have strides that do not matter. */
function isRowMajor(shape: readonly number[], strides: readonly number[]): boolean {
  return rowMajor(shape).every((stride, axis) => shape[axis] === 1 || strides[axis] === stride);
}

function gathered(
  from: CheckpointData,
  shape: readonly number[],
  strides: readonly number[],
  count: number,
): CheckpointData {
  const to = new (from.constructor as new (length: number) => CheckpointData)(count);
  const index = new Array<number>(shape.length).fill(0);
  let at = 0;
  for (let i = 0; i < count; i++) {
    to[i] = from[at]!;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      at += strides[axis]!;
      if (++index[axis]! < shape[axis]!) break;
      at -= strides[axis]! * shape[axis]!;
      index[axis] = 0;
    }
  }
  return to;
}

const hostIsLittle = endianness() === 'LE';

/** Values from their bytes in a file; the narrow floats are widened, as CheckpointTensor says. */
export function decode(dtype: CheckpointDtype, bytes: Uint8Array, isBigEndian: boolean): CheckpointData {
  // An aligned copy of its own.
  const { buffer } = new Uint8Array(bytes);
  if (isBigEndian === hostIsLittle) swapBytes(Buffer.from(buffer), itemSizeOf(dtype));
  if (dtype === 'float16') return Float32Array.from(new Uint16Array(buffer), halfToNumber);
  if (dtype === 'bfloat16') {
    const bits = Uint32Array.from(new Uint16Array(buffer), (half) => half << 16);
    return new Float32Array(bits.buffer);
  }
  if (dtype === 'bool') return new Uint8Array(buffer).map((byte) => (byte === 0 ? 0 : 1));
  return new formats[dtype](buffer);
}

function swapBytes(buffer: Buffer, itemSize: number): void {
  if (itemSize === 2) buffer.swap16();
  else if (itemSize === 4) buffer.swap32();
  else if (itemSize === 8) buffer.swap64();
}
