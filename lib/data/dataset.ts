import { LossAtlasError } from '../errors.js';
import { hashOf } from '../hash.js';
import type { NdArray, TypedArray } from '../types.js';
import {
  checkOptions,
  invalidOption,
  isArrayOf,
  isInteger,
  isNumber,
  isPositive,
  isString,
} from '../validate.js';

/** What users may hand over as an array: plain numbers are labels or values of one dimension. */
export type ArrayInput = ShapedArray | readonly number[];

export interface ShapedArray {
  readonly data: TypedArray | Uint16Array | Uint32Array | BigUint64Array;
  readonly shape: readonly number[];
}

export interface DatasetOptions {
  /** For provenance and messages; default `data`. */
  readonly name?: string;
  /** Inputs become floats and are multiplied by this, for example 1/255 for bytes; int32 and int64 among several inputs are indices and stay. */
  readonly scale?: number;
  /** Per channel (dimension 1), after scaling: (x − mean) / std. */
  readonly mean?: readonly number[];
  readonly std?: readonly number[];
  /** Use the first so many samples. */
  readonly limit?: number;
}

export interface DatasetArrays {
  /** [N, …], or several of them for a model with several inputs. */
  readonly inputs: ArrayInput | readonly ShapedArray[];
  /** [N] class indices, or what the criterion wants; absent for criterion `model`. */
  readonly targets?: ArrayInput | null;
}

/** Samples on the host, in order. */
export class Dataset {
  readonly name: string;
  readonly inputs: readonly NdArray[];
  readonly targets: NdArray | null;
  readonly numSamples: number;
  /** What was done to the inputs; for provenance. */
  readonly preprocessing: string;
  #hash: string | undefined;

  /** Use `dataset` or `loadNpz`. */
  constructor(name: string, inputs: readonly NdArray[], targets: NdArray | null, preprocessing = '') {
    this.name = name;
    this.preprocessing = preprocessing;
    this.inputs = inputs;
    this.targets = targets;
    this.numSamples = inputs[0]!.shape[0]!;
  }

  /** SHA-256 of inputs and targets, hexadecimal. */
  get hash(): string {
    this.#hash ??= hashOf(this.targets === null ? this.inputs : [...this.inputs, this.targets]);
    return this.#hash;
  }

  /** Samples start to end (exclusive), as views. */
  slice(start: number, end: number): Dataset {
    const part = (array: NdArray) => sliceRows(array, start, end);
    return new Dataset(
      this.name,
      this.inputs.map(part),
      this.targets === null ? null : part(this.targets),
      this.preprocessing,
    );
  }
}

/**
 * A data set from arrays.
 *
 *     const data = dataset({ inputs: { data: pixels, shape: [n, 1, 28, 28] }, targets: labels }, { scale: 1 / 255 });
 *
 * Throws ERR_INVALID_OPTION, ERR_INVALID_DATA, ERR_EMPTY_DATA.
 */
export function dataset(arrays: DatasetArrays, options: DatasetOptions = {}): Dataset {
  checkOptions('dataset', options, datasetChecks);
  checkOptions('dataset', arrays, { inputs: () => null, targets: () => null });
  const { name = 'data', scale, mean, std, limit } = options;
  const list = isInputList(arrays.inputs) ? arrays.inputs : [arrays.inputs];
  let inputs = list.map((input, i) => toNdArray(input, `${name}: inputs${list.length > 1 ? `[${i}]` : ''}`));
  const targets =
    arrays.targets === undefined || arrays.targets === null
      ? null
      : toNdArray(arrays.targets, `${name}: targets`);
  if (inputs.length === 0) throw new LossAtlasError('ERR_EMPTY_DATA', `${name}: there is no input array.`);
  for (const array of targets === null ? inputs : [...inputs, targets]) {
    if (array.shape.length === 0)
      throw new LossAtlasError('ERR_INVALID_DATA', `${name}: an array has no dimension of samples.`);
    if (array.shape[0] === 0) throw new LossAtlasError('ERR_EMPTY_DATA', `${name}: there are no samples.`);
    if (array.shape[0] !== inputs[0]!.shape[0]) {
      throw new LossAtlasError(
        'ERR_INVALID_DATA',
        `${name}: inputs and targets differ in their number of samples: ${inputs[0]!.shape[0]!} and ${array.shape[0]!}.`,
      );
    }
  }
  if (scale !== undefined || mean !== undefined || std !== undefined) {
    // Of several inputs, wide integers are indices (tokens), not values.
    const isIndex = ({ data }: NdArray) => data instanceof BigInt64Array || data instanceof Int32Array;
    inputs = inputs.map((input) =>
      inputs.length > 1 && isIndex(input) ? input : standardize(input, scale ?? 1, mean, std, name),
    );
  }
  const done = [
    scale !== undefined && `scale ${scale}`,
    mean && `mean ${mean.join(', ')}`,
    std && `std ${std.join(', ')}`,
  ];
  const all = new Dataset(name, inputs, targets, done.filter(Boolean).join('; '));
  return limit === undefined || limit >= all.numSamples ? all : all.slice(0, limit);
}

const isNumberList = isArrayOf(isNumber(), 'an array of numbers');
export const datasetChecks = {
  name: isString,
  scale: isNumber(),
  mean: isNumberList,
  std: isArrayOf(isPositive, 'an array of positive numbers'),
  limit: isInteger(1),
} as const;

function isInputList(inputs: DatasetArrays['inputs']): inputs is readonly ShapedArray[] {
  return Array.isArray(inputs) && typeof inputs[0] === 'object';
}

function toNdArray(input: ArrayInput, name: string): NdArray {
  if (Array.isArray(input)) return fromNumbers(input as readonly number[], name);
  const { data, shape } = input as ShapedArray;
  if (typeof input !== 'object' || !ArrayBuffer.isView(data) || !Array.isArray(shape)) {
    throw invalidOption(name, '{ data: a typed array, shape: its dimensions } or an array of numbers', input);
  }
  const count = (shape as readonly number[]).reduce((product, dim) => product * dim, 1);
  if (
    !(shape as readonly number[]).every((dim) => Number.isSafeInteger(dim) && dim >= 0) ||
    count !== data.length
  ) {
    throw new LossAtlasError(
      'ERR_INVALID_DATA',
      `${name}: shape [${shape.join(', ')}] does not fit its ${data.length} values.`,
    );
  }
  return { data: toSigned(data, name), shape };
}

function fromNumbers(values: readonly number[], name: string): NdArray {
  if (!values.every((v) => typeof v === 'number')) throw invalidOption(name, 'an array of numbers', values);
  const whole = values.every((v) => Number.isSafeInteger(v) && Math.abs(v) < 2 ** 31);
  return { data: whole ? Int32Array.from(values) : Float64Array.from(values), shape: [values.length] };
}

/** libtorch has no arithmetic on unsigned types beyond bytes. */
function toSigned(data: TypedArray | Uint16Array | Uint32Array | BigUint64Array, name: string): TypedArray {
  if (data instanceof Uint16Array) return Int32Array.from(data);
  if (data instanceof Uint32Array) return BigInt64Array.from(data, (v) => BigInt(v));
  if (data instanceof BigUint64Array) {
    if (data.some((v) => v >= 1n << 63n))
      throw new LossAtlasError('ERR_INVALID_DATA', `${name}: a value is beyond int64.`);
    return BigInt64Array.from(data);
  }
  return data;
}

function standardize(
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

function sliceRows(array: NdArray, start: number, end: number): NdArray {
  const [numRows = 0, ...rest] = array.shape;
  const stop = Math.min(end, numRows);
  const width = rest.reduce((product, dim) => product * dim, 1);
  return { data: array.data.subarray(start * width, stop * width), shape: [stop - start, ...rest] };
}
