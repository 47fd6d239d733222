import type { LinearOperator } from '../../operators/linear-operator.js';
import { checkOptions, isInteger } from '../../validate.js';
import { eigenvalueRatio, khCriterion } from '../criteria.js';
import type { Quadrature } from '../quadrature.js';
import type { RenderedDensity } from '../density.js';
import { binnedDensity, type PresetRenderOptions } from './binned-density.js';
import { powerIteration, type PresetEigenpairsOptions } from './power-iteration.js';
import type { PresetTrace, Recipe, SpectralDensity } from '../../results.js';
import type { LlaSpectralDensity, PresetEigenpairsWithVectors } from './preset-results.js';
import { runningMeanTrace, traceNotes, type PresetTraceOptions } from './running-mean-trace.js';
import { lanczosNotes, windowedDensity, type PresetDensityOptions } from './windowed-lanczos.js';

export interface LlaSpectralDensityOptions extends PresetDensityOptions {
  /**
   * LLA's `max_v`, default 10: a new vector is made orthogonal to the `window` + 1 before it. That is also what is held
   * on the device.
   */
  readonly window?: number;
}

const traceRecipe: Recipe = Object.freeze({ name: 'lla', notes: traceNotes });

function densityNotes(window: number): readonly string[] {
  return Object.freeze([
    `Vectors are made orthogonal only to the ${window + 1} before them: what has converged comes back as copies (ghosts), which take steps from the rest of the spectrum and move KHn.`,
    ...lanczosNotes,
    'KHn for n ≠ 1 depends on the number of steps; with one probe there is no interval.',
  ]);
}

/**
 * The eigenpairs that the program LLA (github.com/GabdullinN/loss-landscape-analysis, `eigs_calc`; Gabdullin 2024,
 * arXiv 2412.10146) computes from the same start vectors: power iteration, v ← Av / (‖Av‖ + 1e-6), until two Rayleigh
 * quotients differ by less than `tolerance`. See `recipe.notes` of the result; `eigenpairs` is what to prefer.
 *
 * Defaults: 2 pairs, 100 iterations, 1e-3. Throws ERR_INVALID_OPTION, and ERR_INVALID_DATA for a product not finite.
 *
 *     using operator = hessian(loss);
 *     using pairs = await llaEigenpairs(operator, { k: 2, seed: 1 });
 *     console.log(pairs.values, pairs.stopped);
 */
export async function llaEigenpairs(
  operator: LinearOperator,
  options: PresetEigenpairsOptions = {},
): Promise<PresetEigenpairsWithVectors> {
  return powerIteration('llaEigenpairs', operator, options, 2, 'lla');
}

/**
 * The trace that LLA (`tr_calc`) computes from the same Rademacher vectors: the mean of vᵀAv, until two running means
 * differ by less than `tolerance`. See `recipe.notes` of the result; `trace` is what to prefer.
 *
 * Defaults: 100 probes at most, 1e-3. Throws ERR_INVALID_OPTION, and ERR_INVALID_DATA for a product not finite.
 *
 *     using operator = hessian(loss);
 *     const trace = await llaTrace(operator, { seed: 1 });
 *     console.log(trace.value, trace.samples.length);
 */
export async function llaTrace(
  operator: LinearOperator,
  options: PresetTraceOptions = {},
): Promise<PresetTrace> {
  return runningMeanTrace('llaTrace', operator, options, NaN, traceRecipe);
}

/**
 * Nodes, weights and criteria that LLA (`esd_calc`, `hessian_criteria`; Gabdullin 2024, arXiv 2412.10146, section 3.3)
 * computes from the same Rademacher vectors: Lanczos quadrature (Yao 2020, arXiv 1912.07145) that forgets all but the
 * last vectors. See `recipe.notes` of the result; `spectralDensity` is what to prefer.
 *
 * Defaults: 100 steps, 1 probe, window 10. Throws ERR_INVALID_OPTION, and ERR_INVALID_DATA for a product not finite.
 *
 *     using operator = hessian(loss);
 *     const spectrum = await llaSpectralDensity(operator, { seed: 1 });
 *     console.log(spectrum.criteria.kh05);
 */
export async function llaSpectralDensity(
  operator: LinearOperator,
  options: LlaSpectralDensityOptions = {},
): Promise<LlaSpectralDensity> {
  checkOptions('llaSpectralDensity', { window: options.window }, { window: isInteger(0) });
  const { window = 10, ...others } = options;
  const recipe: Recipe = Object.freeze({ name: 'lla', notes: densityNotes(window) });
  const density = await windowedDensity('llaSpectralDensity', operator, others, window, recipe);
  const mean = (figure: (probe: Quadrature) => number) =>
    density.nodes.reduce((sum, nodes, p) => sum + figure({ nodes, weights: density.weights[p]! }), 0) /
    density.probes;
  const criteria = Object.freeze({
    re: mean(eigenvalueRatio),
    kh05: mean((probe) => khCriterion(probe, 0.5)),
    kh1: mean((probe) => khCriterion(probe, 1)),
  });
  return Object.freeze({ ...density, criteria });
}

/**
 * The curve that LLA (`density_plot`) draws from nodes and weights: Gaussians of variance 1e-5·max(1, width) on a grid
 * that ends 0.001 beyond the outermost nodes, scaled to sum 1. It is drawn as log(density + 1e-7).
 *
 *     const spectrum = await llaSpectralDensity(operator);
 *     const { x, density } = renderLlaDensity(spectrum);
 */
export function renderLlaDensity(
  spectrum: Pick<SpectralDensity, 'nodes' | 'weights'>,
  options: PresetRenderOptions = {},
): RenderedDensity {
  return binnedDensity('renderLlaDensity', spectrum, options, 0.001);
}
