import { createGunzip } from 'node:zlib';

import { LossAtlasError } from '../errors.js';

/** No deflate stream unpacks to more than this times its size. */
const maxRatio = 1032;

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
  let length = 0;
  try {
    for await (const part of stream as AsyncIterable<Buffer>) {
      if (content === null) {
        start = Buffer.concat([start, part]);
        const size = sizeOf(start);
        if (size === null) continue;
        if (size > maxRatio * packed.length) {
          fail(source, `its header promises ${size} bytes, which ${packed.length} packed bytes cannot hold`);
        }
        content = new Uint8Array(size);
      }
      const piece = length === 0 ? start : part;
      if (length + piece.length > content.length) {
        fail(source, `unpacks to more bytes than the ${content.length} that its header promises`);
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
