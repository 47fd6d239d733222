import { ParameterVector } from '../model/parameter-vector.js';
import { call } from '../native/call.js';
import type { AxisDescription } from '../results.js';

/**
 * Scales each group of `direction` to the norm of the same group of `reference` (Li et al. 2018, arXiv 1712.09913,
 * section 4). A group that is zero in either stays zero and is counted.
 */
export async function normalize(
  direction: ParameterVector,
  reference: ParameterVector,
  options: Readonly<{
    normalization: Exclude<AxisDescription['normalization'], 'unknown'>;
    order: 1 | 2;
    ignore: readonly ('bias' | 'norm')[];
    /** Indices of parameters whose entries become zero as well. */
    frozen: readonly number[];
  }>,
): Promise<{ vector: ParameterVector; numZeroGroups: number }> {
  const { vector, numZeroGroups } = await call((native) =>
    native.normalizeVector(
      direction.handle,
      reference.handle,
      options.normalization,
      options.order,
      options.ignore,
      Float64Array.from(options.frozen),
    ),
  );
  return { vector: new ParameterVector(vector, direction.space), numZeroGroups };
}
