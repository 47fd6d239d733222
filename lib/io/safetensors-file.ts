import { LossAtlasError } from '../errors.js';
import { suggest } from '../validate.js';
import { listSafetensors, safetensorsHeaderSize, type SafetensorsEntry } from './checkpoint/safetensors.js';
import { readFileStart } from './read-file.js';
import { StoredRows } from './stored-rows.js';

/** The format's own limit. */
const maxHeader = 100e6;

/** A safetensors file, of whose tensors rows are read as they are asked for. */
export class SafetensorsFile {
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  readonly #entries: ReadonlyMap<string, SafetensorsEntry>;

  private constructor(path: string, size: number, entries: readonly SafetensorsEntry[]) {
    this.path = path;
    this.size = size;
    this.#entries = new Map(entries.map((entry) => [entry.name, entry]));
  }

  /** Throws ERR_FILE_NOT_FOUND, ERR_FILE_UNREADABLE, ERR_INVALID_DATA. */
  static async open(path: string): Promise<SafetensorsFile> {
    const fail = (problem: string): never => {
      throw new LossAtlasError('ERR_INVALID_DATA', `'${path}': ${problem}.`);
    };
    const { bytes: start, size } = await readFileStart(path, 8);
    const length = safetensorsHeaderSize(start);
    if (!(length <= size)) fail('no safetensors file, or a truncated one: its header is not within it');
    if (length > maxHeader) fail(`its header of ${length} bytes is longer than the format allows`);
    const { bytes } = await readFileStart(path, length);
    return new SafetensorsFile(path, size, listSafetensors(bytes, size, fail));
  }

  get names(): readonly string[] {
    return [...this.#entries.keys()];
  }

  /** Throws ERR_INVALID_DATA where there is no tensor of this name. */
  async rows(name: string): Promise<StoredRows> {
    const entry = this.#entries.get(name);
    if (entry !== undefined) {
      return StoredRows.open(this.path, { dtype: entry.dtype, shape: entry.shape, offset: entry.begin });
    }
    throw new LossAtlasError(
      'ERR_INVALID_DATA',
      `'${this.path}' has no tensor '${name}'. ${suggest(name, this.names)}`,
    );
  }
}
