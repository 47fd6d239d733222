import { combine, disposeAll, type ParameterVector } from '../../model/parameter-vector.js';
import { call } from '../../native/call.js';
import { applyOne, type LinearOperator } from '../../operators/linear-operator.js';
import { Steps } from '../../steps.js';
import { checkOptions, isInteger } from '../../validate.js';
import type { Quadrature } from '../quadrature.js';
import { notFinite } from '../../operators/not-finite.js';
import { normalized, orthonormalized } from './gram-schmidt.js';
import type { PresetSpectralDensity, Recipe } from '../../results.js';
import { presetSpectrumChecks, Starts, type PresetSpectrumOptions } from './starts.js';

export interface PresetDensityOptions extends PresetSpectrumOptions {
  /** Lanczos steps m of a probe; default 100. May exceed n. */
  readonly steps?: number;
  /** Default 1, or one for each start vector. */
  readonly probes?: number;
}

/** What both programs do. */
export const lanczosNotes: readonly string[] = Object.freeze([
  'Vectors are divided by their norm + 1e-6, and the off-diagonal of T is the norm before they were made orthogonal.',
  'An invariant subspace ends no probe: rounding errors are iterated on, and give nodes near 0 of no weight.',
]);

/**
 * Stochastic Lanczos quadrature as LLA and PyHessian run it: one pass of Gram–Schmidt against the last `window` + 1
 * vectors (null: all), normalisation by ‖v‖ + 1e-6, β taken before the pass, and no end at an invariant subspace.
 */
export async function windowedDensity(
  caller: string,
  operator: LinearOperator,
  options: PresetDensityOptions,
  window: number | null,
  recipe: Recipe,
): Promise<PresetSpectralDensity> {
  checkOptions(caller, options, { ...presetSpectrumChecks, steps: isInteger(1), probes: isInteger(1) });
  const startedAt = performance.now();
  const { steps = 100 } = options;
  const probes = options.probes ?? options.start?.length ?? 1;
  const starts = new Starts(caller, operator, 'rademacher', probes, options);
  const progress = new Steps('spectral density', steps * probes, options);
  const matrices: Tridiagonal[] = [];
  const quadratures: Quadrature[] = [];
  let numReplaced = 0;
  for (let probe = 0; probe < probes; probe++) {
    const matrix = await starts.use(probe, async (start) =>
      windowedLanczos(operator, start, {
        steps,
        reach: (window ?? steps) + 1,
        progress,
        replace: async (work) => starts.replacement(numReplaced++, work),
      }),
    );
    matrices.push(matrix);
    quadratures.push(await quadrature(matrix));
  }
  return Object.freeze({
    kind: 'preset-spectral-density',
    formatVersion: 1,
    size: operator.size,
    steps,
    probes,
    window,
    alpha: Object.freeze(matrices.map(({ alpha }) => alpha)),
    beta: Object.freeze(matrices.map(({ beta }) => beta)),
    nodes: Object.freeze(quadratures.map(({ nodes }) => nodes)),
    weights: Object.freeze(quadratures.map(({ weights }) => weights)),
    criteria: null,
    numProducts: steps * probes,
    seed: starts.seed,
    recipe,
    provenance: await operator.provenance(startedAt),
  });
}

interface Tridiagonal {
  readonly alpha: Float64Array;
  readonly beta: Float64Array;
}

interface Process {
  readonly steps: number;
  /** Vectors against which each new one is made orthogonal. */
  readonly reach: number;
  readonly progress: Steps;
  /** Runs `work` on what takes the place of a remainder that is exactly 0. */
  readonly replace: (work: (vector: ParameterVector) => Promise<ParameterVector>) => Promise<ParameterVector>;
}

async function windowedLanczos(
  operator: LinearOperator,
  start: ParameterVector,
  { steps, reach, progress, replace }: Process,
): Promise<Tridiagonal> {
  const alpha = new Float64Array(steps);
  const beta = new Float64Array(steps - 1);
  const kept = [await normalized(start)];
  let rest: ParameterVector | undefined;
  try {
    for (let j = 0; j < steps; j++) {
      if (rest !== undefined) {
        beta[j - 1] = await rest.norm();
        const before = kept.slice(-reach);
        kept.push(
          beta[j - 1] === 0
            ? await replace(async (fresh) => orthonormalized(fresh, before))
            : await orthonormalized(rest, before),
        );
        rest.dispose();
        rest = undefined;
        disposeAll(kept.splice(0, kept.length - Math.max(2, reach)));
      }
      const v = kept[kept.length - 1]!;
      using product = await applyOne(operator, v, progress.signal);
      alpha[j] = await product.dot(v);
      if (!Number.isFinite(alpha[j])) throw notFinite();
      rest =
        j === 0
          ? await combine([product, v], [1, -alpha[j]!])
          : await combine([product, v, kept[kept.length - 2]!], [1, -alpha[j]!, -beta[j - 1]!]);
      progress.advance();
    }
    return { alpha, beta };
  } finally {
    rest?.dispose();
    disposeAll(kept);
  }
}

async function quadrature({ alpha, beta }: Tridiagonal): Promise<Quadrature> {
  const m = alpha.length;
  const matrix = new Float64Array(m * m);
  alpha.forEach((value, j) => (matrix[j * m + j] = value));
  beta.forEach((value, j) => (matrix[j * m + j + 1] = matrix[(j + 1) * m + j] = value));
  const { values, vectors } = await call((native) => native.symmetricEigen(matrix, m));
  return { nodes: values, weights: Float64Array.from(values, (_, i) => vectors[i * m]! ** 2) };
}
