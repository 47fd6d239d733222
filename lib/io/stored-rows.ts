import { open, stat, type FileHandle } from 'node:fs/promises';
import { LossAtlasError } from '../errors.js';
import { throwIfAborted } from '../steps.js';
import {
  decode,
  elementsOf,
  itemSizeOf,
  type CheckpointData,
  type CheckpointDtype,
} from './checkpoint/tensor.js';
import { allocated } from './allocate.js';
import { unreadable } from './read-file.js';

export interface StoredLayout {
  readonly dtype: CheckpointDtype;
  readonly shape: readonly number[];
  /** Bytes of the file before the first value. */
  readonly offset: number;
  readonly isBigEndian?: boolean;
}

/** Bytes read at once; the system takes less than 2^31. */
const maxRead = 2 ** 30;

/** An array [N, …] in a file, row-major and not packed, of which rows are read as they are asked for. */
export class StoredRows {
  readonly shape: readonly number[];
  /** No value, of the type that `read` gives. */
  readonly empty: CheckpointData;
  readonly #path: string;
  readonly #layout: StoredLayout;
  readonly #version: string;

  private constructor(path: string, layout: StoredLayout, version: string) {
    this.#path = path;
    this.#layout = layout;
    this.#version = version;
    this.shape = layout.shape;
    this.empty = decode(layout.dtype, new Uint8Array(0), false);
  }

  /** Where and how the values lie in the file. */
  get place(): string {
    const { dtype, offset, isBigEndian = false } = this.#layout;
    return `${dtype}[${this.shape.join()}]@${offset}${isBigEndian ? ' big-endian' : ''}`;
  }

  /** Throws ERR_FILE_NOT_FOUND, ERR_FILE_UNREADABLE. */
  static async open(path: string, layout: StoredLayout): Promise<StoredRows> {
    try {
      return new StoredRows(path, layout, versionOf(await stat(path)));
    } catch (cause) {
      throw unreadable(path, cause);
    }
  }

  /** Throws ERR_FILE_NOT_FOUND, ERR_FILE_UNREADABLE; ERR_INVALID_DATA where the file has changed; ERR_ABORTED. */
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
    throwIfAborted(signal);
    const bytes = allocated(() => Buffer.alloc(total), `'${this.#path}'`, `${total} bytes`);
    let at = 0;
    try {
      const file = await open(this.#path);
      try {
        if (versionOf(await file.stat()) !== this.#version) this.#fail('has changed since it was opened');
        for (const { start, length } of runs) {
          throwIfAborted(signal);
          if (!(await fill(file, bytes.subarray(at, at + length), offset + start))) {
            this.#fail(`ends before byte ${offset + start + length}`);
          }
          at += length;
        }
      } finally {
        await file.close();
      }
    } catch (cause) {
      throw cause instanceof LossAtlasError ? cause : unreadable(this.#path, cause);
    }
    return decode(dtype, bytes, isBigEndian);
  }

  #fail(problem: string): never {
    throw new LossAtlasError('ERR_INVALID_DATA', `'${this.#path}' ${problem}.`);
  }
}

/** Bytes after the first value's. */
interface Run {
  readonly start: number;
  readonly length: number;
}

async function fill(file: FileHandle, bytes: Buffer, position: number): Promise<boolean> {
  for (let at = 0; at < bytes.length;) {
    const { bytesRead } = await file.read(bytes, at, Math.min(maxRead, bytes.length - at), position + at);
    if (bytesRead === 0) return false;
    at += bytesRead;
  }
  return true;
}

function versionOf({ size, mtimeMs }: { readonly size: number; readonly mtimeMs: number }): string {
  return `${size} ${mtimeMs}`;
}
