import { cpus } from 'node:os';
import type { Fingerprint } from '../io/journal.js';
import { kernelSwitches } from '../native/kernels.js';
import type { Objective } from '../objective/objective.js';
import type { Provenance } from '../results.js';

/** What losses depend on besides the point, to the last bit. */
export async function objectiveFingerprint(objective: Objective): Promise<Fingerprint> {
  const provenance = await objective.provenance(performance.now());
  const { seed, metrics } = provenance.options;
  return { ...lossFingerprint(provenance), seed, metrics: metrics.join(', ') };
}

/** What the loss alone depends on, without dropout's seed and the metrics beside it. */
export function lossFingerprint({
  modelHash,
  dataHash,
  criterion,
  options,
  mode,
  dtype,
  device,
  numThreads,
  versions,
}: Provenance): Fingerprint {
  return {
    model: modelHash,
    data: dataHash,
    criterion,
    mode,
    batchSize: options.batchSize,
    labelSmoothing: options.labelSmoothing,
    ignoreIndex: options.ignoreIndex,
    delta: options.delta,
    output: options.output,
    dtype,
    device,
    // Rounding depends on them.
    numThreads,
    kernels: kernelSwitches(),
    libtorch: versions.libtorch,
    cpu: cpus()[0]?.model ?? '',
    lossatlas: versions.lossatlas,
  };
}
