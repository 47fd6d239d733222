import { combine, disposeAll, type ParameterVector } from '../model/parameter-vector.js';
import { applyOne, type LinearOperator } from '../operators/linear-operator.js';
import type { Eigenpairs } from '../results.js';
import { Steps } from '../steps.js';
import type { AnalysisOptions } from '../types.js';
import { analysisChecks, checkOptions, isInteger, isOneOf, isPositive, isSeed } from '../validate.js';
import { Lanczos, type RitzPairs } from './lanczos.js';

export interface EigenpairsOptions extends AnalysisOptions {
  /** Number of pairs; default 2. For `both-ends` the larger half comes from the top. */
  readonly k?: number;
  /** Default `largest-magnitude`. */
  readonly which?: Eigenpairs['which'];
  /** Residual ‖Av − λv‖ relative to the largest |λ|; default 1e-4 (float32) or 1e-8 (float64). */
  readonly tolerance?: number;
  /** Products at most; default min(n, 300). The basis takes up to maxSteps × n numbers. */
  readonly maxSteps?: number;
  readonly seed?: number;
}

/** Eigenpairs with their vectors, which live on the model's device until `dispose()`. */
export interface EigenpairsWithVectors extends Eigenpairs {
  readonly vectors: readonly ParameterVector[];
  dispose(): void;
  [Symbol.dispose](): void;
}

/**
 * Extreme eigenpairs of an operator by Lanczos with full reorthogonalisation. The values come in the order that `which`
 * names (`both-ends`: largest first, then from the most negative up). Every pair carries its residual, measured by one
 * more product, and says whether it converged.
 *
 *     using top = await eigenpairs(hessian(loss), { k: 2, which: 'largest' });
 */
export async function eigenpairs(
  operator: LinearOperator,
  options: EigenpairsOptions = {},
): Promise<EigenpairsWithVectors> {
  checkOptions('eigenpairs', options, {
    ...analysisChecks,
    k: isInteger(1),
    which: isOneOf('largest-magnitude', 'largest', 'smallest', 'both-ends'),
    tolerance: isPositive,
    maxSteps: isInteger(1),
    seed: isSeed,
  });
  const startedAt = performance.now();
  const { which = 'largest-magnitude', seed = 0 } = options;
  const tolerance = options.tolerance ?? (operator.space.dtype === 'float64' ? 1e-8 : 1e-4);
  const k = Math.min(options.k ?? 2, operator.size);
  const maxSteps = Math.max(k, Math.min(options.maxSteps ?? 300, operator.size));
  const progress = new Steps('eigenpairs', maxSteps + k, options);
  const { ritz, lanczos } = await iterate(operator, { k, which, tolerance, maxSteps, seed }, progress);
  const vectors: ParameterVector[] = [];
  try {
    const chosen = select(ritz.values, k, which);
    vectors.push(...(await lanczos.basis.combine(chosen.map((i) => ritz.vectors[i]!))));
    const values = Float64Array.from(chosen, (i) => ritz.values[i]!);
    const residuals = new Float64Array(k);
    for (let i = 0; i < k; i++) {
      residuals[i] = await residualNorm(operator, vectors[i]!, values[i]!, progress.signal);
      progress.advance();
    }
    progress.finish();
    const scale = largestMagnitude(ritz.values);
    const converged = Array.from(residuals, (r) => r <= tolerance * scale);
    const dispose = () => {
      disposeAll(vectors);
    };
    return Object.freeze({
      kind: 'eigenpairs',
      formatVersion: 1,
      which,
      values,
      residuals,
      converged: Object.freeze(converged),
      allConverged: converged.every(Boolean),
      tolerance,
      numProducts: lanczos.numSteps + k,
      seed,
      provenance: await operator.provenance(startedAt),
      vectors: Object.freeze(vectors),
      dispose,
      [Symbol.dispose]: dispose,
    });
  } catch (error) {
    disposeAll(vectors);
    throw error;
  } finally {
    lanczos.dispose();
  }
}

interface Search {
  readonly k: number;
  readonly which: Eigenpairs['which'];
  readonly tolerance: number;
  readonly maxSteps: number;
  readonly seed: number;
}

async function iterate(
  operator: LinearOperator,
  search: Search,
  progress: Steps,
): Promise<{ ritz: RitzPairs; lanczos: Lanczos }> {
  const start = await operator.space.randomVector('gaussian', search.seed, 0);
  let lanczos: Lanczos | undefined;
  try {
    lanczos = await Lanczos.start(operator, start, search.maxSteps);
    let before: readonly number[] | undefined;
    for (let stream = 1; ;) {
      await lanczos.step(progress.signal);
      progress.advance();
      const done = lanczos.numSteps >= search.maxSteps;
      const due = lanczos.numSteps >= search.k + 2 && lanczos.numSteps % 2 === 0;
      if (!done && !due && !lanczos.exhausted) continue;
      const ritz = await lanczos.ritz();
      const scale = largestMagnitude(ritz.values);
      const chosen = select(ritz.values, search.k, search.which);
      if (done) return { ritz, lanczos };
      if (!lanczos.exhausted) {
        const small = chosen.every((i) => ritz.residualBounds[i]! <= 0.5 * search.tolerance * scale);
        if (small) return { ritz, lanczos };
        continue;
      }
      // A Krylov space holds one copy of a multiple eigenvalue: fresh vectors find the others, until one brings nothing.
      const values = chosen.map((i) => ritz.values[i]!);
      const same =
        values.length === search.k &&
        values.every((v, i) => Math.abs(v - (before?.[i] ?? NaN)) <= 1e-6 * scale);
      before = values;
      if (same) return { ritz, lanczos };
      const fresh = await operator.space.randomVector('gaussian', search.seed, stream++);
      const grown = await lanczos.restart(fresh).finally(() => {
        fresh.dispose();
      });
      if (!grown) return { ritz, lanczos };
    }
  } catch (error) {
    lanczos?.dispose();
    throw error;
  } finally {
    start.dispose();
  }
}

/** Indices into ascending values, in the order of the result. */
function select(values: Float64Array, k: number, which: Eigenpairs['which']): number[] {
  const ascending = Array.from(values.keys());
  switch (which) {
    case 'largest':
      return ascending.reverse().slice(0, k);
    case 'smallest':
      return ascending.slice(0, k);
    case 'largest-magnitude':
      return ascending.sort((a, b) => Math.abs(values[b]!) - Math.abs(values[a]!)).slice(0, k);
    case 'both-ends': {
      const numTop = Math.ceil(k / 2);
      return [...ascending.slice(-numTop).reverse(), ...ascending.slice(0, k - numTop)];
    }
  }
}

function largestMagnitude(values: Float64Array): number {
  return Math.max(Math.abs(values[0]!), Math.abs(values[values.length - 1]!));
}

async function residualNorm(
  operator: LinearOperator,
  vector: ParameterVector,
  value: number,
  signal: AbortSignal | undefined,
): Promise<number> {
  using product = await applyOne(operator, vector, signal);
  using difference = await combine([product, vector], [1, -value]);
  return await difference.norm();
}
