import { LossAtlasError } from '../errors.js';

/** Bytes that are read by position: a file, a part of one, or memory. */
export interface ByteSource {
  readonly size: number;
  /** Fills `into` with the bytes from `start` on; they must lie within the source. */
  read(into: Uint8Array, start: number): void;
  /** As `read`, off the main thread where it is a file. */
  readAsync(into: Uint8Array, start: number): Promise<void>;
}

export class MemorySource implements ByteSource {
  constructor(readonly bytes: Uint8Array) {}

  get size(): number {
    return this.bytes.length;
  }

  read(into: Uint8Array, start: number): void {
    requireInside(this, start, into.length);
    into.set(this.bytes.subarray(start, start + into.length));
  }

  readAsync(into: Uint8Array, start: number): Promise<void> {
    this.read(into, start);
    return Promise.resolve();
  }
}

/** A part of another source. */
export class SourcePart implements ByteSource {
  constructor(
    private readonly whole: ByteSource,
    private readonly start: number,
    readonly size: number,
  ) {
    requireInside(whole, start, size);
  }

  read(into: Uint8Array, start: number): void {
    requireInside(this, start, into.length);
    this.whole.read(into, this.start + start);
  }

  readAsync(into: Uint8Array, start: number): Promise<void> {
    requireInside(this, start, into.length);
    return this.whole.readAsync(into, this.start + start);
  }
}

/** So many bytes from `start` on; of memory a view, which must not be changed. */
export function bytesAt(source: ByteSource, start: number, length: number): Uint8Array {
  requireInside(source, start, length);
  if (source instanceof MemorySource) return source.bytes.subarray(start, start + length);
  const bytes = new Uint8Array(length);
  source.read(bytes, start);
  return bytes;
}

function requireInside({ size }: ByteSource, start: number, length: number): void {
  if (start >= 0 && start + length <= size) return;
  throw new LossAtlasError('ERR_INTERNAL', `bytes ${start} to ${start + length} of ${size} were asked for`);
}
