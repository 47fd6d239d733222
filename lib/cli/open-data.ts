import { loadDataset, LossAtlasError, type Dataset } from '../index.js';
import { dataSpecs, dataSpecsOf, type DataSpec } from './data-spec.js';
import { inDataOptions } from './flag-words.js';
import type { Values } from './options/table.js';

/** What `--data` names: at least one. */
export async function openDatasets(values: Values): Promise<Dataset[]> {
  const datasets = await openAll(dataSpecs(values));
  if (datasets.length === 0)
    throw new LossAtlasError(
      'ERR_INVALID_OPTION',
      'Data is missing: give --data, for example --data test.npz:inputs=x,targets=y.',
    );
  return datasets;
}

/** The same for results that tell data sets apart by their names. */
export async function openNamedDatasets(values: Values): Promise<Dataset[]> {
  const datasets = await openDatasets(values);
  const twice = datasets.find(({ name }, i) => datasets.findIndex((other) => other.name === name) < i);
  if (twice !== undefined)
    throw new LossAtlasError(
      'ERR_INVALID_OPTION',
      `Two data sets are called '${twice.name}': name them, as in --data ${twice.name}:name=train.`,
    );
  return datasets;
}

/** What another option names, such as `--test`; often nothing. */
export async function openDatasetsOf(values: Values, key: string): Promise<Dataset[]> {
  return openAll(dataSpecsOf(values, key));
}

async function openAll(specs: readonly DataSpec[]): Promise<Dataset[]> {
  const datasets: Dataset[] = [];
  for (const { path, options } of specs) {
    try {
      datasets.push(await loadDataset(path, options));
    } catch (error) {
      throw inDataOptions(error);
    }
  }
  return datasets;
}
