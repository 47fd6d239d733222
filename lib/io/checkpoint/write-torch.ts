import { invalidOption, isString } from '../../validate.js';
import { PickleWriter } from '../pickle-writer.js';
import { writeWholeFile } from '../write-file.js';
import { zipParts, type ZipEntry } from '../zip-writer.js';
import type { CheckpointDtype } from './dtype.js';
import { storageTypes } from './storages.js';
import { elementsOf, rowMajor } from './strides.js';
import { byteLengthOf, requireTensor, tensorParts } from './tensor-bytes.js';
import { isTensor, type CheckpointTensor } from './tensor.js';
import { isTensorLike, type CheckpointValue } from './value.js';

/** Of the dtypes that have one; those of the others are bytes. */
const storageNames = new Map(
  Object.entries(storageTypes)
    .filter(([name]) => !name.startsWith('torch.storage.'))
    .map(([name, dtype]): [CheckpointDtype, string] => [dtype, name.slice('torch.'.length)]),
);

/**
 * Writes a value as torch.save does (a zip archive), whole or not at all: dicts as Maps, lists, numbers, bigints, strings,
 * booleans, null, bytes, sets, tensors (those of a file, or one's own: `{ dtype, shape, data }`). `readCheckpoint` gives the same value back, and so does
 * `torch.load(path, weights_only=True)`, with tuples as lists. A tensor that stands in several places is stored once and
 * stays shared; different tensors are stored apart, even where they share memory.
 *
 *     const { value } = await readCheckpoint('epoch10.pth');
 *     await writeTorch('copy.pth', value);
 *
 * Throws ERR_INVALID_DATA (naming the place), ERR_FILE_NOT_WRITABLE, ERR_INVALID_OPTION.
 */
export async function writeTorch(path: string, value: CheckpointValue): Promise<void> {
  if (isString(path) !== null) throw invalidOption('writeTorch: path', 'the path of a file', path);
  await writeWholeFile(path, zipParts(archiveOf(value)));
}

/**
 * Writes named tensors as `torch.save(state_dict, path)` does; see `writeTorch`. Names keep their order.
 *
 *     const w = { dtype: 'float32', shape: [2], data: Float32Array.of(1, 2) } as const;
 *     await writeStateDict('weights.pth', new Map([['w', w]]));
 */
export async function writeStateDict(
  path: string,
  tensors: ReadonlyMap<string, CheckpointTensor>,
): Promise<void> {
  await writeTorch(path, tensors);
}

function archiveOf(value: CheckpointValue): ZipEntry[] {
  const tensors = new Map<CheckpointTensor, string>();
  const pickle = new PickleWriter<CheckpointTensor>({
    source: 'writeTorch',
    isObject: isTensorLike,
    object: (tensor, path, writer) => {
      if (!isTensor(tensor)) requireTensor(tensor, path);
      const key = tensors.get(tensor) ?? String(tensors.size);
      tensors.set(tensor, key);
      writeTensor(tensor, key, writer);
    },
  }).write(value);
  const text = (name: string, content: string | Buffer): ZipEntry => {
    const bytes = Buffer.from(content as string);
    return { name: `archive/${name}`, size: bytes.length, parts: () => [bytes] };
  };
  return [
    text('data.pkl', pickle),
    text('byteorder', 'little'),
    ...Array.from(tensors, ([tensor, key]) => ({
      name: `archive/data/${key}`,
      size: byteLengthOf(tensor),
      parts: () => tensorParts(tensor),
    })),
    text('version', '3\n'),
  ];
}

/** A call of PyTorch's function that makes a tensor from a storage. */
function writeTensor(tensor: CheckpointTensor, key: string, to: PickleWriter<CheckpointTensor>): void {
  const { dtype, shape } = tensor;
  const storage = storageNames.get(dtype);
  to.global('torch._utils', storage === undefined ? '_rebuild_tensor_v3' : '_rebuild_tensor_v2');
  to.tuple(() => {
    to.tuple(() => {
      to.text('storage');
      if (storage === undefined) to.global('torch.storage', 'UntypedStorage');
      else to.global('torch', storage);
      to.text(key);
      to.text('cpu');
      to.number(storage === undefined ? byteLengthOf(tensor) : elementsOf(shape));
    });
    to.byte(0x51);
    to.number(0);
    for (const sizes of [shape, rowMajor(shape)]) to.tuple(() => sizes.forEach((size) => to.number(size)));
    to.byte(0x89);
    to.global('collections', 'OrderedDict');
    to.byte(0x29, 0x52);
    if (storage === undefined) to.global('torch', dtype);
  });
  to.byte(0x52);
}
