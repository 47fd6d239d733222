import { basename } from 'node:path';
import { LossAtlasError } from '../errors.js';
import { withHdf5, type Hdf5Array } from '../io/hdf5.js';
import { checkOptions, invalidOption, isString } from '../validate.js';
import type { Dataset } from './dataset.js';
import { datasetChecks, type DatasetOptions } from './dataset-options.js';
import { isInputChoice, listChoice, type InputChoice } from './input-choice.js';
import type { RowSource } from './rows.js';
import { isSampleShape, shapeDone, shaped } from './sample-shape.js';
import { datasetOf } from './samples.js';

export interface LoadHdf5Options extends DatasetOptions {
  /** Path of the inputs within the file, for example `train/data`; or several, in an array or by the inputs' names. */
  readonly inputs: InputChoice;
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
    inputs: isInputChoice,
    targets: isString,
    shape: isSampleShape,
  });
  // Callers from JavaScript may forget it.
  const { inputs, targets, shape } = (options as LoadHdf5Options | undefined) ?? {};
  if (inputs === undefined) {
    throw invalidOption("loadHdf5: option 'inputs'", 'the path of a data set within the file', inputs);
  }
  const { list, names } = listChoice(inputs);
  if (shape !== undefined && list.length !== 1) {
    throw new LossAtlasError('ERR_INVALID_OPTION', "loadHdf5: option 'shape' is for one input.");
  }
  return withHdf5(path, (file) =>
    datasetOf(
      {
        name: basename(path),
        source: `'${path}'`,
        inputs: list.map((name) => sourceOf(file.array(name), shape, `'${path}', '${name}'`)),
        inputNames: names,
        targets: targets === undefined ? null : sourceOf(file.array(targets), undefined, ''),
        where: (row) => `'${path}', '${targets ?? list.join(', ')}', sample ${row}`,
        done: shapeDone(shape),
      },
      options,
    ),
  );
}

function sourceOf(array: Hdf5Array, shape: readonly number[] | undefined, source: string): RowSource {
  if (array.shape.length === 0) return { shape: [], read: () => new Uint8Array(0) };
  return {
    shape: shaped(array.shape, shape, source),
    read: ({ count, numbers }) => array.rows(count, numbers),
  };
}
