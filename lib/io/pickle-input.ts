import { MemorySource, type ByteSource } from './byte-source.js';

const windowSize = 64 << 10;
/** Lines are names and numbers. */
const maxLine = 64 << 10;

/** The bytes of pickles, read forward and in parts: what lies behind them in a file stays there. */
export class PickleInput {
  readonly size: number;
  position: number;
  private window: Buffer;
  private windowStart: number;

  constructor(
    private readonly source: ByteSource,
    start: number,
  ) {
    this.size = source.size;
    this.position = start;
    this.windowStart = 0;
    const all = source instanceof MemorySource ? source.bytes : new Uint8Array(0);
    this.window = Buffer.from(all.buffer, all.byteOffset, all.byteLength);
  }

  /** The next bytes, or null where the source ends before. */
  take(length: number): Buffer | null {
    if (this.position + length > this.size) return null;
    const from = this.reach(length);
    this.position += length;
    return this.window.subarray(from, from + length);
  }

  /** The bytes before the next end of a line, which is skipped; null where there is none. */
  line(): Buffer | null {
    const from = this.reach(Math.min(maxLine, this.size - this.position));
    const end = this.window.indexOf(10, from);
    if (end < 0 || end - from > maxLine) return null;
    this.position += end - from + 1;
    return this.window.subarray(from, end);
  }

  /** Has so many bytes from the position in the window, and says where they begin there. */
  private reach(length: number): number {
    const from = this.position - this.windowStart;
    if (from >= 0 && from + length <= this.window.length) return from;
    const size = Math.min(Math.max(length, windowSize), this.size - this.position);
    // A new one each time: what was taken from the last stays as it is.
    this.window = Buffer.from(new Uint8Array(size).buffer);
    this.source.read(this.window, this.position);
    this.windowStart = this.position;
    return 0;
  }
}
