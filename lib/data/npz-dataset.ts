import { basename } from 'node:path';
import { LossAtlasError } from '../errors.js';
import { readNpz } from '../io/npz.js';
import { checkOptions, isArrayOf, isString, suggest } from '../validate.js';
import { dataset, datasetChecks, type Dataset, type DatasetOptions } from './dataset.js';
import { readWholeFile } from '../io/read-file.js';

export interface LoadNpzOptions extends DatasetOptions {
  /** Name of the input array in the file, or names for a model with several inputs; default `x`. */
  readonly inputs?: string | readonly string[];
  /** Name of the target array; default `y`, and none if the file has no such array and no name was given. */
  readonly targets?: string;
}

/**
 * A data set from a `.npz` file, as `numpy.savez(path, x=inputs, y=labels)` writes it.
 *
 * Throws ERR_FILE_NOT_FOUND, ERR_FILE_UNREADABLE, ERR_INVALID_DATA, ERR_EMPTY_DATA, ERR_INVALID_OPTION.
 */
export async function loadNpz(path: string, options: LoadNpzOptions = {}): Promise<Dataset> {
  checkOptions('loadNpz', options, {
    ...datasetChecks,
    inputs: (v) => (Array.isArray(v) ? isNames(v) : isString(v)),
    targets: isString,
  });
  const { inputs = 'x', targets, ...rest } = options;
  const arrays = readNpz(await readWholeFile(path), path);
  const pick = (name: string) => {
    const array = arrays[name];
    if (array !== undefined) return array;
    throw new LossAtlasError(
      'ERR_INVALID_DATA',
      `'${path}' has no array '${name}'. ${suggest(name, Object.keys(arrays))}`,
    );
  };
  const target = targets === undefined ? (arrays.y ?? null) : pick(targets);
  return dataset(
    { inputs: typeof inputs === 'string' ? pick(inputs) : inputs.map(pick), targets: target },
    { name: basename(path), ...rest },
  );
}

const isNames = isArrayOf(isString, 'a name or an array of names');
