import { open, type FileHandle } from 'node:fs/promises';
import { LossAtlasError } from '../errors.js';
import { locateZipDirectory, parseZipDirectory, zipTailLength } from '../zip-directory.js';
import { legacyMagic, zipMagic } from '../io/checkpoint/magic.js';
import { unreadable } from '../io/read-file.js';

/** What a file of PyTorch's world is, told from its first and last bytes; nothing of it is executed. */
export type FileKind =
  | 'torchscript'
  | 'export-archive'
  | 'state-dict'
  | 'legacy-checkpoint'
  | 'safetensors'
  | 'lite-interpreter'
  | 'torchscript-1.0'
  | 'unknown';

export async function fileKind(path: string): Promise<FileKind> {
  const file = await openFile(path);
  try {
    const { size } = await file.stat();
    const head = await readAt(file, 0, Math.min(size, 16));
    if (head.subarray(0, zipMagic.length).equals(zipMagic)) return kindOfNames(await zipNames(file, size));
    if (head.subarray(0, legacyMagic.length).equals(legacyMagic)) return 'legacy-checkpoint';
    if (head.length >= 9 && head.readBigUInt64LE(0) < BigInt(size) && head[8] === 0x7b) return 'safetensors';
    return 'unknown';
  } finally {
    await file.close();
  }
}

/** Throws ERR_NOT_TORCHSCRIPT with the remedy unless the file holds a model that can be differentiated. */
export async function requireModelFile(path: string): Promise<'torchscript' | 'export-archive'> {
  const kind = await fileKind(path);
  return kind === 'export-archive' ? kind : requireKind(path, kind);
}

/** Throws ERR_NOT_TORCHSCRIPT with the remedy unless the file is a TorchScript archive. */
export async function requireTorchScript(path: string): Promise<void> {
  requireKind(path, await fileKind(path));
}

function requireKind(path: string, kind: FileKind): 'torchscript' {
  if (kind === 'torchscript') return kind;
  throw new LossAtlasError('ERR_NOT_TORCHSCRIPT', `'${path}' ${kindRemedy(kind)}`);
}

/** What such a file is, to follow its name, and how to get a model that can be differentiated. */
export function kindRemedy(kind: Exclude<FileKind, 'torchscript'>): string {
  return remedies[kind];
}

const remedies: Readonly<Record<Exclude<FileKind, 'torchscript'>, string>> = {
  'export-archive':
    'is a torch.export archive (.pt2), which is read as a model only. Save this as TorchScript: torch.jit.script(module).save(path).',
  'state-dict':
    'is a checkpoint of tensors (state dict), which has weights but no model. In Python, load it into the model and run torch.jit.script(model).save(path).',
  'legacy-checkpoint':
    'is a checkpoint in the format of PyTorch before 1.6, which has weights but no model. In Python, load it into the model and run torch.jit.script(model).save(path).',
  safetensors:
    'is a safetensors file, which has weights but no model. In Python, load it into the model and run torch.jit.script(model).save(path).',
  'lite-interpreter':
    'is a model of the mobile Lite Interpreter, which cannot be differentiated. Save it with torch.jit.script(model).save(path).',
  'torchscript-1.0':
    'is TorchScript in the format of PyTorch 1.0 (model.json), which no libtorch that is supported reads. Load it with torch.jit.load of PyTorch 1.0 to 1.3, or build the model anew, and run torch.jit.script(model).save(path).',
  unknown: 'is no TorchScript archive. Save the model in Python with torch.jit.script(model).save(path).',
};

/** Names of the members of a zip archive; none where its directory is damaged. */
export async function zipMemberNames(path: string): Promise<string[]> {
  const file = await openFile(path);
  try {
    return await zipNames(file, (await file.stat()).size);
  } finally {
    await file.close();
  }
}

function kindOfNames(names: readonly string[]): FileKind {
  const has = (pattern: RegExp) => names.some((name) => pattern.test(name));
  if (has(/^[^/]+\/bytecode\.pkl$/)) return 'lite-interpreter';
  if (has(/^[^/]+\/constants\.pkl$/) && has(/^[^/]+\/code\//)) return 'torchscript';
  if (has(/^[^/]+\/model\.json$/) && has(/^[^/]+\/code\//)) return 'torchscript-1.0';
  if (has(/(^|\/)models\/[^/]+\.json$/) || has(/(^|\/)serialized_exported_program\.json$/))
    return 'export-archive';
  if (has(/^[^/]+\/data\.pkl$/)) return 'state-dict';
  return 'unknown';
}

/** Names in the zip's central directory; an empty list where it is damaged. */
async function zipNames(file: FileHandle, size: number): Promise<string[]> {
  const fail = (problem: string): never => {
    throw new DamagedZip(problem);
  };
  try {
    const tailStart = Math.max(0, size - zipTailLength);
    const tail = await readAt(file, tailStart, size - tailStart);
    const { offset, length, count } = locateZipDirectory(tail, size, fail);
    const directory = await readAt(file, offset, length);
    return parseZipDirectory(directory, count, fail).map(({ name }) => name);
  } catch (error) {
    if (error instanceof DamagedZip) return [];
    throw error;
  }
}

class DamagedZip extends Error {}

async function readAt(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const buffer = Buffer.alloc(length);
  const { bytesRead } = await file.read(buffer, 0, length, position);
  return buffer.subarray(0, bytesRead);
}

async function openFile(path: string): Promise<FileHandle> {
  try {
    const file = await open(path, 'r');
    if ((await file.stat()).isFile()) return file;
    await file.close();
  } catch (cause) {
    throw unreadable(path, cause);
  }
  throw new LossAtlasError('ERR_FILE_UNREADABLE', `'${path}' is not a file.`);
}
