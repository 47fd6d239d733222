import { basename } from 'node:path';
import { SafetensorsFile } from '../io/safetensors-file.js';
import type { StoredRows } from '../io/stored-rows.js';
import { checkOptions, isBoolean, isString } from '../validate.js';
import type { Dataset } from './dataset.js';
import { datasetChecks, type DatasetOptions } from './dataset-options.js';
import { isInputChoice, listChoice, type InputChoice } from './input-choice.js';
import { rowsOf, type RowSource } from './rows.js';
import { datasetOf } from './samples.js';
import { isReadLazily, storedDataset, type LazyOptions } from './stored-dataset.js';

export interface LoadSafetensorsOptions extends DatasetOptions, LazyOptions {
  /** Name of the input tensor in the file; or several, in an array or by the inputs' names; default `x`. */
  readonly inputs?: InputChoice;
  /** Name of the target tensor; default `y`, and none if the file has no such tensor and no name was given. */
  readonly targets?: string;
}

/**
 * A data set from a safetensors file. Of the file only the tensors that are named are read; float16 and bfloat16 are
 * widened to float32.
 *
 *     const data = await loadSafetensors('text.safetensors', { inputs: { input_ids: 'ids' }, targets: 'labels' });
 *
 * Throws ERR_FILE_NOT_FOUND, ERR_FILE_UNREADABLE, ERR_INVALID_DATA, ERR_EMPTY_DATA, ERR_INVALID_OPTION.
 */
export async function loadSafetensors(path: string, options: LoadSafetensorsOptions = {}): Promise<Dataset> {
  checkOptions('loadSafetensors', options, {
    ...datasetChecks,
    inputs: isInputChoice,
    targets: isString,
    lazy: isBoolean,
  });
  const { list, names } = listChoice(options.inputs ?? 'x');
  const file = await SafetensorsFile.open(path);
  const target = options.targets ?? (file.names.includes('y') ? 'y' : null);
  const stored = list.map((name) => file.rows(name));
  const base = {
    name: basename(path),
    source: `'${path}'`,
    targets: target === null ? null : await inMemory(file.rows(target)),
    inputNames: names,
  };
  if (isReadLazily(options, file.size))
    return storedDataset({ ...base, paths: [path], inputs: stored }, options);
  return datasetOf({ ...base, inputs: await Promise.all(stored.map(inMemory)) }, options);
}

async function inMemory(rows: StoredRows): Promise<RowSource> {
  return rowsOf(await rows.readAll(), rows.shape);
}
