import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import type { NdArray } from './types.js';

/** SHA-256 of a file, hexadecimal. */
export async function hashFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path, { highWaterMark: 1 << 20 }), hash);
  return hash.digest('hex');
}

/** SHA-256 of texts, numbers and arrays in turn, hexadecimal. */
export function hashOf(parts: Iterable<string | NdArray | Float64Array>): string {
  const hash = createHash('sha256');
  for (const part of parts) {
    if (typeof part === 'string') hash.update(`${part.length}:${part}`);
    else if (part instanceof Float64Array) hash.update(`${part.length}:`).update(bytesOf(part));
    else hash.update(`${part.data.constructor.name}[${part.shape.join()}]`).update(bytesOf(part.data));
  }
  return hash.digest('hex');
}

function bytesOf(array: ArrayBufferView): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}
