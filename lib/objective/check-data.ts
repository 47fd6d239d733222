import type { Dataset } from '../data/dataset.js';
import { LossAtlasError } from '../errors.js';
import { requireBatchSizes } from '../model/exported-program/batch-size.js';
import type { Solution } from '../model/solution.js';
import { call, freeHandle } from '../native/call.js';
import { throwIfAborted } from '../steps.js';
import type { Objective } from './objective.js';

/**
 * A forward pass on one batch, and on those with the least and the largest label: throws at once (ERR_FORWARD, ERR_CRITERION,
 * ERR_LABEL_RANGE, ERR_INVALID_DATA) what a pass over all of the data would throw later. It draws from no random stream
 * that goes on.
 */
export async function checkData(
  objective: Objective,
  { theta, buffers }: Solution,
  signal?: AbortSignal,
  hasLast = true,
): Promise<void> {
  const { model, data, batchSize } = objective;
  const rest = data.numSamples % batchSize;
  if (rest > 0 && hasLast)
    requireBatchSizes(
      model,
      [rest],
      `the last batch of ${data.name}`,
      'give a number of samples that it divides',
    );
  using subspace = objective.subspace({ origin: theta, buffers, directions: [] });
  for (const start of batchStarts(objective)) {
    throwIfAborted(signal);
    const batch = await objective.batchFrom(start);
    try {
      await call((native) => native.evaluatePoints(subspace.handle, new Float64Array(0), 1, batch, true));
    } catch (error) {
      throw withName(error, objective.data.name);
    } finally {
      freeHandle(batch);
    }
  }
}

/** What does not fit the model is told of a batch; here it may be of any of several data sets. */
function withName(error: unknown, name: string): unknown {
  if (!(error instanceof LossAtlasError) || error.message.includes(name)) return error;
  return new LossAtlasError(error.code, `${name}: ${error.message}`, { cause: error });
}

/** Labels between two that are in range are in range too. All batches are full: an exported program may want that. */
function batchStarts({ data, batchSize, ignoreIndex }: Objective): ReadonlySet<number> {
  const starts = new Set([0]);
  for (const sample of extremeLabels(data, ignoreIndex))
    if (sample >= batchSize) starts.add(Math.min(sample, data.numSamples - batchSize));
  return starts;
}

/** The samples with the least and the largest label; none where targets are no labels. */
function extremeLabels({ targets, numSamples }: Dataset, ignoreIndex: number): readonly number[] {
  if (targets === null) return [];
  const { data } = targets;
  if (data instanceof Float32Array || data instanceof Float64Array) return [];
  let [least, most] = [-1, -1];
  for (let i = 0; i < data.length; i++) {
    if (Number(data[i]) === ignoreIndex) continue;
    if (least < 0 || data[i]! < data[least]!) least = i;
    if (most < 0 || data[i]! > data[most]!) most = i;
  }
  const width = data.length / numSamples;
  return least < 0 ? [] : [least, most].map((place) => Math.floor(place / width));
}
