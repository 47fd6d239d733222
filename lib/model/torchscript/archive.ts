import { LossAtlasError } from '../../errors.js';
import { Storages } from '../../io/checkpoint/storages.js';
import { itemSizeOf, TensorMaker } from '../../io/checkpoint/tensor.js';
import { MemorySource, type ByteSource } from '../../io/byte-source.js';
import { openSource } from '../../io/file-source.js';
import { unpickle, type PickleFail, type PickleValue } from '../../io/pickle.js';
import { ZipArchive } from '../../io/zip.js';
import { requireShallowDefinitions } from './definition-depth.js';
import { scriptGlobals } from './globals.js';
import { requireShallow } from './nesting.js';
import { requireFinite } from './object-depth.js';
import { requirePlainZip } from './plain-zip.js';

/** Archives of networks with a thousand layers have 2 MB of code. */
const maxCodeBytes = 32 << 20;

/** A TorchScript archive whose every part has been looked at before libtorch sees the file. */
export interface ScriptArchive {
  /** The version of the format, as the archive says. */
  readonly version: number;
  /** The root module. */
  readonly root: PickleValue;
  /** The inputs that a module was traced with, their data left out; null where the archive says nothing of them. */
  readonly tracedInputs: PickleValue;
  /** Source text by its name below `code/`. */
  readonly code: ReadonlyMap<string, string>;
}

/**
 * Checks all that libtorch's own loader takes on trust: the zip archive and the checksum of each member, that pickles
 * hold tensors, containers and the archive's own classes only, that tensors lie within their storages, and that
 * source text is neither too long nor too deeply nested. Throws ERR_MODEL_LOAD, ERR_FILE_NOT_FOUND,
 * ERR_FILE_UNREADABLE.
 */
export async function readScriptArchive(path: string): Promise<ScriptArchive> {
  const file = await openSource(path);
  const source = `'${path}'`;
  const fail: PickleFail = (problem) => {
    throw new LossAtlasError('ERR_MODEL_LOAD', `${source}: ${problem}.`);
  };
  const archive = new ZipArchive(file, source, { code: 'ERR_MODEL_LOAD' });
  const root = requirePlainZip(file, [...archive.members.keys()], fail);
  const reader = new Reader(archive, file.size, root, source, fail);
  const code = reader.code();
  const archiveOf = { version: reader.version(), code, root: reader.pickle('data', true) };
  if (archive.members.has(`${root}constants.pkl`)) reader.pickle('constants', true);
  const isTraced = archive.members.has(`${root}traced_inputs.pkl`);
  const tracedInputs = isTraced ? reader.pickle('traced_inputs', false) : null;
  reader.checkRest();
  return { ...archiveOf, tracedInputs };
}

class Reader {
  readonly #maker: TensorMaker;
  readonly #seen = new Set<string>();

  constructor(
    readonly archive: ZipArchive,
    fileSize: number,
    readonly root: string,
    readonly source: string,
    readonly fail: PickleFail,
  ) {
    this.#maker = new TensorMaker(fileSize);
  }

  version(): number {
    const name = [`${this.root}version`, `${this.root}.data/version`].find((known) =>
      this.archive.members.has(known),
    );
    const text = name === undefined ? '' : Buffer.from(this.#read(name)).toString('latin1').trim();
    if (!/^\d{1,4}$/.test(text)) this.fail('it does not say the version of its format');
    const order = `${this.root}byteorder`;
    if (this.archive.members.has(order) && Buffer.from(this.#read(order)).toString('latin1') !== 'little')
      this.fail('it was saved on a machine with another byte order, which is not supported');
    return Number(text);
  }

  code(): Map<string, string> {
    const code = new Map<string, string>();
    let total = 0;
    for (const { name, size } of this.archive.members.values()) {
      if (!name.startsWith(`${this.root}code/`) || !name.endsWith('.py')) continue;
      total += size;
      if (total > maxCodeBytes) this.fail(`its source text is longer than ${maxCodeBytes} bytes`);
      const text = Buffer.from(this.#read(name)).toString('utf8');
      const short = name.slice(`${this.root}code/`.length);
      requireShallow(text, short, this.fail);
      // libtorch would run it while it loads the file.
      if (text.includes('__setstate__'))
        this.fail(
          `'${short}' restores objects by code of its own (__setstate__), which is never run. Save a module without packed or quantised layers`,
        );
      code.set(short, text);
    }
    requireShallowDefinitions(code, this.fail);
    return code;
  }

  /** `hasData`: the storages are there too; those of traced inputs are left out. */
  pickle(stem: string, hasData: boolean): PickleValue {
    const folder = `${this.root}${stem}/`;
    const storages = new Storages(this.#maker, (key, dtype, length) => {
      if (!hasData) return new MemorySource(new Uint8Array(0));
      const member = this.archive.members.get(folder + key);
      if (member === undefined) return this.fail(`the data of storage '${stem}/${key}' are missing`);
      if (member.size < length * itemSizeOf(dtype))
        return this.fail(`storage '${stem}/${key}' has ${member.size} bytes, too few for ${length} ${dtype}`);
      return this.archive.open(member.name);
    });
    const { value } = unpickle(this.#read(`${this.root}${stem}.pkl`), {
      source: `${this.source}: '${stem}.pkl'`,
      globals: scriptGlobals(this.fail),
      persistent: storages.resolve.bind(storages),
      code: 'ERR_MODEL_LOAD',
      advice: 'A TorchScript archive holds tensors, containers and its own classes only',
    });
    requireFinite(value, this.fail);
    return value;
  }

  /** The checksums of what libtorch reads by itself. */
  checkRest(): void {
    const part = 1 << 20;
    for (const name of this.archive.members.keys()) {
      if (this.#seen.has(name)) continue;
      const content: ByteSource = this.archive.open(name);
      // The first read of a part compares the whole, without keeping it.
      content.read(new Uint8Array(Math.min(part, Math.max(0, content.size - 1))), 0);
    }
  }

  #read(name: string): Uint8Array {
    this.#seen.add(name);
    return this.archive.read(name);
  }
}
