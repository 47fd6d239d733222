import { LossAtlasError } from '../errors.js';
import type { NdArray } from '../types.js';
import { invalidOption } from '../validate.js';
import type { DatasetOptions } from './dataset-options.js';

/** Options `scale`, `mean` and `std`, and what was done in words. */
export function standardize(
  inputs: readonly NdArray[],
  { scale, mean, std }: DatasetOptions,
  source: string,
): { inputs: readonly NdArray[]; done: readonly string[] } {
  if (scale === undefined && mean === undefined && std === undefined) return { inputs, done: [] };
  // Of several inputs, wide integers are indices (tokens), not values.
  const isIndex = ({ data }: NdArray) => data instanceof BigInt64Array || data instanceof Int32Array;
  return {
    inputs: inputs.map((input) =>
      inputs.length > 1 && isIndex(input) ? input : standardized(input, scale ?? 1, mean, std, source),
    ),
    done: [
      scale === undefined ? '' : `scale ${scale}`,
      mean === undefined ? '' : `mean ${mean.join(', ')}`,
      std === undefined ? '' : `std ${std.join(', ')}`,
    ],
  };
}

function standardized(
  input: NdArray,
  scale: number,
  mean: readonly number[] | undefined,
  std: readonly number[] | undefined,
  name: string,
): NdArray {
  const { data, shape } = input;
  if (data instanceof BigInt64Array) {
    throw new LossAtlasError(
      'ERR_INVALID_DATA',
      `${name}: 64-bit integers cannot be scaled; give bytes or floats.`,
    );
  }
  const numChannels = shape.length > 1 ? shape[1]! : 1;
  for (const [key, list] of [['mean', mean] as const, ['std', std] as const]) {
    if (list !== undefined && list.length !== numChannels && list.length !== 1) {
      throw invalidOption(
        `dataset: option '${key}'`,
        `one number or one for each of the ${numChannels} channels`,
        list,
      );
    }
  }
  const perChannel = shape.slice(2).reduce((product, dim) => product * dim, 1);
  const out = data instanceof Float64Array ? new Float64Array(data.length) : new Float32Array(data.length);
  for (let i = 0; i < out.length; i++) {
    const channel = Math.floor(i / perChannel) % numChannels;
    const shift = mean === undefined ? 0 : (mean[mean.length === 1 ? 0 : channel] ?? 0);
    const spread = std === undefined ? 1 : (std[std.length === 1 ? 0 : channel] ?? 1);
    out[i] = (data[i]! * scale - shift) / spread;
  }
  return { data: out, shape };
}
