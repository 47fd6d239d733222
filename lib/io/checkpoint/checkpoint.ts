import { LossAtlasError } from '../../errors.js';
import { checkOptions, invalidOption, isBoolean, isString } from '../../validate.js';
import { readNpz } from '../npz.js';
import { npyDtypes } from './npy-dtypes.js';
import type { PickleFail, PickleValue } from '../pickle.js';
import { readZip } from '../zip.js';
import { readSafetensors } from './safetensors.js';
import { findStateDict } from './state-dict.js';
import { StoredTensor, type CheckpointTensor } from './tensor.js';
import { readTorchLegacy, readTorchZip } from './torch-file.js';
import type { CheckpointValue } from './value.js';
import { readWholeFile } from '../read-file.js';

export type CheckpointFormat = 'torch' | 'torch-legacy' | 'safetensors' | 'npz';

export interface ReadCheckpointOptions {
  /** Compare the checksums of zip archives (default true); torch.save can be told to write none. */
  readonly checksums?: boolean | undefined;
}

export interface StateDictOptions {
  /** Where the dict of tensors is, as in `state_dict`, `models[1]` or `nets.generator`; default: found. */
  readonly key?: string | undefined;
}

/** A file of weights, read as data: nothing of it was executed. */
export class Checkpoint {
  constructor(
    readonly path: string,
    readonly format: CheckpointFormat,
    /** The whole tree of the file; dicts are Maps, lists and tuples arrays. Tensors decode when asked for data. */
    readonly value: CheckpointValue,
  ) {}

  /**
   * The dict of tensors by name, in the order of the file: the file itself, or what it holds under the usual keys
   * (`state_dict`, `model_state_dict`, `model`, …), or else the dict with the most elements; of a list, the first.
   * Throws ERR_CHECKPOINT, which names the candidates, and ERR_INVALID_OPTION.
   */
  stateDict(options: StateDictOptions = {}): Map<string, CheckpointTensor> {
    checkOptions('stateDict', options, { key: isString });
    return findStateDict(this.value, options.key, this.path);
  }
}

/**
 * Reads a checkpoint of up to 2 GB: a file of torch.save (either format), safetensors or .npz. Pickled classes and
 * functions other than those of tensors and containers are refused by name.
 *
 * Throws ERR_CHECKPOINT, ERR_FILE_NOT_FOUND, ERR_FILE_UNREADABLE, ERR_INVALID_OPTION.
 */
export async function readCheckpoint(path: string, options: ReadCheckpointOptions = {}): Promise<Checkpoint> {
  if (isString(path) !== null) throw invalidOption('readCheckpoint: path', 'the path of a file', path);
  checkOptions('readCheckpoint', options, { checksums: isBoolean });
  return parseCheckpoint(await readWholeFile(path), path, options);
}

/** A checkpoint from the bytes of its file. */
export function parseCheckpoint(
  bytes: Uint8Array,
  path: string,
  options: ReadCheckpointOptions = {},
): Checkpoint {
  const source = `'${path}'`;
  const fail: PickleFail = (problem) => {
    throw new LossAtlasError('ERR_CHECKPOINT', `${source}: ${problem}.`);
  };
  if (startsWith(bytes, zipMagic)) return parseZip(bytes, path, source, options.checksums ?? true, fail);
  // The formats are told apart by their first bytes; the pickles inside are values of CheckpointValue only.
  const made = (format: CheckpointFormat, value: PickleValue) =>
    new Checkpoint(path, format, value as CheckpointValue);
  if (startsWith(bytes, legacyMagic)) return made('torch-legacy', readTorchLegacy(bytes, source, fail));
  if (bytes.length >= 9 && bytes[8] === 0x7b) return made('safetensors', readSafetensors(bytes, fail));
  return fail('it is no checkpoint that is known (files of torch.save, .safetensors, .npz)');
}

const zipMagic = Buffer.from('PK\x03\x04', 'latin1');
const legacyMagic = Buffer.from('80028a0a6cfc9c46f920', 'hex'); // pickle of 0x1950a86a20f9469cfc6c

function startsWith(bytes: Uint8Array, magic: Uint8Array): boolean {
  return magic.every((byte, i) => bytes[i] === byte);
}

function parseZip(
  bytes: Uint8Array,
  path: string,
  source: string,
  checksums: boolean,
  fail: PickleFail,
): Checkpoint {
  const members = readZip(bytes, source, { code: 'ERR_CHECKPOINT', checksums });
  const names = [...members.keys()];
  if (names.length > 0 && names.every((name) => name.endsWith('.npy')))
    return new Checkpoint(path, 'npz', npzTensors(bytes, source));
  if (names.some((name) => /^[^/]+\/(?:constants\.pkl$|code\/)/.test(name)))
    return fail('it is a TorchScript archive, which loadModel reads');
  const pickle = names.find((name) => /^[^/]+\/data\.pkl$/.test(name));
  if (pickle === undefined) return fail('it is a zip archive, but neither one of torch.save nor an .npz');
  const value = readTorchZip(members, pickle, bytes.length, source, fail);
  return new Checkpoint(path, 'torch', value as CheckpointValue);
}

function npzTensors(bytes: Uint8Array, source: string): Map<string, StoredTensor> {
  try {
    const arrays = Object.entries(readNpz(bytes, source));
    return new Map(
      arrays.map(([name, { dtype, shape, data }]) => [
        name,
        new StoredTensor(npyDtypes[dtype], shape, () => data),
      ]),
    );
  } catch (cause) {
    if (cause instanceof LossAtlasError) throw new LossAtlasError('ERR_CHECKPOINT', cause.message, { cause });
    throw cause;
  }
}
