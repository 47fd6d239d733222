import type { CheckpointTensor } from '../io/checkpoint/tensor.js';
import type { NdArray } from '../types.js';
import type { Model } from './model.js';

/** n numbers in the order of the model's parameters; `tensorOf` gives each one's tensor, or undefined for zeros. */
export function flatten(
  model: Model,
  tensorOf: (name: string) => Pick<CheckpointTensor, 'data'> | undefined,
): Float64Array {
  const out = new Float64Array(model.size);
  for (const { name, offset } of model.parameters) {
    const tensor = tensorOf(name);
    if (tensor !== undefined) copyNumbers(tensor.data, out, offset);
  }
  return out;
}

/** As float64, which every type but large 64-bit integers fits into. */
export function toNdArray({ data, shape }: CheckpointTensor): NdArray {
  const out = new Float64Array(data.length);
  copyNumbers(data, out, 0);
  return { data: out, shape };
}

function copyNumbers(data: CheckpointTensor['data'], out: Float64Array, offset: number): void {
  if (data instanceof BigInt64Array || data instanceof BigUint64Array) {
    for (let i = 0; i < data.length; i++) out[offset + i] = Number(data[i]);
  } else {
    out.set(data, offset);
  }
}
