import { LossAtlasError } from '../errors.js';
import type { NdArray, TypedArray } from '../types.js';
import { arrayInfo } from './array-info.js';
import { Dataset } from './dataset.js';
import type { DatasetOptions } from './dataset-options.js';
import { editImages } from './images.js';
import { mapLabels } from './labels.js';
import type { Rows, RowSource, StoredArray } from './rows.js';
import { standardize } from './standardize.js';
import { chooseRows } from './subset.js';

interface SamplesBase {
  /** Unless the options give one. */
  readonly name: string;
  /** In messages: the file. */
  readonly source: string;
  readonly targets: RowSource | null;
  /** Of the inputs, where they have some. */
  readonly inputNames?: readonly string[] | null;
  /** Names by label. */
  readonly classNames?: readonly string[] | null;
  /** In messages: where one sample stands; default its number. */
  readonly where?: (row: number) => string;
  /** What the reader itself did that another reader might not have. */
  readonly done?: readonly string[];
}

/** Samples as a reader knows them before it is said which ones are wanted. */
export interface Samples extends SamplesBase {
  readonly inputs: readonly RowSource[];
}

/** Samples whose inputs are read batch by batch. */
export interface LazySamples extends SamplesBase {
  /** Their shapes, of which only the first dimension counts here. */
  readonly inputs: readonly { readonly shape: readonly number[] }[];
  /** Called once, with the samples that are wanted. */
  open(rows: Rows): Promise<OpenRows>;
}

export interface OpenRows {
  /** No sample of each input: its type and shape [0, …]. */
  readonly empty: readonly { readonly data: StoredArray; readonly shape: readonly number[] }[];
  readonly hash: string;
  /** What was done to the inputs before they are read, in words. */
  readonly done?: readonly string[];
  /** The i-th of the rows, by i; one array an input. */
  read(numbers: Uint32Array, signal?: AbortSignal): Promise<readonly StoredArray[]>;
}

/** Subset first, so that nothing is converted which is not wanted. */
export function datasetOf(samples: Samples, options: DatasetOptions): Dataset {
  const { source } = samples;
  const numSamples = countSamples(samples);
  const chosen = choose(samples, options, numSamples);
  const { inputs, done } = convert(
    samples.inputs.map((from) => readRows(from, chosen.rows, source)),
    options,
    source,
  );
  return finish(samples, options, chosen, inputs, done);
}

/** The same, of which only the targets are read. */
export async function lazyDatasetOf(samples: LazySamples, options: DatasetOptions): Promise<Dataset> {
  const { source } = samples;
  const numSamples = countSamples(samples);
  const chosen = choose(samples, options, numSamples);
  const rows = await samples.open(chosen.rows);
  const converted = (arrays: readonly StoredArray[], count: number) =>
    convert(
      arrays.map((data, i) => ({
        data: toSigned(data, source),
        shape: [count, ...rows.empty[i]!.shape.slice(1)],
      })),
      options,
      source,
    );
  // What the edits make of no sample tells the shape and type that they make of any number.
  const { inputs, done } = converted(
    rows.empty.map(({ data }) => data),
    0,
  );
  const lazy = {
    info: inputs.map((input) => arrayInfo(input, chosen.rows.count)),
    hash: rows.hash,
    read: async (numbers: Uint32Array, signal?: AbortSignal) =>
      converted(await rows.read(numbers, signal), numbers.length).inputs,
  };
  return finish(samples, options, chosen, lazy, [...(rows.done ?? []), ...done]);
}

type Chosen = ReturnType<typeof chooseRows>;

function choose(samples: SamplesBase, options: DatasetOptions, numSamples: number): Chosen {
  return chooseRows(options, numSamples, samples.targets, samples.source);
}

function readRows(from: RowSource, rows: Rows, source: string): NdArray {
  return { data: toSigned(from.read(rows), source), shape: [rows.count, ...from.shape.slice(1)] };
}

/** Each sample by itself, so that batches of samples give what all of them give at once. */
function convert(
  inputs: readonly NdArray[],
  options: DatasetOptions,
  source: string,
): { inputs: readonly NdArray[]; done: readonly string[] } {
  const images = editImages(inputs, options, source);
  const standard = standardize(images.inputs, options, source);
  return { inputs: standard.inputs, done: [...images.done, ...standard.done] };
}

function finish(
  samples: SamplesBase,
  options: DatasetOptions,
  { rows, done: subsetDone }: Chosen,
  inputs: ConstructorParameters<typeof Dataset>[1],
  inputsDone: readonly string[],
): Dataset {
  const { source, where = (row: number) => `${source}, sample ${row}` } = samples;
  let targets = samples.targets === null ? null : readRows(samples.targets, rows, source);
  let labelsDone = '';
  if (options.mapLabels !== undefined) {
    if (targets === null) {
      throw new LossAtlasError(
        'ERR_INVALID_OPTION',
        `${source}: mapLabels needs labels, and there are none.`,
      );
    }
    ({ targets, done: labelsDone } = mapLabels(targets, options.mapLabels, rows, where));
  }
  const done = [...(samples.done ?? []), ...subsetDone, ...inputsDone, labelsDone];
  return new Dataset(options.name ?? samples.name, inputs, targets, {
    preprocessing: done.filter(Boolean).join('; '),
    inputNames: samples.inputNames ?? null,
    // New labels stand for other names, or for several.
    classNames: options.mapLabels === undefined ? (samples.classNames ?? null) : null,
  });
}

function countSamples({ source, inputs, targets }: Samples | LazySamples): number {
  if (inputs.length === 0) throw new LossAtlasError('ERR_EMPTY_DATA', `${source}: there is no input array.`);
  const numSamples = inputs[0]!.shape[0];
  for (const { shape } of targets === null ? inputs : [...inputs, targets]) {
    if (shape.length === 0)
      throw new LossAtlasError('ERR_INVALID_DATA', `${source}: an array has no dimension of samples.`);
    if (shape[0]! >= 2 ** 32)
      throw new LossAtlasError('ERR_INVALID_DATA', `${source}: ${shape[0]!} samples are too many.`);
    if (shape[0] === 0) throw new LossAtlasError('ERR_EMPTY_DATA', `${source}: there are no samples.`);
    if (shape.includes(0)) {
      throw new LossAtlasError(
        'ERR_EMPTY_DATA',
        `${source}: samples of shape [${shape.slice(1).join(', ')}] have no values.`,
      );
    }
    if (shape[0] !== numSamples) {
      throw new LossAtlasError(
        'ERR_INVALID_DATA',
        `${source}: inputs and targets differ in their number of samples: ${numSamples!} and ${shape[0]!}.`,
      );
    }
  }
  return numSamples!;
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
