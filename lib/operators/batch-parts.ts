import type { BatchHandle } from '../native/addon.js';
import { callSync, freeHandle } from '../native/call.js';
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

/** The parts with the batches that they are of, which live until the next one is asked for. */
export async function* eachPart(
  objective: Objective,
  chunk: number,
): AsyncGenerator<{ batch: BatchHandle; part: BatchPart; index: number }, void, undefined> {
  const parts = partsOf(objective, chunk);
  let index = 0;
  let batchIndex = 0;
  for await (const batch of objective.batches()) {
    for (; parts[index]?.batch === batchIndex; index++) yield { batch, part: parts[index]!, index };
    batchIndex++;
  }
}

/** What `use` makes of the samples of a part, which live no longer. */
export async function ofPart<Value>(
  batch: BatchHandle,
  { first, numSamples, isWhole }: BatchPart,
  use: (samples: BatchHandle) => Promise<Value>,
): Promise<Value> {
  if (isWhole) return use(batch);
  const slice = callSync((native) => native.batchSlice(batch, first, numSamples));
  try {
    return await use(slice);
  } finally {
    freeHandle(slice);
  }
}
