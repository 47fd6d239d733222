import type { Objective } from '../objective/objective.js';

/** Some samples of a batch, of which one graph is made. */
export interface BatchPart {
  /** Number of the batch. */
  readonly batch: number;
  /** Number of the first sample there. */
  readonly first: number;
  readonly numSamples: number;
  readonly isWhole: boolean;
}

/** All samples in their order, no part larger than `chunk`. */
export function partsOf(
  { numBatches, batchSize, data }: Pick<Objective, 'numBatches' | 'batchSize' | 'data'>,
  chunk: number,
): BatchPart[] {
  const parts: BatchPart[] = [];
  for (let batch = 0; batch < numBatches; batch++) {
    const size = Math.min(batchSize, data.numSamples - batch * batchSize);
    for (let first = 0; first < size; first += chunk) {
      const numSamples = Math.min(chunk, size - first);
      parts.push({ batch, first, numSamples, isWhole: numSamples === size });
    }
  }
  return parts;
}
