import { checkOptions, isInteger, isSeed, requireInstance } from '../validate.js';
import { Dataset } from './dataset.js';
import { chooseRows } from './subset.js';

export interface RandomBatchesOptions {
  readonly count: number;
  /** Samples a batch; default 256, or as many as `count` batches leave each. */
  readonly batchSize?: number;
  readonly seed?: number;
}

/**
 * Disjoint random batches of a data set, each a data set of its own.
 *
 *     const batches = randomBatches(data, { count: 4, batchSize: 256, seed: 1 });
 *
 * Throws ERR_INVALID_OPTION where there are too few samples.
 */
export function randomBatches(data: Dataset, options: RandomBatchesOptions): Dataset[] {
  requireInstance('randomBatches: data', data, Dataset, 'a Dataset');
  checkOptions('randomBatches', options, { count: isInteger(1), batchSize: isInteger(1), seed: isSeed });
  const { count, seed = 0 } = options;
  const batchSize = options.batchSize ?? Math.max(1, Math.min(256, Math.floor(data.numSamples / count)));
  const sample = { count: count * batchSize, seed };
  const { rows, done } = chooseRows({ sample }, data.numSamples, null, data.name);
  return Array.from({ length: count }, (_, i) =>
    data.pick(
      rows.numbers!.subarray(i * batchSize, (i + 1) * batchSize),
      `${done.join('; ')}; batch ${i + 1} of ${count}`,
    ),
  );
}
