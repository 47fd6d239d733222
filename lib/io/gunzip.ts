import { createGunzip } from 'node:zlib';

import { LossAtlasError } from '../errors.js';

/** No deflate stream unpacks to more than this times its size. */
const maxRatio = 1032;
/** So many times its size and the allowance are given on the word of a header. */
const trustedRatio = 4;
const allowance = 64e6;

export function isGzip(bytes: Uint8Array): boolean {
  return bytes[0] === 0x1f && bytes[1] === 0x8b;
}

/**
 * Unpacks a gzip file whose content says its own size: `sizeOf` is given its first bytes and returns the size of
 * all, or null while they are too few. Inflates no more than that size and one byte, so that a bomb is an error
 * and not a full memory. Throws ERR_INVALID_DATA and what `sizeOf` throws.
 */
export async function gunzipSized(
  packed: Uint8Array,
  sizeOf: (start: Uint8Array) => number | null,
  source: string,
): Promise<Uint8Array> {
  const stream = createGunzip();
  stream.end(packed);
  let start = Buffer.alloc(0);
  let content: Uint8Array | null = null;
  let size = 0;
  let length = 0;
  try {
    for await (const part of stream as AsyncIterable<Buffer>) {
      if (content === null) {
        start = Buffer.concat([start, part]);
        const promised = sizeOf(start);
        if (promised === null) continue;
        size = promised;
        if (size > maxRatio * packed.length) {
          fail(source, `its header promises ${size} bytes, which ${packed.length} packed bytes cannot hold`);
        }
        // Beyond this, memory comes with the bytes that fill it.
        content = new Uint8Array(Math.min(size, trustedRatio * packed.length + allowance));
      }
      const piece = length === 0 ? start : part;
      if (length + piece.length > size) {
        fail(source, `unpacks to more bytes than the ${size} that its header promises`);
      }
      if (length + piece.length > content.length) {
        const larger = new Uint8Array(Math.min(size, 2 * (length + piece.length)));
        larger.set(content.subarray(0, length));
        content = larger;
      }
      content.set(piece, length);
      length += piece.length;
    }
  } catch (cause) {
    if (cause instanceof LossAtlasError) throw cause;
    fail(source, `cannot be unpacked (${cause instanceof Error ? cause.message : String(cause)})`, cause);
  } finally {
    stream.destroy();
  }
  return content === null ? start : content.subarray(0, length);
}

function fail(source: string, problem: string, cause?: unknown): never {
  throw new LossAtlasError('ERR_INVALID_DATA', `${source}: ${problem}.`, { cause });
}
