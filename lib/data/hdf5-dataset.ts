import { basename } from 'node:path';
import { LossAtlasError } from '../errors.js';
import { withHdf5, type Hdf5Array } from '../io/hdf5.js';
import { checkOptions, invalidOption, isArrayOf, isInteger, isString } from '../validate.js';
import { datasetChecks, datasetOf, type Dataset, type DatasetOptions } from './dataset.js';
import type { RowSource } from './rows.js';

export interface LoadHdf5Options extends DatasetOptions {
  /** Path of the inputs within the file, for example `train/data`; several for a model with several inputs. */
  readonly inputs: string | readonly string[];
  /** Path of the targets; none if absent. */
  readonly targets?: string;
  /** Shape of one sample, where the file holds it flat: [1, 16, 16] for 256 values. For one input. */
  readonly shape?: readonly number[];
}

/**
 * A data set from an HDF5 file. Of the file only the samples that are asked for are read.
 *
 *     const data = await loadHdf5('usps.h5', { inputs: 'train/data', targets: 'train/target', shape: [1, 16, 16] });
 *
 * Throws ERR_FILE_NOT_FOUND, ERR_FILE_UNREADABLE, ERR_INVALID_DATA, ERR_EMPTY_DATA, ERR_INVALID_OPTION.
 */
export async function loadHdf5(path: string, options: LoadHdf5Options): Promise<Dataset> {
  checkOptions('loadHdf5', options, {
    ...datasetChecks,
    inputs: (v) => (Array.isArray(v) ? isNames(v) : isString(v)),
    targets: isString,
    shape: isArrayOf(isInteger(1), 'an array of sizes'),
  });
  // Callers from JavaScript may forget it.
  const { inputs, targets, shape } = (options as LoadHdf5Options | undefined) ?? {};
  if (inputs === undefined) {
    throw invalidOption("loadHdf5: option 'inputs'", 'the path of a data set within the file', inputs);
  }
  const names = typeof inputs === 'string' ? [inputs] : inputs;
  if (shape !== undefined && names.length !== 1) {
    throw new LossAtlasError('ERR_INVALID_OPTION', "loadHdf5: option 'shape' is for one input.");
  }
  return withHdf5(path, (file) =>
    datasetOf(
      {
        name: basename(path),
        source: `'${path}'`,
        inputs: names.map((name) => sourceOf(file.array(name), shape, `'${path}', '${name}'`)),
        targets: targets === undefined ? null : sourceOf(file.array(targets), undefined, ''),
        where: (row) => `'${path}', '${targets ?? names.join(', ')}', sample ${row}`,
        done: shape === undefined ? [] : [`samples of shape [${shape.join(', ')}]`],
      },
      options,
    ),
  );
}

const isNames = isArrayOf(isString, 'a path or an array of paths');

function sourceOf(array: Hdf5Array, shape: readonly number[] | undefined, source: string): RowSource {
  const [numSamples, ...stored] = array.shape;
  if (numSamples === undefined) return { shape: [], read: () => new Uint8Array(0) };
  const wanted = shape ?? stored;
  const count = (sizes: readonly number[]) => sizes.reduce((product, dim) => product * dim, 1);
  if (count(wanted) !== count(stored)) {
    throw new LossAtlasError(
      'ERR_INVALID_DATA',
      `${source}: samples of [${stored.join(', ')}] do not fit the shape [${wanted.join(', ')}].`,
    );
  }
  return {
    shape: [numSamples, ...wanted],
    read: ({ count, numbers }) => array.rows(count, numbers),
  };
}
