import { open } from 'node:fs/promises';

import { LossAtlasError } from '../errors.js';
import { suggest } from '../validate.js';
import { allocated } from './allocate.js';
import { withHdf5Session, type Hdf5Guard } from './hdf5-session.js';
import { readWholeFile, unreadable } from './read-file.js';

type Library = typeof import('h5wasm');
type LibraryModule = Library['Module'];
type Group = InstanceType<Library['Group']>;

export type Hdf5Data =
  | Float32Array
  | Float64Array
  | Int8Array
  | Uint8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | BigInt64Array
  | BigUint64Array;

export interface Hdf5Array {
  readonly shape: readonly number[];
  /** As NumPy names it: `float32`, `int64`. */
  readonly dtype: string;
  /**
   * So many rows (entries of the first dimension), by number or the first ones; reads only the parts of the file
   * that hold them.
   */
  rows(count: number, numbers: Uint32Array | null): Hdf5Data;
}

export interface Hdf5File {
  /** In bytes. */
  readonly size: number;
  /** Whether there is a data set of that path. */
  has(name: string): boolean;
  array(name: string): Hdf5Array;
  /** Paths of the data sets, as far as a message can hold them. */
  names(): string[];
}

/** Rows are read in parts of about this many bytes, of whole chunks where the file has them. */
const partSize = 4 << 20;
/** Deflate's best; what unpacks to more than this times the file is no data of it. */
const maxRatio = 1032;
const allowance = 64e6;
/** Of names in messages. */
const maxNames = 100;

/**
 * Opens an HDF5 file for the time of `use`. h5wasm, a WebAssembly build of the HDF5 library, is loaded by the first
 * call. Throws ERR_FILE_NOT_FOUND, ERR_FILE_UNREADABLE, ERR_INVALID_DATA.
 */
export async function withHdf5<T>(path: string, use: (file: Hdf5File) => T): Promise<T> {
  const size = await checkSignature(path);
  // The library sees these bytes and nothing else: a file may name others, as links or as storage of its values.
  const bytes = await readWholeFile(path);
  return withHdf5Session({ source: `'${path}'`, bytes }, ({ library, file, guard }) =>
    use({
      size,
      has: (name) => guard(`'${path}'`, () => file.get(name)) instanceof library.Dataset,
      array: (name) => openArray({ library, module: library.Module, file, path, size, guard }, name),
      names: () => guard(`'${path}'`, () => listArrays(library, file)),
    }),
  );
}

interface OpenFile {
  readonly library: Library;
  readonly module: LibraryModule;
  readonly file: InstanceType<Library['File']>;
  readonly path: string;
  /** In bytes. */
  readonly size: number;
  readonly guard: Hdf5Guard;
}

function openArray(open: OpenFile, name: string): Hdf5Array {
  const { library, module, file, path, size, guard } = open;
  const source = `'${path}', '${name}'`;
  const entity = guard(source, () => file.get(name));
  if (entity instanceof library.ExternalLink) {
    fail(source, `it is a link to another file ('${entity.filename}'); open that one`);
  }
  if (!(entity instanceof library.Dataset)) {
    const known = guard(source, () => listArrays(library, file));
    const hint = known.length === 0 ? 'The file has none.' : suggest(name, known);
    throw new LossAtlasError('ERR_INVALID_DATA', `'${path}' has no data set '${name}'. ${hint}`);
  }
  const {
    shape,
    type,
    size: itemSize,
    signed,
    chunks,
    virtual_sources,
  } = guard(source, () => entity.metadata);
  if (shape === null) return fail(source, 'the data set is empty');
  if (virtual_sources !== undefined && virtual_sources.length > 0) {
    fail(source, 'the data set is virtual: its values lie in other files. Copy them into one');
  }
  const { H5T_INTEGER, H5T_FLOAT, H5T_ENUM } = module.H5T_class_t;
  const isWhole = (type === H5T_INTEGER.value || type === H5T_ENUM.value) && [1, 2, 4, 8].includes(itemSize);
  const isFloat = type === H5T_FLOAT.value && [4, 8].includes(itemSize);
  if (!isWhole && !isFloat) {
    fail(
      source,
      `its values are no integers of 1 to 8 bytes and no floats of 4 or 8 (${itemSize} bytes each)`,
    );
  }
  const [numRows = 0, ...rest] = shape;
  const width = rest.reduce((product, dim) => product * dim, 1);
  return {
    shape,
    dtype: `${isFloat ? 'float' : signed ? 'int' : 'uint'}${8 * itemSize}`,
    rows(count, numbers) {
      const bytes = count * width * itemSize;
      if (bytes > maxRatio * size + allowance) {
        fail(source, `${bytes} bytes are asked for, which a file of ${size} bytes cannot hold`);
      }
      const readPart = (start: number, end: number): Hdf5Data => {
        const part = guard(source, () => entity.slice([[start, end]]));
        if (isData(part) && part.length === (end - start) * width) return part;
        return fail(source, `its rows ${start} to ${end} cannot be read as an array`);
      };
      const partRows = rowsOfPart(width * itemSize, chunks?.[0]);
      return gatherRows(count, numbers, { numRows, width, partRows, readPart, source });
    },
  };
}

interface Parts {
  readonly numRows: number;
  readonly width: number;
  readonly partRows: number;
  readonly readPart: (start: number, end: number) => Hdf5Data;
  readonly source: string;
}

/** Reads each part that holds rows which are wanted once, and keeps only those. */
function gatherRows(
  count: number,
  numbers: Uint32Array | null,
  { numRows, width, partRows, readPart, source }: Parts,
): Hdf5Data {
  // Where the rows go, by ascending row.
  const order = numbers?.map((_, i) => i).sort((a, b) => numbers[a]! - numbers[b]!);
  const target = (i: number) => order?.[i] ?? i;
  const row = (i: number) => numbers?.[target(i)] ?? i;
  let out: Hdf5Data | null = null;
  for (let next = 0; next < count;) {
    const first = row(next);
    const end = Math.min(numRows, (Math.floor(first / partRows) + 1) * partRows);
    let after = next;
    while (after < count && row(after) < end) after++;
    if (after === next) return fail(source, `there is no row ${first}: there are ${numRows}`);
    const part = readPart(first, row(after - 1) + 1);
    out ??= emptyLike(part, count * width, source);
    for (; next < after; next++) {
      const from = (row(next) - first) * width;
      // Of one type, bigints too.
      (out as Uint8Array).set((part as Uint8Array).subarray(from, from + width), target(next) * width);
    }
  }
  return out ?? new Uint8Array(0);
}

function rowsOfPart(rowBytes: number, chunkRows = 1): number {
  const rows = Math.max(1, Math.floor(partSize / Math.max(1, rowBytes)));
  // A part that cut a chunk would unpack it twice; a chunk beyond all measure is cut.
  if (chunkRows * rowBytes > 64 * partSize) return rows;
  return Math.max(1, Math.floor(rows / chunkRows)) * chunkRows;
}

function emptyLike(part: Hdf5Data, length: number, source: string): Hdf5Data {
  const type = part.constructor as new (length: number) => Hdf5Data;
  return allocated(() => new type(length), source, `${length} values`);
}

function isData(value: unknown): value is Hdf5Data {
  return ArrayBuffer.isView(value) && !(value instanceof DataView);
}

/** Paths of the data sets of a file, as far as a message can hold them; each object once, however links run. */
function listArrays(library: Library, file: Group): string[] {
  const names: string[] = [];
  for (const name of file.paths()) {
    if (file.get(name) instanceof library.Dataset) names.push(name);
    if (names.length >= maxNames) break;
  }
  return names;
}

/** The size of the file. Looks for the signature where it may stand: at 0, or behind a user block of 512·2^k bytes. */
async function checkSignature(path: string): Promise<number> {
  const signature = Buffer.from('\x89HDF\r\n\x1a\n', 'latin1');
  const { size, isHdf5 } = await readSignature(path, signature).catch((cause: unknown) => {
    throw unreadable(path, cause);
  });
  if (!isHdf5) fail(`'${path}'`, 'no HDF5 file (its signature is missing)');
  return size;
}

async function readSignature(path: string, signature: Buffer): Promise<{ size: number; isHdf5: boolean }> {
  const file = await open(path);
  try {
    const { size } = await file.stat();
    for (let at = 0; at + signature.length <= size; at = at === 0 ? 512 : 2 * at) {
      const { buffer } = await file.read(Buffer.alloc(signature.length), 0, signature.length, at);
      if (buffer.equals(signature)) return { size, isHdf5: true };
    }
    // A folder opens, and says what it is when read.
    if (size === 0 || !(await file.stat()).isFile()) await file.read(Buffer.alloc(1), 0, 1, 0);
    return { size, isHdf5: false };
  } finally {
    await file.close();
  }
}

function fail(source: string, problem: string, cause?: unknown): never {
  throw new LossAtlasError('ERR_INVALID_DATA', `${source}: ${problem}.`, { cause });
}
