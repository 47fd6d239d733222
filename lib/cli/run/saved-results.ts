import { basename, extname } from 'node:path';
import { loadResult, LossAtlasError, type LabelledResult, type LoadResultOptions } from '../../index.js';
import type { Values } from '../options/table.js';

/** Only HDF5 files have splits. */
export function loadOptions(path: string, { split }: Values): LoadResultOptions {
  const isHdf5 = ['.h5', '.hdf5'].includes(extname(path).toLowerCase());
  return isHdf5 && split !== undefined ? { split: split as LoadResultOptions['split'] } : {};
}

/** Saved results under the names of their files, or those of `--labels`. */
export async function openResults(values: Values): Promise<LabelledResult[]> {
  const paths = values.results as readonly string[];
  const labels = values.labels as readonly string[] | undefined;
  if (labels !== undefined && labels.length !== paths.length)
    throw new LossAtlasError(
      'ERR_INVALID_OPTION',
      `Option 'labels' must name all of the ${paths.length} results.`,
    );
  const results: LabelledResult[] = [];
  for (const [i, path] of paths.entries()) {
    const result = await loadResult(path, undefined, loadOptions(path, values));
    results.push({ label: labels?.[i] ?? basename(path, extname(path)), result });
  }
  const taken = new Set<string>();
  return results.map(({ label, result }) => {
    // Figures of files of one name must not take each other's place.
    let own = label;
    for (let number = 2; taken.has(own); number++) own = `${label}-${number}`;
    taken.add(own);
    return { label: own, result };
  });
}
