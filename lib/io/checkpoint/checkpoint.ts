import { setImmediate } from 'node:timers/promises';

import { LossAtlasError } from '../../errors.js';
import { checkOptions, invalidOption, isBoolean, isOneOf, isString } from '../../validate.js';
import { reusedMemory } from '../../native/reused-memory.js';
import { allocated } from '../allocate.js';
import { bytesAt, MemorySource, type ByteSource } from '../byte-source.js';
import { concurrently } from '../concurrent.js';
import { FileSource, openSource } from '../file-source.js';
import type { PickleFail, PickleValue } from '../pickle.js';
import { ZipArchive } from '../zip.js';
import { legacyMagic, zipMagic } from './magic.js';
import { readNpzFile } from './npz-file.js';
import { readSafetensors } from './safetensors.js';
import { findStateDict } from './state-dict.js';
import { isTensor, type CheckpointTensor, type StoredTensor } from './tensor.js';
import { readTorchLegacy, readTorchZip, type UnknownGlobals } from './torch-file.js';
import { tensorsIn, type CheckpointValue } from './value.js';

/** Archives up to this size are compared with their checksums by default. */
const maxChecked = 64e6;
/** Bytes from which on tensors that are read together share memory. */
const minShared = 32 << 20;
const spaceAlignment = 64;
/** Tensors that are read side by side. */
const maxReads = 32;

export type CheckpointFormat = 'torch' | 'torch-legacy' | 'safetensors' | 'npz';

export interface ReadCheckpointOptions {
  /**
   * Compare the checksums of zip archives, each when its bytes are first read. Default: up to 64 MB. Beyond, they would
   * cost half of the reading again, and PyTorch compares none; torch.save can be told to write none.
   */
  readonly checksums?: boolean | undefined;
  /**
   * Pickled classes and functions other than those of tensors and containers: `refuse` the file (default), or let
   * `opaque` objects with nothing but their name stand for them and all that was made with them. Neither runs anything.
   */
  readonly unknown?: UnknownGlobals | undefined;
}

export interface StateDictOptions {
  /** Where the dict of tensors is, as in `state_dict`, `models[1]` or `nets.generator`; default: found. */
  readonly key?: string | undefined;
}

/**
 * A file of weights, read as data: nothing of it was executed. The file is open only while it is read: tensors that are
 * read later find out whether it is still the same one.
 */
export class Checkpoint {
  readonly #source: ByteSource;

  /** Use `readCheckpoint`. */
  constructor(
    readonly path: string,
    readonly format: CheckpointFormat,
    /** The whole tree of the file; dicts are Maps, lists and tuples arrays. Tensors are read when asked for data. */
    readonly value: CheckpointValue,
    source: ByteSource,
  ) {
    this.#source = source;
  }

  /**
   * Reads the data of these tensors (default: of all) in parallel and off the main thread, so that they are at hand.
   * Many megabytes lie side by side in one ArrayBuffer: copy a tensor's values (`slice`) before you send them to a worker.
   *
   *     const checkpoint = await readCheckpoint('epoch10.pth');
   *     const weights = checkpoint.stateDict();
   *     await checkpoint.load(weights.values());
   *
   * Throws ERR_CHECKPOINT (a wrong checksum), ERR_FILE_NOT_FOUND, ERR_FILE_UNREADABLE (it has changed).
   */
  async load(tensors: Iterable<CheckpointTensor> = tensorsIn(this.value)): Promise<void> {
    const stored = [...new Set(tensors)].filter(isTensor);
    const spaces = await spacesFor(stored, `'${this.path}'`);
    await whileOpen(this.#source, () =>
      concurrently(stored, maxReads, (tensor, i) => tensor.load(spaces[i])),
    );
  }

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
 * Reads a checkpoint: a file of torch.save (either format), safetensors or .npz. Only what describes the tensors is read
 * at once; their data follow when asked for (`data`), or many together (`load`).
 *
 *     const checkpoint = await readCheckpoint('resnet20.pth');
 *     for (const [name, { dtype, shape }] of checkpoint.stateDict()) console.log(name, dtype, shape);
 *
 * Throws ERR_CHECKPOINT, ERR_FILE_NOT_FOUND, ERR_FILE_UNREADABLE, ERR_INVALID_OPTION.
 */
export async function readCheckpoint(path: string, options: ReadCheckpointOptions = {}): Promise<Checkpoint> {
  if (isString(path) !== null) throw invalidOption('readCheckpoint: path', 'the path of a file', path);
  checkOptions('readCheckpoint', options, { checksums: isBoolean, unknown: isOneOf('refuse', 'opaque') });
  const source = await openSource(path);
  return whileOpen(source, () => parse(source, path, options));
}

/** A checkpoint from the bytes of its file. */
export function parseCheckpoint(
  bytes: Uint8Array,
  path: string,
  options: ReadCheckpointOptions = {},
): Checkpoint {
  return parse(new MemorySource(bytes), path, options);
}

/** A view for every tensor whose bytes stay, where they are many; they are filled before anybody sees them. */
async function spacesFor(
  tensors: readonly StoredTensor[],
  source: string,
): Promise<(Uint8Array<ArrayBuffer> | undefined)[]> {
  const ends: number[] = [];
  const total = tensors.reduce((at, { spaceBytes }) => {
    ends.push(at + spaceBytes);
    return Math.ceil((at + spaceBytes) / spaceAlignment) * spaceAlignment;
  }, 0);
  if (total < minShared) return [];
  // What was collected of an earlier checkpoint comes back between two turns of the event loop.
  await setImmediate(undefined);
  const buffer = allocated(() => reusedMemory(total), source, `${total} bytes`);
  return tensors.map(({ spaceBytes }, i) =>
    spaceBytes === 0 ? undefined : new Uint8Array(buffer, ends[i]! - spaceBytes, spaceBytes),
  );
}

async function whileOpen<T>(source: ByteSource, use: () => T | Promise<T>): Promise<T> {
  return source instanceof FileSource ? source.whileOpen(use) : use();
}

function parse(file: ByteSource, path: string, options: ReadCheckpointOptions): Checkpoint {
  const { checksums = file.size <= maxChecked, unknown = 'refuse' } = options;
  const source = `'${path}'`;
  const fail: PickleFail = (problem) => {
    throw new LossAtlasError('ERR_CHECKPOINT', `${source}: ${problem}.`);
  };
  // The formats are told apart by their first bytes; the pickles inside are values of CheckpointValue only.
  const made = (format: CheckpointFormat, value: PickleValue) =>
    new Checkpoint(path, format, value as CheckpointValue, file);
  const head = bytesAt(file, 0, Math.min(16, file.size));
  if (startsWith(head, zipMagic)) {
    const archive = new ZipArchive(file, source, { code: 'ERR_CHECKPOINT', checksums });
    const names = [...archive.members.keys()];
    if (names.length > 0 && names.every((name) => name.endsWith('.npy')))
      return made('npz', readNpzFile(archive, source, fail));
    const pickle = torchPickle(names, fail);
    return made('torch', readTorchZip(archive, pickle, file.size, source, unknown, fail));
  }
  if (startsWith(head, legacyMagic))
    return made('torch-legacy', readTorchLegacy(file, source, unknown, fail));
  if (head.length >= 9 && head[8] === 0x7b) return made('safetensors', readSafetensors(file, fail));
  return fail('it is no checkpoint that is known (files of torch.save, .safetensors, .npz)');
}

function startsWith(bytes: Uint8Array, magic: Uint8Array): boolean {
  return magic.every((byte, i) => bytes[i] === byte);
}

/** The member that holds the tree of a file of torch.save. */
function torchPickle(names: readonly string[], fail: PickleFail): string {
  if (names.some((name) => /^[^/]+\/(?:constants\.pkl$|code\/)/.test(name)))
    return fail('it is a TorchScript archive, which loadModel reads');
  const pickle = names.find((name) => /^[^/]+\/data\.pkl$/.test(name));
  return pickle ?? fail('it is a zip archive, but neither one of torch.save nor an .npz');
}
