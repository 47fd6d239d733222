type Library = typeof import('h5wasm');

/** Of WebAssembly. */
const pageSize = 65_536;
/** A failure leaves some of the stack taken, whose pointer is out of reach. */
const maxRepairs = 400;

/**
 * h5wasm, a WebAssembly build of the HDF5 library, with its memory as it was when it started: a damaged file may leave
 * it damaged, which would spoil later files.
 */
export class Hdf5Library {
  readonly library: Library;
  readonly #pages: readonly { readonly start: number; readonly bytes: Uint8Array }[];
  #numRepairs = 0;

  private constructor(library: Library) {
    this.library = library;
    const memory = library.Module.HEAPU8;
    const starts = Array.from({ length: memory.length / pageSize }, (_, i) => i * pageSize);
    // Most pages are empty.
    this.#pages = starts.flatMap((start) => {
      const page = memory.subarray(start, start + pageSize);
      return page.some((byte) => byte !== 0) ? [{ start, bytes: page.slice() }] : [];
    });
  }

  /** The query makes the module another one; only the first has none. */
  static async load(number: number): Promise<Hdf5Library> {
    const address = number === 0 ? 'h5wasm' : `${import.meta.resolve('h5wasm')}?${number}`;
    const library = (await import(address)) as Library;
    await library.ready;
    return new Hdf5Library(library);
  }

  /** Undoes what a failure may have done. False where a new instance is needed. */
  repair(cause: unknown): boolean {
    // A trap (a WebAssembly.RuntimeError), or a stack that is full.
    const isLost = cause instanceof RangeError || (cause instanceof Error && cause.name === 'RuntimeError');
    if (isLost || ++this.#numRepairs > maxRepairs) return false;
    const { FS, Module } = this.library;
    // The declarations of emscripten do not have it.
    const { streams } = FS as unknown as { readonly streams: readonly (FS.FSStream | null | undefined)[] };
    // Behind those of the process.
    for (const stream of streams.slice(3)) if (stream != null) FS!.close(stream);
    const memory = Module.HEAPU8;
    memory.fill(0);
    for (const { start, bytes } of this.#pages) memory.set(bytes, start);
    return true;
  }
}
