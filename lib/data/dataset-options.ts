import { isArrayOf, isNumber, isPositive, isString, type Check } from '../validate.js';
import { imageChecks, type ImageOptions } from './images.js';
import { isLabelMap, type LabelMap } from './labels.js';
import { subsetChecks, type SubsetOptions } from './subset.js';

/**
 * What every reader of data does with the samples, in the order: subset (`limit`, `indices` or `sample`, then
 * `shuffle`, then `perClass`), `grayscale`, `resize`, `pad`, `scale`, `mean` and `std`; and `mapLabels`.
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
