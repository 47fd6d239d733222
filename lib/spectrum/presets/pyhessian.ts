import type { LinearOperator } from '../../operators/linear-operator.js';
import type { RenderedDensity } from '../density.js';
import { binnedDensity, type PresetRenderOptions } from './binned-density.js';
import { powerIteration, type PresetEigenpairsOptions } from './power-iteration.js';
import type { PresetSpectralDensity, PresetTrace, Recipe, SpectralDensity } from '../../results.js';
import type { PresetEigenpairsWithVectors } from './preset-results.js';
import { runningMeanTrace, traceNotes, type PresetTraceOptions } from './running-mean-trace.js';
import { lanczosNotes, windowedDensity, type PresetDensityOptions } from './windowed-lanczos.js';

const traceRecipe: Recipe = Object.freeze({
  name: 'pyhessian',
  notes: Object.freeze([
    ...traceNotes,
    'Release 0.1 divides the change by the mean with its sign, so a negative mean ends it at the next probe; this is the later source, which divides by |mean|.',
  ]),
});

const densityRecipe: Recipe = Object.freeze({
  name: 'pyhessian',
  notes: Object.freeze([
    'Vectors are made orthogonal to all before them, but once: orthogonality is lost slowly.',
    ...lanczosNotes,
    'PyHessian hands T to a solver for non-symmetric matrices, whose values come unordered; here they ascend. They are the same to rounding, save that its weights turn complex where two values meet.',
    'With one probe there is no interval.',
  ]),
});

/**
 * The eigenpairs that PyHessian (`eigenvalues`; Yao 2020, arXiv 1912.07145) computes from the same start vectors: power
 * iteration, v ← Av / (‖Av‖ + 1e-6), until two Rayleigh quotients differ by less than `tolerance`. See `recipe.notes`
 * of the result; `eigenpairs` is what to prefer.
 *
 * Defaults: 1 pair, 100 iterations, 1e-3. Throws ERR_INVALID_OPTION, and ERR_INVALID_DATA for a product not finite.
 *
 *     using operator = hessian(loss);
 *     using pairs = await pyhessianEigenpairs(operator, { k: 2, seed: 1 });
 *     console.log(pairs.values, pairs.stopped);
 */
export async function pyhessianEigenpairs(
  operator: LinearOperator,
  options: PresetEigenpairsOptions = {},
): Promise<PresetEigenpairsWithVectors> {
  return powerIteration('pyhessianEigenpairs', operator, options, 1, 'pyhessian');
}

/**
 * The trace that PyHessian (`trace`; Yao 2020, arXiv 1912.07145) computes from the same Rademacher vectors: samples of
 * vᵀAv until two running means differ by less than `tolerance`. See `recipe.notes` of the result; `trace` is
 * what to prefer.
 *
 * Defaults: 100 probes at most, 1e-3. Throws ERR_INVALID_OPTION, and ERR_INVALID_DATA for a product not finite.
 *
 *     using operator = hessian(loss);
 *     const trace = await pyhessianTrace(operator, { seed: 1 });
 *     console.log(trace.value, trace.samples.length);
 */
export async function pyhessianTrace(
  operator: LinearOperator,
  options: PresetTraceOptions = {},
): Promise<PresetTrace> {
  return runningMeanTrace('pyhessianTrace', operator, options, 0, traceRecipe);
}

/**
 * Nodes and weights that PyHessian (`density`; Yao 2020, arXiv 1912.07145) computes from the same Rademacher vectors:
 * Lanczos quadrature with one pass of reorthogonalisation. See `recipe.notes` of the result; `spectralDensity` is what
 * to prefer.
 *
 * Defaults: 100 steps, 1 probe. Throws ERR_INVALID_OPTION, and ERR_INVALID_DATA for a product not finite.
 *
 *     using operator = hessian(loss);
 *     const spectrum = await pyhessianSpectralDensity(operator, { seed: 1 });
 *     console.log(spectrum.nodes[0], spectrum.weights[0]);
 */
export async function pyhessianSpectralDensity(
  operator: LinearOperator,
  options: PresetDensityOptions = {},
): Promise<PresetSpectralDensity> {
  return windowedDensity('pyhessianSpectralDensity', operator, options, null, densityRecipe);
}

/**
 * The curve that PyHessian (`density_plot.py`) draws from nodes and weights: Gaussians of variance 1e-5·max(1, width) on
 * a grid that ends 0.01 beyond the outermost nodes, scaled to sum 1. It is drawn as log(density + 1e-7).
 *
 *     const spectrum = await pyhessianSpectralDensity(operator);
 *     const { x, density } = renderPyhessianDensity(spectrum);
 */
export function renderPyhessianDensity(
  spectrum: Pick<SpectralDensity, 'nodes' | 'weights'>,
  options: PresetRenderOptions = {},
): RenderedDensity {
  return binnedDensity('renderPyhessianDensity', spectrum, options, 0.01);
}
