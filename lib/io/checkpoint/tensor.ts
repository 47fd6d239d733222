import type { ByteSource } from '../byte-source.js';
import { PickleObject, type PickleFail } from '../pickle.js';
import {
  arrayTypeOf,
  decode,
  hostIsLittle,
  isWidened,
  itemSizeOf,
  type CheckpointData,
  type CheckpointDtype,
} from './dtype.js';
import { elementsOf, gathered, isRowMajor, rowMajor } from './strides.js';

export { itemSizeOf, type CheckpointData, type CheckpointDtype } from './dtype.js';
export { elementsOf } from './strides.js';

/** A tensor of a checkpoint, contiguous and row-major. */
export interface CheckpointTensor {
  readonly dtype: CheckpointDtype;
  readonly shape: readonly number[];
  /** float16 and bfloat16 are widened to float32, which is exact; bool is 0 and 1. */
  readonly data: CheckpointData;
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
  readonly source: () => ByteSource;
}

/** Bytes from which on memory is not cleared first. */
const largeTensor = 1 << 20;

/** A tensor that is read and decoded when its data are first asked for. */
export class StoredTensor extends PickleObject implements CheckpointTensor {
  readonly dtype: CheckpointDtype;
  readonly shape: readonly number[];
  readonly #layout: Required<TensorLayout>;
  #data: CheckpointData | null = null;

  /** Of a layout that lies within its storage; see TensorMaker. */
  constructor(layout: Required<TensorLayout>) {
    super();
    this.dtype = layout.dtype;
    this.shape = layout.shape;
    this.#layout = layout;
  }

  get data(): CheckpointData {
    return (this.#data ??= this.#readNow());
  }

  /**
   * Reads the data, so that `data` is at hand; into `space` where it is given, which is of `spaceBytes` and begins where
   * values of the dtype may.
   */
  async load(space?: Uint8Array<ArrayBuffer>): Promise<void> {
    this.#data ??= await this.#readLater(space);
  }

  /** What `load` fills for good; 0 where the values are at hand, or not those of the file. */
  get spaceBytes(): number {
    const isKept = this.#data === null && this.#isContiguous && !isWidened(this.dtype);
    return isKept ? this.#spanBytes : 0;
  }

  /** Writes the values into `out`, which has as many elements; they are not kept. */
  async copyTo(out: Float32Array | Float64Array): Promise<void> {
    const { dtype, isBigEndian } = this.#layout;
    const isRaw =
      this.#isContiguous && isBigEndian !== hostIsLittle && arrayTypeOf(dtype) === out.constructor;
    if (this.#data === null && isRaw && itemSizeOf(dtype) === out.BYTES_PER_ELEMENT) {
      const bytes = new Uint8Array(out.buffer, out.byteOffset, out.byteLength);
      if (bytes.length > 0) await this.#layout.source().readAsync(bytes, this.#start);
    } else copyNumbers(this.#data ?? (await this.#readLater()), out);
  }

  /** Whether both are one and the same part of one storage, as tied parameters are. */
  isSameMemoryAs(other: StoredTensor): boolean {
    const [a, b] = [this.#layout, other.#layout];
    const isSame = a.dtype === b.dtype && a.offset === b.offset && a.source() === b.source();
    return isSame && a.shape.join() === b.shape.join() && a.strides.join() === b.strides.join();
  }

  get #isContiguous(): boolean {
    return isRowMajor(this.#layout.shape, this.#layout.strides);
  }

  get #start(): number {
    return this.#layout.offset * itemSizeOf(this.dtype);
  }

  #readNow(): CheckpointData {
    const bytes = this.#space();
    if (bytes.length > 0) this.#layout.source().read(bytes, this.#start);
    return this.#decode(bytes);
  }

  async #readLater(space = this.#space()): Promise<CheckpointData> {
    if (space.length > 0) await this.#layout.source().readAsync(space, this.#start);
    return this.#decode(space);
  }

  /** From the first to the last element. */
  get #spanBytes(): number {
    return spanOf(this.#layout) * itemSizeOf(this.dtype);
  }

  #space(): Uint8Array<ArrayBuffer> {
    const size = this.#spanBytes;
    if (size < largeTensor) return new Uint8Array(size);
    // All of it is read over, or never seen: zeros would cost as much as the reading.
    const { buffer } = Buffer.allocUnsafeSlow(size);
    return new Uint8Array(buffer, 0, size);
  }

  #decode(bytes: Uint8Array<ArrayBuffer>): CheckpointData {
    const { dtype, shape, strides, isBigEndian } = this.#layout;
    const data = decode(dtype, bytes, isBigEndian);
    return this.#isContiguous ? data : gathered(data, shape, strides);
  }
}

export function isTensor(value: unknown): value is StoredTensor {
  return value instanceof StoredTensor;
}

/** As float64 or float32, which large 64-bit integers may not fit into exactly. */
export function copyNumbers(data: CheckpointData, out: Float32Array | Float64Array): void {
  if (data instanceof BigInt64Array || data instanceof BigUint64Array) {
    for (let i = 0; i < data.length; i++) out[i] = Number(data[i]);
  } else out.set(data);
}

/** From the first to the last element, both included. */
function spanOf({ shape, strides }: Pick<Required<TensorLayout>, 'shape' | 'strides'>): number {
  if (elementsOf(shape) === 0) return 0;
  return 1 + shape.reduce((sum, size, axis) => sum + (size - 1) * strides[axis]!, 0);
}

/** All tensors of one file may hold 4 times its size and 64 MB: expanded and shared storages need more than 1. */
const maxRatio = 4;
const allowance = 64e6;
const maxDimensions = 64;

/** Makes the tensors of one file, each checked to lie within its storage. */
export class TensorMaker {
  private budget: number;

  constructor(fileSize: number) {
    this.budget = maxRatio * fileSize + allowance;
  }

  /** Counts what one more tensor takes. */
  charge(bytes: number, fail: PickleFail): void {
    this.budget -= bytes;
    if (!(this.budget >= 0)) fail(`its tensors hold more than ${maxRatio} times the size of the file`);
  }

  make(layout: TensorLayout, fail: PickleFail): StoredTensor {
    const { dtype, offset = 0, length, isBigEndian = false, source } = layout;
    const shape = Object.freeze([...layout.shape]);
    if (shape.length > maxDimensions) fail(`a tensor has ${shape.length} dimensions`);
    const strides = [...(layout.strides ?? rowMajor(shape))];
    const text = `a tensor of shape (${shape.join(', ')})`;
    if (![...shape, ...strides, offset].every(isSize)) fail(`${text} has no valid size, stride or offset`);
    if (strides.length !== shape.length) fail(`${text} has ${strides.length} strides`);
    const count = elementsOf(shape);
    const span = spanOf({ shape, strides });
    if (count > 0 && !(offset + span <= length)) {
      fail(`${text} does not fit into its storage of ${length} elements`);
    }
    // Decoding copies what lies between the first and the last element.
    this.charge(Math.max(count, span) * arrayTypeOf(dtype).BYTES_PER_ELEMENT, fail);
    return new StoredTensor({ dtype, shape, strides, offset, length, isBigEndian, source });
  }
}

function isSize(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
