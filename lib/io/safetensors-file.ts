import { LossAtlasError } from '../errors.js';
import { suggest } from '../validate.js';
import type { ByteSource } from './byte-source.js';
import { listSafetensors, type SafetensorsEntry } from './checkpoint/safetensors.js';
import { openSource } from './file-source.js';
import { StoredRows } from './stored-rows.js';

/** A safetensors file, of whose tensors rows are read as they are asked for. */
export class SafetensorsFile {
  readonly path: string;
  readonly #source: ByteSource;
  readonly #entries: ReadonlyMap<string, SafetensorsEntry>;

  private constructor(path: string, source: ByteSource, entries: readonly SafetensorsEntry[]) {
    this.path = path;
    this.#source = source;
    this.#entries = new Map(entries.map((entry) => [entry.name, entry]));
  }

  /** Throws ERR_FILE_NOT_FOUND, ERR_FILE_UNREADABLE, ERR_INVALID_DATA. */
  static async open(path: string): Promise<SafetensorsFile> {
    const source = await openSource(path);
    const entries = listSafetensors(source, (problem) => {
      throw new LossAtlasError('ERR_INVALID_DATA', `'${path}': ${problem}.`);
    });
    return new SafetensorsFile(path, source, entries);
  }

  get names(): readonly string[] {
    return [...this.#entries.keys()];
  }

  /** Bytes. */
  get size(): number {
    return this.#source.size;
  }

  /** Throws ERR_INVALID_DATA where there is no tensor of this name. */
  rows(name: string): StoredRows {
    const entry = this.#entries.get(name);
    if (entry !== undefined) return new StoredRows(this.path, this.#source, entry);
    throw new LossAtlasError(
      'ERR_INVALID_DATA',
      `'${this.path}' has no tensor '${name}'. ${suggest(name, this.names)}`,
    );
  }
}
