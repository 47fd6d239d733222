import { extname } from 'node:path';
import { probeLength, findFormat } from '../data/dataset-format.js';
import { LossAtlasError } from '../errors.js';
import { readFileStart, type FileStart } from '../io/read-file.js';
import { fileKind, kindRemedy, zipMemberNames, type FileKind } from '../model/file-kind.js';
import { invalidOption, isString } from '../validate.js';
import { guessFile, guessFolder, isKeras, type Guess } from './foreign.js';
import { inspectCheckpoint } from './inspect-checkpoint.js';
import { inspectData } from './inspect-data.js';
import { inspectResult } from './inspect-result.js';
import { inspectProgram, inspectTorchScript } from './inspect-model.js';
import { inspectionOf, type Findings, type InspectedKind, type Inspection } from './inspection.js';

/**
 * What a file or folder is (a model, weights, the state of an optimizer, data, or none of ours), what is in it, and what
 * to do with it. Nothing of the file is run; what is damaged or refused says so in `problem`.
 *
 *     const inspection = await inspect('epoch10.ckpt');
 *     console.log(describeInspection(inspection));
 *
 * Throws ERR_INVALID_OPTION, ERR_FILE_NOT_FOUND, ERR_FILE_UNREADABLE; ERR_ADDON for models where libtorch is absent.
 */
export async function inspect(path: string): Promise<Inspection> {
  if (isString(path) !== null) throw invalidOption('inspect: path', 'the path of a file or folder', path);
  const start = await readFileStart(path, probeLength);
  const bytes = start.isFolder ? null : start.size;
  const kind = start.isFolder ? 'unknown' : await fileKind(path);
  try {
    return inspectionOf(path, bytes, await findings(path, kind, start));
  } catch (error) {
    if (!(error instanceof LossAtlasError) || !ofTheContent.includes(error.code)) throw error;
    const [inspected, words] = damagedWords[kind];
    return inspectionOf(path, bytes, {
      kind: inspected,
      what: start.isFolder ? 'a folder that is none of ours' : `${words}, damaged or refused`,
      problem: error.message,
      advice: [damagedAdvice],
    });
  }
}

const ofTheContent: readonly string[] = [
  ...[
    'ERR_MODEL_LOAD',
    'ERR_CHECKPOINT',
    'ERR_CHECKPOINT_MISMATCH',
    'ERR_NOT_TORCHSCRIPT',
    'ERR_NO_PARAMETERS',
  ],
  ...['ERR_INVALID_DATA', 'ERR_EMPTY_DATA', 'ERR_LABEL_RANGE', 'ERR_OUT_OF_MEMORY'],
];
const pickleStart = 0x80;
const damagedAdvice = 'Fetch or save the file again; if it is whole, its maker is the one to ask.';

const damagedWords: Readonly<Record<FileKind, readonly [InspectedKind, string]>> = {
  torchscript: ['torchscript', 'TorchScript'],
  'export-archive': ['export-archive', 'a torch.export archive'],
  'state-dict': ['state-dict', 'a file of torch.save'],
  'legacy-checkpoint': ['state-dict', 'a file of torch.save before PyTorch 1.6'],
  safetensors: ['state-dict', 'safetensors'],
  'lite-interpreter': ['lite-interpreter', 'a model of the mobile Lite Interpreter'],
  'torchscript-1.0': ['torchscript-1.0', 'TorchScript of PyTorch 1.0'],
  unknown: ['data', 'data'],
};

async function findings(path: string, kind: FileKind, start: FileStart): Promise<Findings> {
  switch (kind) {
    case 'torchscript':
      return inspectTorchScript(path);
    case 'export-archive':
      return inspectProgram(path);
    case 'state-dict':
    case 'legacy-checkpoint':
      return inspectCheckpoint(path, true);
    case 'safetensors':
      return inspectCheckpoint(path, false);
    case 'lite-interpreter':
      return {
        kind,
        what: 'a model of the mobile Lite Interpreter (.ptl)',
        advice: [`It ${kindRemedy(kind)}`],
      };
    case 'torchscript-1.0':
      return {
        kind,
        what: 'TorchScript in the format of PyTorch 1.0 (model.json)',
        advice: [`It ${kindRemedy(kind)}`],
      };
    case 'unknown':
      return inspectOther(path, start);
  }
}

async function inspectOther(path: string, start: FileStart): Promise<Findings> {
  if (start.isFolder) {
    const guess = await guessFolder(path);
    return guess === null ? inspectData(path, 'images') : foreign(guess);
  }
  const format = start.size === 0 ? null : findFormat(path, start);
  const result = start.size === 0 ? null : await inspectResult(path, format, start);
  if (result !== null) return result;
  // Any zip archive could be one.
  const isNpz = format !== 'npz' || (await isNpzArchive(path));
  if (format === null || !isNpz) return foreign(await guessFile(path, start));
  if (format === 'cifar' && start.bytes[0] === pickleStart) {
    return inspectData(path, format).catch(async (error: unknown) => {
      if (!(error instanceof LossAtlasError) || error.code !== 'ERR_INVALID_DATA') throw error;
      // Any other pickle looks the same from outside.
      return { ...foreign(await guessFile(path, start)), notes: [error.message] };
    });
  }
  const data = await inspectData(path, format);
  const names = data.arrays?.map(({ name }) => name) ?? [];
  const guess = format === 'hdf5' ? isKeras(path, names) : null;
  return guess === null ? data : { ...data, ...foreign(guess) };
}

async function isNpzArchive(path: string): Promise<boolean> {
  if (extname(path).toLowerCase() === '.npz') return true;
  const names = await zipMemberNames(path);
  return names.length > 0 && names.every((name) => name.endsWith('.npy'));
}

function foreign({ what, advice }: Guess): Findings {
  return { kind: 'not-ours', what: `not ours: ${what}`, advice: [advice] };
}
