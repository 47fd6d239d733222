import { LossAtlasError } from '../errors.js';
import type { NpyArray } from '../io/npy.js';
import type { BufferState } from '../model/buffer-state.js';
import type { Model } from '../model/model.js';
import type { ParameterVector } from '../model/parameter-vector.js';
import type { NdArray } from '../types.js';

/** One array a parameter, named `prefix` + name, in the model's dtype, which loses nothing. */
export async function splitArrays(vector: ParameterVector, prefix: string): Promise<[string, NpyArray][]> {
  const { parameters, dtype } = vector.model;
  const values = await vector.toArray();
  return parameters.map(({ name, shape, offset, numel }) => {
    const part = values.subarray(offset, offset + numel);
    const array: NpyArray =
      dtype === 'float32'
        ? { dtype: 'f4', data: Float32Array.from(part), shape }
        : { dtype: 'f8', data: Float64Array.from(part), shape };
    return [prefix + name, array];
  });
}

/** The inverse. Throws ERR_INVALID_DATA for an array that is missing, ERR_LAYOUT_MISMATCH for another shape. */
export async function joinArrays(
  model: Model,
  arrays: Readonly<Record<string, NpyArray>>,
  prefix: string,
  source: string,
): Promise<ParameterVector> {
  const out = new Float64Array(model.size);
  for (const { name, shape, offset } of model.parameters) {
    out.set(requireArray(arrays, prefix + name, shape, source), offset);
  }
  return model.vector(out);
}

/** Floating-point buffers likewise. */
export async function bufferArrays(state: BufferState, prefix: string): Promise<[string, NpyArray][]> {
  const out: [string, NpyArray][] = [];
  for (const { name, shape, dtype } of state.model.buffers) {
    if (!dtype.startsWith('float')) continue;
    out.push([prefix + name, { dtype: 'f8', data: Float64Array.from(await state.toArray(name)), shape }]);
  }
  return out;
}

export function bufferValues(
  model: Model,
  arrays: Readonly<Record<string, NpyArray>>,
  prefix: string,
  source: string,
): Map<string, NdArray> {
  const floating = model.buffers.filter(({ dtype }) => dtype.startsWith('float'));
  return new Map(
    floating.map(({ name, shape }) => [
      name,
      { data: requireArray(arrays, prefix + name, shape, source), shape },
    ]),
  );
}

function requireArray(
  arrays: Readonly<Record<string, NpyArray>>,
  name: string,
  shape: readonly number[],
  source: string,
): Float32Array | Float64Array {
  const array = Object.hasOwn(arrays, name) ? arrays[name]! : undefined;
  if (!(array?.data instanceof Float32Array || array?.data instanceof Float64Array)) {
    throw new LossAtlasError(
      'ERR_LAYOUT_MISMATCH',
      `${source} has no floating-point array '${name}': it was saved for a model with other parameters.`,
    );
  }
  if (array.shape.join() !== shape.join()) {
    throw new LossAtlasError(
      'ERR_LAYOUT_MISMATCH',
      `${source}: '${name}' is [${array.shape.join(', ')}], but the model's is [${shape.join(', ')}].`,
    );
  }
  return array.data;
}
