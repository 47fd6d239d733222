import { throwIfAborted } from '../steps.js';
import { allocated } from './allocate.js';
import type { ByteSource } from './byte-source.js';
import {
  arrayTypeOf,
  decode,
  itemSizeOf,
  type CheckpointData,
  type CheckpointDtype,
} from './checkpoint/dtype.js';
import { elementsOf } from './checkpoint/strides.js';
import { FileSource } from './file-source.js';

export interface StoredLayout {
  readonly dtype: CheckpointDtype;
  readonly shape: readonly number[];
  /** Bytes of the file before the first value. */
  readonly offset: number;
  readonly isBigEndian?: boolean;
}

/** An array [N, …] in a file, row-major and not packed, of which rows are read as they are asked for. */
export class StoredRows {
  readonly shape: readonly number[];
  /** No value, of the type that `read` gives. */
  readonly empty: CheckpointData;
  readonly #path: string;
  readonly #source: ByteSource;
  readonly #layout: StoredLayout;

  constructor(path: string, source: ByteSource, layout: StoredLayout) {
    this.#path = path;
    this.#source = source;
    this.#layout = layout;
    this.shape = layout.shape;
    this.empty = new (arrayTypeOf(layout.dtype))(0);
  }

  /** Where and how the values lie in the file. */
  get place(): string {
    const { dtype, offset, isBigEndian = false } = this.#layout;
    return `${dtype}[${this.shape.join()}]@${offset}${isBigEndian ? ' big-endian' : ''}`;
  }

  /** Throws ERR_FILE_NOT_FOUND, ERR_FILE_UNREADABLE where the file has changed or cannot be read; ERR_ABORTED. */
  async read(numbers: Uint32Array, signal?: AbortSignal): Promise<CheckpointData> {
    const rowBytes = elementsOf(this.shape.slice(1)) * itemSizeOf(this.#layout.dtype);
    const runs: Run[] = [];
    for (let i = 0; i < numbers.length;) {
      let after = i + 1;
      while (after < numbers.length && numbers[after] === numbers[after - 1]! + 1) after++;
      runs.push({ start: numbers[i]! * rowBytes, length: (after - i) * rowBytes });
      i = after;
    }
    return this.#read(runs, numbers.length * rowBytes, signal);
  }

  /** All rows; throws as `read` does. */
  async readAll(): Promise<CheckpointData> {
    const length = elementsOf(this.shape) * itemSizeOf(this.#layout.dtype);
    return this.#read([{ start: 0, length }], length);
  }

  async #read(runs: readonly Run[], total: number, signal?: AbortSignal): Promise<CheckpointData> {
    const { dtype, offset, isBigEndian = false } = this.#layout;
    const bytes = allocated(() => new Uint8Array(total), `'${this.#path}'`, `${total} bytes`);
    const readRuns = async () => {
      let at = 0;
      for (const { start, length } of runs) {
        throwIfAborted(signal);
        await this.#source.readAsync(bytes.subarray(at, at + length), offset + start);
        at += length;
      }
    };
    throwIfAborted(signal);
    await (this.#source instanceof FileSource ? this.#source.whileOpen(readRuns) : readRuns());
    return decode(dtype, bytes, isBigEndian);
  }
}

/** Bytes after the first value's. */
interface Run {
  readonly start: number;
  readonly length: number;
}
