import { basename } from 'node:path';
import { LossAtlasError } from '../errors.js';
import { checkOptions, invalidOption, isOneOf, isString } from '../validate.js';
import { readCifarFile } from './cifar-file.js';
import { numPixels, type CifarClasses, type CifarRecord } from './cifar-record.js';
import type { Dataset } from './dataset.js';
import { datasetChecks, type DatasetOptions } from './dataset-options.js';
import { rowNumbers } from './rows.js';
import { datasetOf } from './samples.js';

export interface LoadCifarOptions extends DatasetOptions {
  /** 10 or 100, which has two labels in each record. Default what a Python version says, or 10 of the binary one, which does not say it. */
  readonly classes?: CifarClasses;
  /** Of CIFAR-100: the 100 fine labels (default) or the 20 coarse ones. */
  readonly labels?: 'fine' | 'coarse';
}

/**
 * CIFAR-10 or CIFAR-100 in the binary or the Python version, as their content says, from one file or several in turn:
 * images [N, 3, 32, 32] of bytes. Pickles are read as data; nothing of them is executed.
 *
 *     const data = await loadCifar('test_batch.bin', { scale: 1 / 255, mean: [0.485, 0.456, 0.406] });
 *
 * Throws ERR_FILE_NOT_FOUND, ERR_FILE_UNREADABLE, ERR_INVALID_DATA, ERR_EMPTY_DATA, ERR_INVALID_OPTION.
 */
export async function loadCifar(
  paths: string | readonly string[],
  options: LoadCifarOptions = {},
): Promise<Dataset> {
  checkOptions('loadCifar', options, {
    ...datasetChecks,
    classes: isOneOf(10, 100),
    labels: isOneOf('fine', 'coarse'),
  });
  const files = typeof paths === 'string' ? [paths] : paths;
  if (!Array.isArray(files) || files.length === 0 || files.some((path) => isString(path) !== null)) {
    throw invalidOption('loadCifar: paths', 'a path or an array of paths', paths);
  }
  const { records, classes } = await readFiles(files as readonly string[], options.classes);
  const { labels: kind } = options;
  if (kind !== undefined && classes === 10) {
    throw new LossAtlasError(
      'ERR_INVALID_OPTION',
      "loadCifar: option 'labels' is for CIFAR-100; CIFAR-10 has one label a record. Give classes: 100.",
    );
  }
  const isCoarse = kind === 'coarse';
  const where = (row: number) => `'${records[row]!.path}', record ${records[row]!.number}`;
  const labels = Uint8Array.from(records, ({ coarse, label }) => (isCoarse ? coarse : label));
  const numClasses = isCoarse ? 20 : classes;
  const wrong = labels.findIndex((label) => label >= numClasses);
  if (wrong >= 0) {
    throw new LossAtlasError(
      'ERR_INVALID_DATA',
      `${where(wrong)}: the label ${labels[wrong]!} is none of CIFAR-${classes}${isCoarse ? "'s coarse ones" : ''}, 0 to ${numClasses - 1}.`,
    );
  }
  return datasetOf(
    {
      name: files.map((path) => basename(path as string)).join(', '),
      source: files.map((path) => `'${path as string}'`).join(', '),
      where,
      inputs: [
        {
          shape: [records.length, 3, 32, 32],
          read(rows) {
            const pixels = new Uint8Array(rows.count * numPixels);
            let to = 0;
            for (const row of rowNumbers(rows)) {
              pixels.set(records[row]!.pixels, to);
              to += numPixels;
            }
            return pixels;
          },
        },
      ],
      targets: {
        shape: [records.length],
        read: (rows) => Uint8Array.from(rowNumbers(rows), (row) => labels[row]!),
      },
      done: classes === 100 ? [`${kind ?? 'fine'} labels`] : [],
    },
    options,
  );
}

async function readFiles(
  paths: readonly string[],
  wanted: CifarClasses | undefined,
): Promise<{ records: readonly CifarRecord[]; classes: CifarClasses }> {
  const records: CifarRecord[] = [];
  let classes = wanted;
  for (const path of paths) {
    const file = await readCifarFile(path, classes);
    for (const record of file.records) records.push(record);
    classes = file.classes;
  }
  return { records, classes: classes! };
}
