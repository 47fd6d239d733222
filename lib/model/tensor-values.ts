import { fitsFloat32 } from '../io/checkpoint/dtype.js';
import { copyNumbers, isTensor, type CheckpointTensor } from '../io/checkpoint/tensor.js';
import type { NdArray } from '../types.js';
import type { Model } from './model.js';

/**
 * n numbers in the order of the model's parameters; `tensorOf` gives each one's tensor, or undefined for zeros. In
 * float32 where it holds all of them exactly, else in float64. Files are read straight into the result.
 */
export async function flatten(
  model: Model,
  tensorOf: (name: string) => CheckpointTensor | undefined,
): Promise<Float32Array | Float64Array> {
  const found = model.parameters.map((parameter) => ({ ...parameter, tensor: tensorOf(parameter.name) }));
  const isNarrow = found.every(({ tensor }) => tensor === undefined || fitsFloat32(tensor.dtype));
  const out = new (isNarrow ? Float32Array : Float64Array)(model.size);
  await Promise.all(
    found.map(async ({ tensor, offset, numel }) => {
      if (tensor !== undefined) await copyValues(tensor, out.subarray(offset, offset + numel));
    }),
  );
  return out;
}

export async function copyValues(tensor: CheckpointTensor, out: Float32Array | Float64Array): Promise<void> {
  if (isTensor(tensor)) await tensor.copyTo(out);
  else copyNumbers(tensor.data, out);
}

/** As float64, which every type but large 64-bit integers fits into. */
export function toNdArray({ data, shape }: CheckpointTensor): NdArray {
  const out = new Float64Array(data.length);
  copyNumbers(data, out);
  return { data: out, shape };
}
