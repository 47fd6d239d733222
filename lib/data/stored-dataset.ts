import { hashFile, hashOf } from '../hash.js';
import type { StoredRows } from '../io/stored-rows.js';
import type { Dataset } from './dataset.js';
import type { DatasetOptions } from './dataset-options.js';
import { rowRange, type RowSource } from './rows.js';
import { lazyDatasetOf } from './samples.js';

export interface LazyOptions {
  /**
   * Read the inputs of each batch when it is needed instead of all of them now; default where the files hold more
   * than 2^30 bytes. The hash is then one of the files, which are read once for it.
   */
  readonly lazy?: boolean;
}

/** Whether files of so many bytes are read batch by batch. */
export function isReadLazily({ lazy }: LazyOptions, bytes: number): boolean {
  return lazy ?? bytes > 2 ** 30;
}

export interface StoredSamples {
  readonly name: string;
  readonly source: string;
  readonly inputs: readonly StoredRows[];
  readonly targets: RowSource | null;
  readonly inputNames: readonly string[] | null;
  /** That hold the inputs. */
  readonly paths: readonly string[];
}

/** Samples that lie unpacked in files. */
export async function storedDataset(samples: StoredSamples, options: DatasetOptions): Promise<Dataset> {
  const { inputs, paths } = samples;
  return lazyDatasetOf(
    {
      ...samples,
      async open(rows) {
        const numbers = rows.numbers ?? rowRange(0, rows.count);
        const hashes = await Promise.all([...new Set(paths)].map(async (path) => hashFile(path)));
        return {
          empty: inputs.map(({ empty, shape }) => ({ data: empty, shape: [0, ...shape.slice(1)] })),
          hash: hashOf([...hashes, ...inputs.map(({ place }) => place)]),
          read: async (wanted, signal) => {
            const rowsWanted = wanted.map((i) => numbers[i]!);
            return Promise.all(inputs.map(async (input) => input.read(rowsWanted, signal)));
          },
        };
      },
    },
    options,
  );
}
