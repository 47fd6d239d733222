import { cpus } from 'node:os';
import { hashOf } from '../hash.js';
import type { Fingerprint } from '../io/journal.js';
import type { LinearOperator } from '../operators/linear-operator.js';
import { kernelSwitches } from '../native/kernels.js';
import { curvatureIn } from '../operators/wrapped-operator.js';

/** Everything that decides the products of a curvature matrix, to the last bit; null for operators of one's own. */
export async function operatorFingerprint(operator: LinearOperator): Promise<Fingerprint | null> {
  const curvature = curvatureIn(operator)?.curvature;
  if (curvature === undefined) return null;
  const { theta, buffers } = await curvature.place();
  const arrays: (Float64Array | string)[] = [await theta.toArray()];
  for (const { name } of buffers?.model.buffers ?? []) arrays.push(name, await buffers!.toArray(name));
  const { modelHash, dataHash, criterion, options, mode, dtype, device, numThreads, versions } =
    await operator.provenance(performance.now());
  return {
    matrix: operator.label,
    model: modelHash,
    point: hashOf(arrays),
    data: dataHash,
    criterion,
    mode,
    batchSize: options.batchSize,
    labelSmoothing: options.labelSmoothing,
    ignoreIndex: options.ignoreIndex,
    delta: options.delta,
    dropoutSeed: options.seed,
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
