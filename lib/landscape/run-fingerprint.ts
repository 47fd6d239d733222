import { cpus } from 'node:os';
import { hashOf } from '../hash.js';
import type { Fingerprint } from '../io/journal.js';
import type { BufferState } from '../model/buffer-state.js';
import type { ParameterVector } from '../model/parameter-vector.js';
import { kernelSwitches } from '../native/kernels.js';
import type { Objective } from '../objective/objective.js';

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
  const provenance = await objective.provenance(performance.now());
  const { options, versions } = provenance;
  const origin = [await theta.toArray()];
  if (buffers !== null) origin.push(...(await bufferArrays(buffers)));
  return {
    model: provenance.modelHash,
    origin: hashOf(origin),
    data: provenance.dataHash,
    criterion: provenance.criterion,
    mode: provenance.mode,
    batchSize: options.batchSize,
    labelSmoothing: options.labelSmoothing,
    ignoreIndex: options.ignoreIndex,
    delta: options.delta,
    seed: options.seed,
    metrics: options.metrics.join(', '),
    dtype: provenance.dtype,
    device: provenance.device,
    // Rounding depends on them.
    numThreads: provenance.numThreads,
    kernels: kernelSwitches(),
    libtorch: versions.libtorch,
    cpu: cpus()[0]?.model ?? '',
    lossatlas: versions.lossatlas,
    ...own,
  };
}

export async function bufferArrays(state: BufferState): Promise<Float64Array[]> {
  const arrays: Float64Array[] = [];
  for (const { name } of state.model.buffers) arrays.push(await state.toArray(name));
  return arrays;
}
