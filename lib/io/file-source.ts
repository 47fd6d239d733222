import { close, closeSync, fstatSync, openSync, read, readSync, type BigIntStats } from 'node:fs';
import { stat } from 'node:fs/promises';
import { promisify } from 'node:util';

import { LossAtlasError } from '../errors.js';
import { MemorySource, type ByteSource } from './byte-source.js';
import { readWholeFile, unreadable } from './read-file.js';

const readFrom = promisify(read);
const closeLater = promisify(close);

/** Below this, a read costs less than handing it to another thread; above, several threads share one read. */
const smallRead = 128 << 10;
const partSize = 8 << 20;

/**
 * A file that is open only while it is read, so that nobody has to close it. Later reads find out whether it is still
 * the same file. Throws ERR_FILE_NOT_FOUND, ERR_FILE_UNREADABLE.
 */
export class FileSource implements ByteSource {
  readonly size: number;
  readonly #path: string;
  readonly #stats: BigIntStats;
  #descriptor: number | null = null;
  #numUsers = 0;

  constructor(path: string) {
    this.#path = path;
    const descriptor = openFile(path);
    try {
      this.#stats = fstatSync(descriptor, { bigint: true });
      this.size = Number(this.#stats.size);
    } finally {
      closeSync(descriptor);
    }
  }

  read(into: Uint8Array, start: number): void {
    const descriptor = this.#acquire();
    try {
      for (let done = 0; done < into.length;) {
        const length = Math.min(into.length - done, partSize);
        done += this.#count(() => readSync(descriptor, into, done, length, start + done));
      }
    } finally {
      if (this.#release()) closeSync(descriptor);
    }
  }

  async readAsync(into: Uint8Array, start: number): Promise<void> {
    if (into.length <= smallRead) {
      this.read(into, start);
      return;
    }
    await this.whileOpen(async () => {
      const numParts = Math.ceil(into.length / partSize);
      // All end before the file is closed, after a failure too.
      const parts = await Promise.allSettled(
        Array.from({ length: numParts }, async (_, i) => {
          const end = Math.min(into.length, (i + 1) * partSize);
          for (let done = i * partSize; done < end;) {
            const { bytesRead } = await readFrom(
              this.#descriptor!,
              into,
              done,
              end - done,
              start + done,
            ).catch((cause: unknown) => {
              throw unreadable(this.#path, cause);
            });
            done += this.#count(() => bytesRead);
          }
        }),
      );
      const failed = parts.find((part) => part.status === 'rejected');
      if (failed !== undefined) throw failed.reason;
    });
  }

  /** Opens the file once for all reads of `use`. */
  async whileOpen<T>(use: () => T | Promise<T>): Promise<T> {
    const descriptor = this.#acquire();
    try {
      return await use();
    } finally {
      if (this.#release()) await closeLater(descriptor);
    }
  }

  #acquire(): number {
    if (this.#descriptor === null) {
      const descriptor = openFile(this.#path);
      const now = fstatSync(descriptor, { bigint: true });
      const names = ['dev', 'ino', 'size', 'mtimeNs'] as const;
      if (names.some((name) => now[name] !== this.#stats[name])) {
        closeSync(descriptor);
        throw changed(this.#path);
      }
      this.#descriptor = descriptor;
    }
    this.#numUsers++;
    return this.#descriptor;
  }

  /** Whether this was the last user. */
  #release(): boolean {
    if (--this.#numUsers > 0) return false;
    this.#descriptor = null;
    return true;
  }

  #count(readSome: () => number): number {
    let count: number;
    try {
      count = readSome();
    } catch (cause) {
      throw unreadable(this.#path, cause);
    }
    if (count === 0) throw changed(this.#path);
    return count;
  }
}

/** A file to read by position; what is no plain file (a pipe) is read at once. */
export async function openSource(path: string): Promise<ByteSource> {
  const isFile = await stat(path).then(
    (stats) => stats.isFile(),
    () => true,
  );
  return isFile ? new FileSource(path) : new MemorySource(await readWholeFile(path));
}

function openFile(path: string): number {
  try {
    return openSync(path, 'r');
  } catch (cause) {
    throw unreadable(path, cause);
  }
}

function changed(path: string): LossAtlasError {
  const message = `'${path}' has changed since it was opened. Read it again.`;
  return new LossAtlasError('ERR_FILE_UNREADABLE', message);
}
