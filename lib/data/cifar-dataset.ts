import { basename } from 'node:path';
import { LossAtlasError } from '../errors.js';
import { readWholeFile } from '../io/read-file.js';
import { checkOptions, invalidOption, isOneOf, isString } from '../validate.js';
import type { Dataset } from './dataset.js';
import { datasetChecks, type DatasetOptions } from './dataset-options.js';
import { rowNumbers } from './rows.js';
import { datasetOf } from './samples.js';

export interface LoadCifarOptions extends DatasetOptions {
  /** 10 (default) or 100, which has two labels in each record. */
  readonly classes?: 10 | 100;
  /** Of CIFAR-100: the 100 fine labels (default) or the 20 coarse ones. */
  readonly labels?: 'fine' | 'coarse';
}

const numPixels = 3 * 32 * 32;

/**
 * CIFAR-10 or CIFAR-100 in the binary version, from one file or several in turn: images [N, 3, 32, 32] of bytes.
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
  const { classes = 10, labels: kind } = options;
  if (kind !== undefined && classes === 10) {
    throw new LossAtlasError(
      'ERR_INVALID_OPTION',
      "loadCifar: option 'labels' is for CIFAR-100; CIFAR-10 has one label a record. Give classes: 100.",
    );
  }
  // CIFAR-100: coarse, fine, pixels.
  const numLabels = classes === 100 ? 2 : 1;
  const isCoarse = kind === 'coarse';
  const records = await readRecords(files as readonly string[], numLabels + numPixels, classes);
  const where = (row: number) => `'${records[row]!.path}', record ${records[row]!.number}`;
  const labels = Uint8Array.from(records, ({ bytes }) => bytes[numLabels === 2 && !isCoarse ? 1 : 0]!);
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
              pixels.set(records[row]!.bytes.subarray(numLabels), to);
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

interface CifarRecord {
  readonly path: string;
  /** In its file, from 0. */
  readonly number: number;
  readonly bytes: Uint8Array;
}

async function readRecords(
  paths: readonly string[],
  length: number,
  classes: number,
): Promise<readonly CifarRecord[]> {
  const records: CifarRecord[] = [];
  for (const path of paths) {
    const file = await readWholeFile(path);
    if (file.length % length !== 0) {
      throw new LossAtlasError(
        'ERR_INVALID_DATA',
        `'${path}': ${file.length} bytes are no whole number of CIFAR-${classes} records of ${length} bytes: ` +
          `after ${Math.floor(file.length / length)} of them ${file.length % length} bytes are left.${hintOf(file, classes)}`,
      );
    }
    for (let number = 0; number * length < file.length; number++) {
      records.push({ path, number, bytes: file.subarray(number * length, (number + 1) * length) });
    }
  }
  return records;
}

function hintOf(file: Uint8Array, classes: number): string {
  const other = classes === 10 ? 100 : 10;
  if (file.length % (numPixels + (other === 100 ? 2 : 1)) === 0) return ` Is it CIFAR-${other}?`;
  if (file[0] === 0x80) return ' It looks like the Python version (a pickle); the binary version is needed.';
  if (file[0] === 0x1f && file[1] === 0x8b) return ' It is packed (gzip); unpack it first.';
  return '';
}
