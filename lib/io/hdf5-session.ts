import { LossAtlasError } from '../errors.js';
import { Hdf5Library } from './hdf5-library.js';

type Library = typeof import('h5wasm');

/** Makes errors of the library ours. */
export type Hdf5Guard = <T>(source: string, call: () => T) => T;

/** One file in the memory of the library. */
export interface Hdf5Session {
  readonly library: Library;
  readonly file: InstanceType<Library['File']>;
  readonly guard: Hdf5Guard;
  /** Closes the file, and gives the bytes of what was written. */
  readonly finish: () => Uint8Array;
}

/** What the session is for: to read `bytes`, or to write a new file. `source` names it in messages. */
export interface Hdf5Purpose {
  readonly source: string;
  /** Null to write. */
  readonly bytes: Uint8Array | null;
}

/** The file's name in the memory of the library. */
const inside = '/data.h5';

let current: Promise<Hdf5Library> | undefined;
let numLoaded = 0;

/**
 * One file of h5wasm, a WebAssembly build of the HDF5 library, for the time of `use`, which is synchronous: files come one
 * after the other. The first call loads the library; after a failure it is repaired. Throws ERR_INVALID_DATA.
 */
export async function withHdf5Session<T>(
  { source, bytes }: Hdf5Purpose,
  use: (session: Hdf5Session) => T,
): Promise<T> {
  let loaded: Hdf5Library;
  let pending: Promise<Hdf5Library>;
  do {
    pending = current ??= Hdf5Library.load(numLoaded++);
    loaded = await pending;
    // Another call may have given it up meanwhile. From here on all is synchronous.
  } while (pending !== current);
  const { library } = loaded;
  const module = library.Module;
  let failure: unknown;
  const guard: Hdf5Guard = (at, call) => {
    try {
      return call();
    } catch (cause) {
      if (cause instanceof LossAtlasError) throw cause;
      failure ??= cause;
      const verb = bytes === null ? 'written' : 'read';
      const message = `${at}: cannot be ${verb} (${reasonOf(cause)}).`;
      throw new LossAtlasError('ERR_INVALID_DATA', message, { cause });
    }
  };
  let opened: InstanceType<Library['File']> | undefined;
  try {
    const file = guard(source, () => {
      // Without this the library prints its errors and gives back whatever the memory held before.
      module.activate_throwing_error_handler();
      if (bytes !== null) library.FS!.writeFile(inside, bytes);
      return new library.File(inside, bytes === null ? 'w' : 'r');
    });
    opened = file;
    const finish = () =>
      guard(source, () => {
        opened = undefined;
        file.close();
        return library.FS!.readFile(inside);
      });
    return use({ library, file, guard, finish });
  } finally {
    try {
      if (failure === undefined) opened?.close();
      if (failure === undefined) module.deactivate_throwing_error_handler();
    } catch (cause) {
      failure = cause;
    }
    if (failure !== undefined && !loaded.repair(failure)) current = undefined;
    if (current !== undefined && library.FS!.analyzePath(inside).exists) library.FS!.unlink(inside);
  }
}

/** Of the library's stack of errors the innermost, which names the reason. */
function reasonOf(cause: unknown): string {
  const text = cause instanceof Error ? cause.message : String(cause);
  const reasons = [...text.matchAll(/ in \w+\(\): (.+)$/gm)].map(([, reason]) => reason!);
  const filter = reasons.find((reason) => reason.startsWith('required filter'));
  return filter ?? reasons.at(-1) ?? text.trim();
}
