import { cpus } from 'node:os';
import type { Fingerprint } from '../io/journal.js';
import { kernelSwitches } from '../native/kernels.js';
import type { Objective } from '../objective/objective.js';

/** What losses depend on besides the point, to the last bit. */
export async function objectiveFingerprint(objective: Objective): Promise<Fingerprint> {
  const provenance = await objective.provenance(performance.now());
  const { options, versions } = provenance;
  return {
    model: provenance.modelHash,
    data: provenance.dataHash,
    criterion: provenance.criterion,
    mode: provenance.mode,
    batchSize: options.batchSize,
    labelSmoothing: options.labelSmoothing,
    ignoreIndex: options.ignoreIndex,
    delta: options.delta,
    seed: options.seed,
    output: options.output,
    metrics: options.metrics.join(', '),
    dtype: provenance.dtype,
    device: provenance.device,
    // Rounding depends on them.
    numThreads: provenance.numThreads,
    kernels: kernelSwitches(),
    libtorch: versions.libtorch,
    cpu: cpus()[0]?.model ?? '',
    lossatlas: versions.lossatlas,
  };
}
