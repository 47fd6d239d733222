import { disposeAll, type ParameterVector } from '../../model/parameter-vector.js';
import { applyOne, type LinearOperator } from '../../operators/linear-operator.js';
import { Steps } from '../../steps.js';
import { checkOptions, isInteger, isPositive } from '../../validate.js';
import { epsilon, normalized, orthonormalized } from './gram-schmidt.js';
import type { Recipe } from '../../results.js';
import type { PresetEigenpairsWithVectors } from './preset-results.js';
import { presetSpectrumChecks, Starts, type PresetSpectrumOptions } from './starts.js';

export interface PresetEigenpairsOptions extends PresetSpectrumOptions {
  /** Number of pairs; default 2 (LLA) or 1 (PyHessian), or one for each start vector. */
  readonly k?: number;
  /** For each pair; default 100. */
  readonly maxIterations?: number;
  /** Of the change between two Rayleigh quotients, relative; default 1e-3. */
  readonly tolerance?: number;
}

/**
 * Power iteration with deflation as LLA and PyHessian run it: v ← Av / (‖Av‖ + 1e-6), made orthogonal to the vectors
 * found before. It stops when two Rayleigh quotients are close, and keeps the older one.
 */
export async function powerIteration(
  caller: string,
  operator: LinearOperator,
  options: PresetEigenpairsOptions,
  defaultK: number,
  recipe: Recipe['name'],
): Promise<PresetEigenpairsWithVectors> {
  checkOptions(caller, options, {
    ...presetSpectrumChecks,
    k: isInteger(1),
    maxIterations: isInteger(1),
    tolerance: isPositive,
  });
  const startedAt = performance.now();
  const { maxIterations = 100, tolerance = 1e-3 } = options;
  const k = options.k ?? options.start?.length ?? defaultK;
  const starts = new Starts(caller, operator, 'gaussian', k, options);
  const progress = new Steps('eigenpairs', k * maxIterations, options, true);
  const vectors: ParameterVector[] = [];
  const found: { readonly value: number; readonly numIterations: number; readonly stopped: boolean }[] = [];
  try {
    for (let i = 0; i < k; i++) {
      const { vector, ...pair } = await starts.use(i, async (start) =>
        iterate(operator, start, vectors, { maxIterations, tolerance }, progress),
      );
      vectors.push(vector);
      found.push(pair);
    }
    progress.finish();
    const numIterations = found.map((pair) => pair.numIterations);
    const dispose = () => {
      disposeAll(vectors);
    };
    return Object.freeze({
      kind: 'preset-eigenpairs',
      formatVersion: 1,
      values: Float64Array.from(found, (pair) => pair.value),
      vectors: Object.freeze(vectors),
      numIterations: Float64Array.from(numIterations),
      stopped: Object.freeze(found.map((pair) => pair.stopped)),
      tolerance,
      numProducts: numIterations.reduce((sum, count) => sum + count, 0),
      seed: starts.seed,
      recipe: Object.freeze({ name: recipe, notes }),
      provenance: await operator.provenance(startedAt),
      dispose,
      [Symbol.dispose]: dispose,
    });
  } catch (error) {
    disposeAll(vectors);
    throw error;
  }
}

const notes = Object.freeze([
  'Stops when two Rayleigh quotients in a row are close, not when a residual is small: far from converged where eigenvalues lie close together.',
  'Where it stops, the value is that of the iteration before, and the vector that of the iteration after.',
  'Vectors are divided by their norm + 1e-6, so they are shorter than 1, and deflation is not exact.',
  'Pairs come in the order found: by magnitude where each has converged.',
]);

interface StopRule {
  readonly maxIterations: number;
  readonly tolerance: number;
}

async function iterate(
  operator: LinearOperator,
  start: ParameterVector,
  before: readonly ParameterVector[],
  { maxIterations, tolerance }: StopRule,
  progress: Steps,
) {
  let value = NaN;
  let vector = await normalized(start);
  try {
    for (let i = 1; ; i++) {
      using v = await orthonormalized(vector, before);
      using product = await applyOne(operator, v, progress.signal);
      const quotient = await product.dot(v);
      const next = await normalized(product);
      vector.dispose();
      vector = next;
      progress.advance();
      const stopped = Math.abs(value - quotient) / (Math.abs(value) + epsilon) < tolerance;
      if (!stopped) value = quotient;
      if (stopped || i === maxIterations) return { value, vector, numIterations: i, stopped };
    }
  } catch (error) {
    vector.dispose();
    throw error;
  }
}
