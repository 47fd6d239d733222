import { readdir } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { isCheckpointName } from '../io/checkpoint/checkpoint-folder.js';
import type { FileStart } from '../io/read-file.js';
import { zipMemberNames } from '../model/file-kind.js';

/** The best guess at a file that lossatlas does not read, and the way out of it. */
export interface Guess {
  readonly what: string;
  readonly advice: string;
}

const remedy =
  'Load it in its own program, and save the model with torch.jit.script(model).save(path) or its weights with torch.save(model.state_dict(), path)';
const keras: Guess = {
  what: 'Keras or HDF5 weights of another program',
  advice:
    'lossatlas reads models of PyTorch only. Arrays in it can be read: await loadHdf5(path, { inputs, targets }).',
};

export async function guessFolder(path: string): Promise<Guess | null> {
  const names = await readdir(path);
  if (names.includes('saved_model.pb') || names.includes('keras_metadata.pb'))
    return { what: 'a TensorFlow SavedModel', advice: 'lossatlas reads models of PyTorch only.' };
  const checkpoint = names.filter((name) => isCheckpointName(name)).length;
  if (checkpoint === 0) return null;
  return {
    what: `a folder with ${checkpoint} checkpoint${checkpoint === 1 ? '' : 's'} by name`,
    advice: `Inspect one of its files, or take all: lossatlas evaluate model.pt ${join(path)} --data … for losses, lossatlas track … for curvature over training.`,
  };
}

export async function guessFile(path: string, { bytes, size }: FileStart): Promise<Guess> {
  const begins = (text: string) => bytes.toString('latin1', 0, text.length) === text;
  const extension = extname(path).toLowerCase();
  if (size === 0) return { what: 'an empty file', advice: 'Was a download or copy interrupted?' };
  if (bytes.every((byte) => byte === 0))
    return { what: 'a file that begins with zeros only', advice: 'Was a download or copy interrupted?' };
  if (begins('PK\x03\x04')) return guessZip(path);
  if (begins('\x1f\x8b')) return { what: 'a gzip file', advice: 'Unpack it and inspect what is in it.' };
  if (begins('BZh') || begins('\xfd7zXZ') || begins('(\xb5/\xfd') || begins('7z\xbc\xaf') || begins('Rar!'))
    return {
      what: 'a packed file (bzip2, xz, zstd, 7z or rar)',
      advice: 'Unpack it and inspect what is in it.',
    };
  if (bytes.toString('latin1', 257, 262) === 'ustar')
    return {
      what: 'a tar archive',
      advice: 'Unpack it and inspect what is in it (a folder of images by class is data).',
    };
  if (begins('version https://git-lfs'))
    return { what: 'a pointer of Git LFS, not the file itself', advice: 'git lfs pull fetches the file.' };
  if (begins('GGUF') || begins('ggml'))
    return {
      what: 'GGUF weights of llama.cpp',
      advice: 'Quantised weights cannot be differentiated: take the original safetensors.',
    };
  if (bytes.toString('latin1', 4, 8) === 'TFL3')
    return { what: 'a TensorFlow Lite model', advice: 'lossatlas reads models of PyTorch only.' };
  if (begins('PTMF') || bytes.toString('latin1', 4, 8) === 'PTMF')
    return { what: 'a mobile module of PyTorch (flatbuffer)', advice: remedy };
  if (bytes.toString('latin1', 4, 8) === 'ET12')
    return { what: 'an ExecuTorch program (.pte)', advice: remedy };
  if (bytes[0] === 0x80 && bytes[1]! >= 2 && bytes[1]! <= 5)
    return { what: 'a Python pickle, not written by torch.save', advice: remedy };
  if (extension === '.onnx' || isOnnx(bytes))
    return {
      what: 'an ONNX model',
      advice:
        'lossatlas needs the model of PyTorch that it was exported from: torch.jit.script(model).save(path).',
    };
  if (extension === '.pb' || extension === '.tflite' || extension === '.keras')
    return { what: 'a TensorFlow model', advice: 'lossatlas reads models of PyTorch only.' };
  if (/^\x89PNG|^\xff\xd8\xff|^GIF8|^RIFF/.test(bytes.toString('latin1', 0, 4)))
    return {
      what: 'an image',
      advice: 'Data is a folder of images by class: await loadImageFolder(folder).',
    };
  if (isText(bytes)) return guessText(bytes.toString('utf8', 0, 4096));
  return {
    what: 'a file of an unknown kind',
    advice: 'If it is data after all: await loadDataset(path, { format: … }).',
  };
}

export const isKeras = (path: string, names: readonly string[]): Guess | null =>
  names.some((name) => /(^|\/)(model_weights|optimizer_weights|layers)\//.test(name)) ? keras : null;

async function guessZip(path: string): Promise<Guess> {
  const names = await zipMemberNames(path);
  if (names.length === 0)
    return {
      what: 'a zip archive without its directory: damaged or cut off',
      advice:
        'Fetch or save it again: files of torch.save and TorchScript are zip archives whose directory is at the end.',
    };
  if (names.includes('model.weights.h5') || names.includes('config.json'))
    return { what: 'a Keras model (.keras)', advice: 'lossatlas reads models of PyTorch only.' };
  return { what: 'a zip archive of another program', advice: 'Unpack it and inspect what is in it.' };
}

function isText(bytes: Buffer): boolean {
  return !bytes.some((byte) => byte < 9 || (byte > 13 && byte < 32));
}

function guessText(text: string): Guess {
  if (/^\s*[[{]/.test(text))
    return { what: 'JSON', advice: 'Results of lossatlas are read by await loadResult(path).' };
  if (/^\s*(import|from|class|def) /m.test(text))
    return {
      what: 'Python source',
      advice: 'Run it in Python, and save the model: torch.jit.script(model).save(path).',
    };
  return { what: 'text', advice: "If it is a table: await loadCsv(path, { target: 'label' })." };
}

/** A protobuf whose first field is the version of its format and that names a domain or producer early. */
function isOnnx(bytes: Buffer): boolean {
  const start = bytes.toString('latin1', 0, 256);
  return bytes[0] === 0x08 && (bytes[1] ?? 255) < 32 && /pytorch|onnx|tf2onnx|keras2onnx/i.test(start);
}
