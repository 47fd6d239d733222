import { cpus } from 'node:os';
import { hashOf } from '../hash.js';
import { Journal, type Fingerprint, type JournalKind } from '../io/journal.js';
import type { LinearOperator } from '../operators/linear-operator.js';
import { kernelSwitches } from '../native/kernels.js';
import { readPlan } from '../operators/product-plan.js';
import { curvatureIn } from '../operators/wrapped-operator.js';

/**
 * Everything that decides the products of a curvature matrix, to the last bit; null for operators of one's own. A matrix
 * whose plan is not fixed takes that of the file to resume from.
 */
export async function operatorFingerprint(
  operator: LinearOperator,
  resume: { readonly path: string; readonly kind: JournalKind },
): Promise<Fingerprint | null> {
  const curvature = curvatureIn(operator)?.curvature;
  if (curvature === undefined) return null;
  const recorded = await Journal.fingerprintIn(resume.path, resume.kind);
  const plan = readPlan(String(recorded?.plan));
  if (plan !== null) curvature.resumePlan(plan);
  const { theta, buffers } = await curvature.place();
  const arrays: (Float64Array | string)[] = [await theta.toArray()];
  for (const { name } of buffers?.model.buffers ?? []) arrays.push(name, await buffers!.toArray(name));
  const provenance = await operator.provenance(performance.now());
  const { modelHash, dataHash, criterion, options, mode, dtype, device, numThreads, versions } = provenance;
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
    plan: provenance.plan ?? '',
    numThreads,
    kernels: kernelSwitches(),
    libtorch: versions.libtorch,
    cpu: cpus()[0]?.model ?? '',
    lossatlas: versions.lossatlas,
  };
}
