import { LossAtlasError } from '../../errors.js';
import { toBrainHalves, toHalves } from '../float16.js';
import { arrayTypeOf, hostIsLittle, isDtype, itemSizeOf, swapBytes } from './dtype.js';
import { elementsOf } from './strides.js';
import type { CheckpointTensor } from './tensor.js';

/** Values that are converted at once. */
const partLength = 1 << 20;

/** Throws ERR_INVALID_DATA unless dtype, shape and data belong together. `name` names it in the message. */
export function requireTensor(tensor: CheckpointTensor, name: string): void {
  const { dtype, shape, data } = tensor;
  const fail = (problem: string) => {
    throw new LossAtlasError('ERR_INVALID_DATA', `the tensor '${name}' ${problem}.`);
  };
  if (!isDtype(dtype)) fail(`has the unknown dtype '${String(dtype)}'`);
  const ArrayType = arrayTypeOf(dtype);
  if (!(data instanceof ArrayType)) fail(`of dtype ${dtype} needs a ${ArrayType.name}`);
  const isShape = Array.isArray(shape) && shape.every((size) => Number.isSafeInteger(size) && size >= 0);
  if (!isShape) fail('has no shape of whole numbers');
  if (elementsOf(shape) !== data.length) fail(`of shape (${shape.join(', ')}) has ${data.length} values`);
}

/** Of the tensor in a file. */
export function byteLengthOf({ dtype, shape }: CheckpointTensor): number {
  return elementsOf(shape) * itemSizeOf(dtype);
}

/** The tensor's values as a file holds them, little-endian, in parts. */
export function* tensorParts({ dtype, data }: CheckpointTensor): Generator<Uint8Array> {
  for (let at = 0; at < data.length; at += partLength) {
    const part = data.subarray(at, at + partLength);
    let stored = part;
    if (dtype === 'float16') stored = toHalves(part as Float32Array);
    else if (dtype === 'bfloat16') stored = toBrainHalves(part as Float32Array);
    else if (dtype === 'bool') stored = (part as Uint8Array).map((value) => (value === 0 ? 0 : 1));
    const bytes = new Uint8Array(stored.buffer, stored.byteOffset, stored.byteLength);
    yield hostIsLittle ? bytes : swapped(bytes, itemSizeOf(dtype));
  }
}

function swapped(bytes: Uint8Array, itemSize: number): Uint8Array {
  const copy = Buffer.from(bytes);
  swapBytes(copy, itemSize);
  return copy;
}
