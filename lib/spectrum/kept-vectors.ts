import { readFile, rm } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import { writeWholeFile } from '../io/write-file.js';
import { disposeAll, type ParameterVector } from '../model/parameter-vector.js';
import type { ParameterSpace } from '../model/parameter-space.js';

/** Vectors of the last finished point of a walk, in a file that holds no others: hash of the run, index, vectors, CRC-32. */
export class KeptVectors {
  readonly #path: string;
  readonly #hash: string;

  /** `hash`: of the run whose vectors they are. */
  constructor(path: string, hash: string) {
    this.#path = path;
    this.#hash = hash;
  }

  /** What the same run left; null for none. Without them the next point starts from random vectors. */
  async load(
    space: ParameterSpace,
  ): Promise<{ readonly index: number; readonly vectors: readonly ParameterVector[] } | null> {
    const hash = this.#hash;
    let bytes: Buffer;
    try {
      bytes = await readFile(this.#path);
    } catch {
      return null;
    }
    const headBytes = hash.length + 8;
    const bodyBytes = bytes.length - 4;
    const vectorBytes = 8 * space.size;
    const numVectors = (bodyBytes - headBytes) / vectorBytes;
    if (!Number.isInteger(numVectors) || numVectors < 0) return null;
    const body = bytes.subarray(0, bodyBytes);
    if (body.toString('latin1', 0, hash.length) !== hash || crc32(body) !== bytes.readUInt32LE(bodyBytes))
      return null;
    const vectors: ParameterVector[] = [];
    try {
      for (let v = 0; v < numVectors; v++) {
        const at = headBytes + v * vectorBytes;
        const values = Float64Array.from({ length: space.size }, (_, i) => body.readDoubleLE(at + 8 * i));
        vectors.push(await space.vector(values));
      }
    } catch (error) {
      disposeAll(vectors);
      throw error;
    }
    return { index: body.readDoubleLE(hash.length), vectors };
  }

  async save(index: number, vectors: readonly ParameterVector[]): Promise<void> {
    const head = Buffer.alloc(this.#hash.length + 8);
    head.write(this.#hash, 'latin1');
    head.writeDoubleLE(index, this.#hash.length);
    const parts = [head];
    for (const vector of vectors) {
      const values = await vector.toArray();
      const part = Buffer.alloc(8 * values.length);
      values.forEach((value, i) => part.writeDoubleLE(value, 8 * i));
      parts.push(part);
    }
    const sum = Buffer.alloc(4);
    sum.writeUInt32LE(parts.reduce((crc, part) => crc32(part, crc), 0));
    await writeWholeFile(this.#path, [...parts, sum]);
  }

  async remove(): Promise<void> {
    await rm(this.#path, { force: true });
  }
}
