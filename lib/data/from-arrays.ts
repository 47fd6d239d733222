import { LossAtlasError } from '../errors.js';
import { checkOptions, invalidOption } from '../validate.js';
import type { Dataset } from './dataset.js';
import { datasetChecks, type DatasetOptions } from './dataset-options.js';
import { numberArray } from './number-array.js';
import { rowsOf, type RowSource, type StoredArray } from './rows.js';
import { datasetOf } from './samples.js';

/** What users may hand over as an array: plain numbers are labels or values of one dimension. */
export type ArrayInput = ShapedArray | readonly number[];

export interface ShapedArray {
  readonly data: StoredArray;
  readonly shape: readonly number[];
}

/** Inputs by the names of the model's arguments, in their order. */
export type NamedArrays = Readonly<Record<string, ShapedArray>>;

export interface DatasetArrays {
  /** [N, …]; or several of them for a model with several inputs, in an array or by name. */
  readonly inputs: ArrayInput | readonly ShapedArray[] | NamedArrays;
  /** [N] class indices, or what the criterion wants; absent for criterion `model`. */
  readonly targets?: ArrayInput | null;
}

/**
 * A data set from arrays.
 *
 *     const data = dataset({ inputs: { data: pixels, shape: [n, 1, 28, 28] }, targets: labels }, { scale: 1 / 255 });
 *     const text = dataset({ inputs: { input_ids: { data: ids, shape }, attention_mask: { data: mask, shape } }, targets });
 *
 * Throws ERR_INVALID_OPTION, ERR_INVALID_DATA, ERR_EMPTY_DATA.
 */
export function dataset(arrays: DatasetArrays, options: DatasetOptions = {}): Dataset {
  checkOptions('dataset', options, datasetChecks);
  checkOptions('dataset', arrays, { inputs: () => null, targets: () => null });
  const { name = 'data' } = options;
  const { list, names } = listInputs(arrays.inputs);
  const label = (i: number) => {
    if (names !== null) return `['${names[i]!}']`;
    return list.length > 1 ? `[${i}]` : '';
  };
  const inputs = list.map((input, i) => toSource(input, `${name}: inputs${label(i)}`));
  const targets =
    arrays.targets === undefined || arrays.targets === null
      ? null
      : toSource(arrays.targets, `${name}: targets`);
  return datasetOf({ name, source: name, inputs, targets, inputNames: names }, options);
}

/** Inputs as a list, and their names where they have some. */
export function listInputs(inputs: DatasetArrays['inputs']): {
  list: readonly ArrayInput[];
  names: readonly string[] | null;
} {
  if (Array.isArray(inputs)) {
    const isList = inputs.length > 0 && typeof inputs[0] === 'object';
    return { list: isList ? (inputs as readonly ShapedArray[]) : [inputs as readonly number[]], names: null };
  }
  if (!isNamed(inputs)) return { list: [inputs as ShapedArray], names: null };
  return { list: Object.values(inputs), names: Object.freeze(Object.keys(inputs)) };
}

/** An array has a `shape` that is a list; an object whose `shape` is another array has an input of that name. */
function isNamed(inputs: unknown): inputs is NamedArrays {
  if (typeof inputs !== 'object' || inputs === null || ArrayBuffer.isView(inputs)) return false;
  const { data, shape } = inputs as { data?: unknown; shape?: unknown };
  return !Array.isArray(shape) && !ArrayBuffer.isView(data);
}

export function toSource(input: ArrayInput, name: string): RowSource {
  if (Array.isArray(input)) return fromNumbers(input as readonly number[], name);
  const { data, shape } = (input as ShapedArray | null) ?? {};
  if (data === undefined || !isStoredArray(data) || !Array.isArray(shape)) {
    throw invalidOption(name, '{ data: a typed array, shape: its dimensions } or an array of numbers', input);
  }
  const sizes = shape as readonly number[];
  const count = sizes.reduce((product, dim) => product * dim, 1);
  if (!sizes.every((dim) => Number.isSafeInteger(dim) && dim >= 0) || count !== data.length) {
    throw new LossAtlasError(
      'ERR_INVALID_DATA',
      `${name}: shape [${sizes.join(', ')}] does not fit its ${data.length} values.`,
    );
  }
  return rowsOf(data, sizes);
}

export function isStoredArray(data: unknown): data is StoredArray {
  return ArrayBuffer.isView(data) && !(data instanceof DataView);
}

function fromNumbers(values: readonly number[], name: string): RowSource {
  if (!values.every((v) => typeof v === 'number')) throw invalidOption(name, 'an array of numbers', values);
  return rowsOf(numberArray(values), [values.length]);
}
