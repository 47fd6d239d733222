import { hashOf } from '../hash.js';
import type { Fingerprint } from '../io/journal.js';
import type { BufferState } from '../model/buffer-state.js';
import type { ParameterVector } from '../model/parameter-vector.js';
import type { Objective } from '../objective/objective.js';
import { objectiveFingerprint } from '../spectrum/objective-fingerprint.js';

/** Where a run starts from: θ with its buffers. */
export interface RunOrigin {
  readonly theta: ParameterVector;
  readonly buffers: BufferState | null;
}

/** What losses near a point depend on, and with `own` what else decides what a run computes. */
export async function runFingerprint(
  objective: Objective,
  { theta, buffers }: RunOrigin,
  own: Fingerprint,
): Promise<Fingerprint> {
  const origin = [await theta.toArray()];
  if (buffers !== null) origin.push(...(await bufferArrays(buffers)));
  return { ...(await objectiveFingerprint(objective)), origin: hashOf(origin), ...own };
}

export async function bufferArrays(state: BufferState): Promise<Float64Array[]> {
  const arrays: Float64Array[] = [];
  for (const { name } of state.model.buffers) arrays.push(await state.toArray(name));
  return arrays;
}
