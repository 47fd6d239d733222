import { basename } from 'node:path';
import { readNpy } from '../io/npy.js';
import { openNpyRows } from '../io/npy-rows.js';
import { readFileStart, readWholeFile } from '../io/read-file.js';
import { checkOptions, invalidOption, isBoolean, isString } from '../validate.js';
import type { Dataset } from './dataset.js';
import { datasetChecks, type DatasetOptions } from './dataset-options.js';
import { isInputChoice, listChoice, type InputChoice } from './input-choice.js';
import { rowsOf, type RowSource } from './rows.js';
import { datasetOf } from './samples.js';
import { isReadLazily, storedDataset, type LazyOptions } from './stored-dataset.js';

export interface LoadNpyOptions extends DatasetOptions, LazyOptions {}

/**
 * A data set from `.npy` files, as `numpy.save` writes them: inputs [N, …], or those of several inputs in an array or
 * by the inputs' names, and targets. `targetsPath` null: no targets.
 *
 *     const data = await loadNpy('images.npy', 'labels.npy', { scale: 1 / 255, lazy: true });
 *
 * Throws ERR_FILE_NOT_FOUND, ERR_FILE_UNREADABLE, ERR_INVALID_DATA, ERR_EMPTY_DATA, ERR_INVALID_OPTION.
 */
export async function loadNpy(
  inputPaths: InputChoice,
  targetsPath: string | null = null,
  options: LoadNpyOptions = {},
): Promise<Dataset> {
  checkOptions('loadNpy', options, { ...datasetChecks, lazy: isBoolean });
  const expected = isInputChoice(inputPaths);
  if (expected !== null) throw invalidOption('loadNpy: inputPaths', expected, inputPaths);
  if (targetsPath !== null && isString(targetsPath) !== null) {
    throw invalidOption('loadNpy: targetsPath', 'a path or null', targetsPath);
  }
  const { list: paths, names } = listChoice(inputPaths);
  const base = {
    name: paths.map((path) => basename(path)).join(', '),
    source: [...paths, ...(targetsPath === null ? [] : [targetsPath])]
      .map((path) => `'${path}'`)
      .join(' with '),
    targets: targetsPath === null ? null : await readRows(targetsPath),
    inputNames: names,
  };
  const sizes = await Promise.all(paths.map(async (path) => (await readFileStart(path, 0)).size));
  const size = sizes.reduce((sum, bytes) => sum + bytes, 0);
  if (!isReadLazily(options, size)) {
    return datasetOf({ ...base, inputs: await Promise.all(paths.map(readRows)) }, options);
  }
  return storedDataset({ ...base, paths, inputs: await Promise.all(paths.map(openNpyRows)) }, options);
}

async function readRows(path: string): Promise<RowSource> {
  const { data, shape } = readNpy(await readWholeFile(path), `'${path}'`);
  return rowsOf(data, shape);
}
