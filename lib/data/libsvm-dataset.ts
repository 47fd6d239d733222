import { basename } from 'node:path';
import { LossAtlasError } from '../errors.js';
import { allocated } from '../io/allocate.js';
import { readLibsvm, type LibsvmRecord } from '../io/libsvm.js';
import { readWholeFile } from '../io/read-file.js';
import { checkOptions, isBoolean, isInteger } from '../validate.js';
import type { Dataset } from './dataset.js';
import { datasetChecks, type DatasetOptions } from './dataset-options.js';
import { numberArray } from './number-array.js';
import { rowNumbers, rowsOf, type RowSource } from './rows.js';
import { datasetOf } from './samples.js';

export interface LoadLibsvmOptions extends DatasetOptions {
  /** Columns of the features; default as many as the largest index of the file needs. */
  readonly numFeatures?: number;
  /** The first index is 0; default false: it is 1. */
  readonly zeroBased?: boolean;
}

/** Without `numFeatures` the dense features may take so many times the size of the file, and the allowance. */
const maxRatio = 4;
const allowance = 64e6;

/**
 * A data set from a file in the format of libsvm and svmlight: dense features [N, numFeatures] of float64, labels as
 * the file has them (int32 where all are whole), as scikit-learn's load_svmlight_file gives them.
 *
 *     const data = await loadLibsvm('a9a', { numFeatures: 123, mapLabels: { '-1': 0, 1: 1 } });
 *
 * Throws ERR_FILE_NOT_FOUND, ERR_FILE_UNREADABLE, ERR_INVALID_DATA (which names the line), ERR_EMPTY_DATA,
 * ERR_OUT_OF_MEMORY, ERR_INVALID_OPTION.
 */
export async function loadLibsvm(path: string, options: LoadLibsvmOptions = {}): Promise<Dataset> {
  checkOptions('loadLibsvm', options, { ...datasetChecks, numFeatures: isInteger(1), zeroBased: isBoolean });
  const first = options.zeroBased === true ? 0 : 1;
  const bytes = await readWholeFile(path);
  const records: LibsvmRecord[] = [];
  let widest = 0;
  const fail = (line: number, problem: string): never => {
    throw new LossAtlasError('ERR_INVALID_DATA', `'${path}', line ${line}: ${problem}.`);
  };
  for (const record of readLibsvm(bytes, `'${path}'`)) {
    const { line, indices } = record;
    if (indices[0] !== undefined && indices[0] < first) {
      fail(line, 'there is an index 0, but indices start at 1. Give zeroBased: true');
    }
    const width = indices.length === 0 ? 0 : indices.at(-1)! - first + 1;
    if (width > (options.numFeatures ?? Infinity)) {
      fail(line, `the index ${indices.at(-1)!} is beyond numFeatures ${options.numFeatures!}`);
    }
    widest = Math.max(widest, width);
    records.push(record);
  }
  const numFeatures = options.numFeatures ?? widest;
  const limit = options.numFeatures === undefined ? maxRatio * bytes.length + allowance : Infinity;
  return datasetOf(
    {
      name: basename(path),
      source: `'${path}'`,
      inputs: [denseRows(records, numFeatures, first, limit, `'${path}'`)],
      targets: rowsOf(numberArray(records.map(({ label }) => label)), [records.length]),
      where: (row) => `'${path}', line ${records[row]!.line}`,
    },
    options,
  );
}

function denseRows(
  records: readonly LibsvmRecord[],
  numFeatures: number,
  first: number,
  limit: number,
  source: string,
): RowSource {
  return {
    shape: [records.length, numFeatures],
    read(rows) {
      const bytes = rows.count * numFeatures * Float64Array.BYTES_PER_ELEMENT;
      if (bytes > limit) {
        throw new LossAtlasError(
          'ERR_INVALID_DATA',
          `${source}: ${rows.count} samples of ${numFeatures} features take ${bytes} bytes, far more than the file. Give numFeatures if this is right, or a limit.`,
        );
      }
      const length = rows.count * numFeatures;
      const out = allocated(() => new Float64Array(length), source, `${length} values`);
      let start = 0;
      for (const row of rowNumbers(rows)) {
        const { indices, values } = records[row]!;
        for (let i = 0; i < indices.length; i++) out[start + indices[i]! - first] = values[i]!;
        start += numFeatures;
      }
      return out;
    },
  };
}
