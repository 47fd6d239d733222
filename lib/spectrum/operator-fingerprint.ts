import { hashOf } from '../hash.js';
import { Journal, type Fingerprint, type JournalKind } from '../io/journal.js';
import type { LinearOperator } from '../operators/linear-operator.js';
import { readPlan } from '../operators/product-plan.js';
import { curvatureIn } from '../operators/wrapped-operator.js';
import { lossFingerprint } from './objective-fingerprint.js';

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
  return {
    ...lossFingerprint(provenance),
    matrix: operator.label,
    point: hashOf(arrays),
    dropoutSeed: provenance.options.seed,
    // Rounding depends on it.
    plan: provenance.plan ?? '',
  };
}
