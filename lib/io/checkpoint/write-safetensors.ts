import { LossAtlasError } from '../../errors.js';
import { invalidOption, isString } from '../../validate.js';
import { writeWholeFile } from '../write-file.js';
import { safetensorsDtypes } from './safetensors.js';
import { byteLengthOf, requireTensor, tensorParts } from './tensor-bytes.js';
import { isTensor, itemSizeOf, type CheckpointTensor } from './tensor.js';

const codes = new Map([...safetensorsDtypes].map(([code, dtype]) => [dtype, code]));

/**
 * Writes named tensors as a safetensors file, whole or not at all. `safetensors.torch.load_file` and `readCheckpoint` read
 * it. As in the files of that library, wider types come first, and names keep their order among equals. A tensor that has
 * two names is stored under each.
 *
 *     const tensors = (await readCheckpoint('weights.pth')).stateDict();
 *     await writeSafetensors('weights.safetensors', tensors);
 *
 * Throws ERR_INVALID_DATA, ERR_FILE_NOT_WRITABLE, ERR_INVALID_OPTION.
 */
export async function writeSafetensors(
  path: string,
  tensors: ReadonlyMap<string, CheckpointTensor>,
): Promise<void> {
  if (isString(path) !== null) throw invalidOption('writeSafetensors: path', 'the path of a file', path);
  await writeWholeFile(path, fileParts(tensors));
}

function* fileParts(tensors: ReadonlyMap<string, CheckpointTensor>): Generator<Uint8Array> {
  // Values of every type begin at a multiple of their size.
  const entries = [...tensors].sort(([, a], [, b]) => itemSizeOf(b.dtype) - itemSizeOf(a.dtype));
  let at = 0;
  const fields = entries.map(([name, tensor]) => {
    if (name === '__metadata__') {
      throw new LossAtlasError('ERR_INVALID_DATA', `writeSafetensors: '${name}' can be no tensor's name.`);
    }
    if (!isTensor(tensor)) requireTensor(tensor, name);
    const begin = at;
    at += byteLengthOf(tensor);
    const entry = { dtype: codes.get(tensor.dtype), shape: tensor.shape, data_offsets: [begin, at] };
    // Put together by hand: an object would move names that are numbers to its front.
    return `${JSON.stringify(name)}:${JSON.stringify(entry)}`;
  });
  const text = Buffer.from(`{${['"__metadata__":{"format":"pt"}', ...fields].join(',')}}`);
  const head = Buffer.alloc(8 + Math.ceil(text.length / 8) * 8, ' ');
  head.writeBigUInt64LE(BigInt(head.length - 8), 0);
  head.set(text, 8);
  yield head;
  for (const [, tensor] of entries) yield* tensorParts(tensor);
}
