import { LossAtlasError } from '../errors.js';
import { hashOf } from '../hash.js';
import type { NdArray, TypedArray } from '../types.js';
import {
  checkOptions,
  invalidOption,
  isArrayOf,
  isNumber,
  isPositive,
  isString,
  type Check,
} from '../validate.js';
import { editImages, imageChecks, type ImageOptions } from './images.js';
import { isLabelMap, mapLabels, type LabelMap } from './labels.js';
import { rowsOf, type RowSource, type StoredArray } from './rows.js';
import { chooseRows, subsetChecks, type SubsetOptions } from './subset.js';

/** What users may hand over as an array: plain numbers are labels or values of one dimension. */
export type ArrayInput = ShapedArray | readonly number[];

export interface ShapedArray {
  readonly data: StoredArray;
  readonly shape: readonly number[];
}

/**
 * What every reader of data does with the samples, in the order: subset (`limit`, `indices` or `sample`, then
 * `perClass`), `grayscale`, `resize`, `pad`, `scale`, `mean` and `std`; and `mapLabels`.
 */
export interface DatasetOptions extends SubsetOptions, ImageOptions {
  /** For provenance and messages; default `data`, or the name of the file. */
  readonly name?: string;
  /** Inputs become floats and are multiplied by this, for example 1/255 for bytes; int32 and int64 among several inputs are indices and stay. */
  readonly scale?: number;
  /** Per channel (dimension 1), after scaling: (x − mean) / std. */
  readonly mean?: readonly number[];
  readonly std?: readonly number[];
  /** New labels by old ones; a sample whose label has no new one is an error. `perClass` goes by the old ones. */
  readonly mapLabels?: LabelMap;
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
  /** What was done to samples and labels, in order; for provenance. */
  readonly preprocessing: string;
  #hash: string | undefined;

  /** Use `dataset` or one of the readers. */
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
  const { name = 'data' } = options;
  const list = isInputList(arrays.inputs) ? arrays.inputs : [arrays.inputs];
  const inputs = list.map((input, i) => toSource(input, `${name}: inputs${list.length > 1 ? `[${i}]` : ''}`));
  const targets =
    arrays.targets === undefined || arrays.targets === null
      ? null
      : toSource(arrays.targets, `${name}: targets`);
  return datasetOf({ name, source: name, inputs, targets }, options);
}

/** Samples as a reader knows them before it is said which ones are wanted. */
export interface Samples {
  /** Unless the options give one. */
  readonly name: string;
  /** In messages: the file. */
  readonly source: string;
  readonly inputs: readonly RowSource[];
  readonly targets: RowSource | null;
  /** In messages: where one sample stands; default its number. */
  readonly where?: (row: number) => string;
  /** What the reader itself did that another reader might not have. */
  readonly done?: readonly string[];
}

/** Subset first, so that nothing is converted which is not wanted. */
export function datasetOf(samples: Samples, options: DatasetOptions): Dataset {
  const { source, where = (row: number) => `${source}, sample ${row}` } = samples;
  const { name = samples.name, scale, mean, std } = options;
  const numSamples = countSamples(samples);
  const subset = chooseRows(options, numSamples, samples.targets, source);
  const read = (from: RowSource): NdArray => ({
    data: toSigned(from.read(subset.rows), source),
    shape: [subset.rows.count, ...from.shape.slice(1)],
  });
  const images = editImages(samples.inputs.map(read), options, source);
  let { inputs } = images;
  if (scale !== undefined || mean !== undefined || std !== undefined) {
    // Of several inputs, wide integers are indices (tokens), not values.
    const isIndex = ({ data }: NdArray) => data instanceof BigInt64Array || data instanceof Int32Array;
    inputs = inputs.map((input) =>
      inputs.length > 1 && isIndex(input) ? input : standardize(input, scale ?? 1, mean, std, source),
    );
  }
  let targets = samples.targets === null ? null : read(samples.targets);
  let labelsDone = '';
  if (options.mapLabels !== undefined) {
    if (targets === null) {
      throw new LossAtlasError(
        'ERR_INVALID_OPTION',
        `${source}: mapLabels needs labels, and there are none.`,
      );
    }
    ({ targets, done: labelsDone } = mapLabels(targets, options.mapLabels, subset.rows, where));
  }
  const done = [
    ...(samples.done ?? []),
    ...subset.done,
    ...images.done,
    scale !== undefined && `scale ${scale}`,
    mean && `mean ${mean.join(', ')}`,
    std && `std ${std.join(', ')}`,
    labelsDone,
  ];
  return new Dataset(name, inputs, targets, done.filter(Boolean).join('; '));
}

const isNumberList = isArrayOf(isNumber(), 'an array of numbers');
export const datasetChecks = {
  name: isString,
  ...subsetChecks,
  ...imageChecks,
  scale: isNumber(),
  mean: isNumberList,
  std: isArrayOf(isPositive, 'an array of positive numbers'),
  mapLabels: isLabelMap,
} as const satisfies Record<keyof DatasetOptions, Check>;

function countSamples({ source, inputs, targets }: Samples): number {
  if (inputs.length === 0) throw new LossAtlasError('ERR_EMPTY_DATA', `${source}: there is no input array.`);
  const numSamples = inputs[0]!.shape[0];
  for (const { shape } of targets === null ? inputs : [...inputs, targets]) {
    if (shape.length === 0)
      throw new LossAtlasError('ERR_INVALID_DATA', `${source}: an array has no dimension of samples.`);
    if (shape[0]! >= 2 ** 32)
      throw new LossAtlasError('ERR_INVALID_DATA', `${source}: ${shape[0]!} samples are too many.`);
    if (shape[0] === 0) throw new LossAtlasError('ERR_EMPTY_DATA', `${source}: there are no samples.`);
    if (shape[0] !== numSamples) {
      throw new LossAtlasError(
        'ERR_INVALID_DATA',
        `${source}: inputs and targets differ in their number of samples: ${numSamples!} and ${shape[0]!}.`,
      );
    }
  }
  return numSamples!;
}

function isInputList(inputs: DatasetArrays['inputs']): inputs is readonly ShapedArray[] {
  return Array.isArray(inputs) && typeof inputs[0] === 'object';
}

function toSource(input: ArrayInput, name: string): RowSource {
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
  return rowsOf(data, shape as readonly number[]);
}

function fromNumbers(values: readonly number[], name: string): RowSource {
  if (!values.every((v) => typeof v === 'number')) throw invalidOption(name, 'an array of numbers', values);
  const whole = values.every((v) => Number.isSafeInteger(v) && Math.abs(v) < 2 ** 31);
  return rowsOf(whole ? Int32Array.from(values) : Float64Array.from(values), [values.length]);
}

/** libtorch has no arithmetic on unsigned types beyond bytes. */
function toSigned(data: StoredArray, name: string): TypedArray {
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
