import { basename } from 'node:path';
import { LossAtlasError } from '../errors.js';
import { readNpz } from '../io/npz.js';
import { readWholeFile } from '../io/read-file.js';
import { checkOptions, isString, suggest } from '../validate.js';
import type { Dataset } from './dataset.js';
import { datasetChecks, type DatasetOptions } from './dataset-options.js';
import { isInputChoice, listChoice, type InputChoice } from './input-choice.js';
import { rowsOf } from './rows.js';
import { datasetOf } from './samples.js';

export interface LoadNpzOptions extends DatasetOptions {
  /** Name of the input array in the file; or several, in an array or by the inputs' names; default `x`. */
  readonly inputs?: InputChoice;
  /** Name of the target array; default `y`, and none if the file has no such array and no name was given. */
  readonly targets?: string;
}

/**
 * A data set from a `.npz` file, as `numpy.savez(path, x=inputs, y=labels)` writes it.
 *
 *     const data = await loadNpz('digits.npz', { scale: 1 / 16 });
 *
 * Throws ERR_FILE_NOT_FOUND, ERR_FILE_UNREADABLE, ERR_INVALID_DATA, ERR_EMPTY_DATA, ERR_INVALID_OPTION.
 */
export async function loadNpz(path: string, options: LoadNpzOptions = {}): Promise<Dataset> {
  checkOptions('loadNpz', options, { ...datasetChecks, inputs: isInputChoice, targets: isString });
  const { list, names } = listChoice(options.inputs ?? 'x');
  const arrays = new Map(Object.entries(readNpz(await readWholeFile(path), path)));
  const pick = (name: string) => {
    const array = arrays.get(name);
    if (array !== undefined) return rowsOf(array.data, array.shape);
    throw new LossAtlasError(
      'ERR_INVALID_DATA',
      `'${path}' has no array '${name}': choose arrays with option 'inputs' and option 'targets'. ${suggest(name, [...arrays.keys()])}`,
    );
  };
  const target = options.targets ?? (arrays.has('y') ? 'y' : null);
  return datasetOf(
    {
      name: basename(path),
      source: `'${path}'`,
      inputs: list.map(pick),
      targets: target === null ? null : pick(target),
      inputNames: names,
    },
    options,
  );
}
