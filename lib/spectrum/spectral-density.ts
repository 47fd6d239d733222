import type { LinearOperator } from '../operators/linear-operator.js';
import type { SpectralDensity } from '../results.js';
import { Steps } from '../steps.js';
import type { AnalysisOptions } from '../types.js';
import { analysisChecks, checkOptions, isInteger, isSeed } from '../validate.js';
import { criteria, type ProbeQuadrature } from './criteria.js';
import { KrylovSubspace } from './krylov-subspace.js';
import { meanEstimate } from './statistics.js';

export interface SpectralDensityOptions extends AnalysisOptions {
  /** Lanczos steps m of a probe; default 100 (Gabdullin 2024), at most n. */
  readonly steps?: number;
  /** Random probes; default 10 (Gabdullin 2024: ten are fairly stable). LLA and PyHessian run 1. */
  readonly probes?: number;
  readonly seed?: number;
}

/**
 * The spectral density of an operator by stochastic Lanczos quadrature: for each Rademacher probe the Ritz values and
 * the squared first entries of T's eigenvectors (Ubaru, Chen & Saad 2017; Ghorbani 2019; Yao 2020, arXiv 1912.07145).
 * With m = n steps the nodes are the exact spectrum that the probe sees. n·Σwλ = vᵀAv of each probe estimates the trace.
 *
 *     const spectrum = await spectralDensity(hessian(loss), { steps: 100, probes: 10, seed: 1 });
 *     console.log(spectrum.criteria.kh05); // { value, low, high, standardError }
 */
export async function spectralDensity(
  operator: LinearOperator,
  options: SpectralDensityOptions = {},
): Promise<SpectralDensity> {
  checkOptions('spectralDensity', options, {
    ...analysisChecks,
    steps: isInteger(1),
    probes: isInteger(1),
    seed: isSeed,
  });
  const startedAt = performance.now();
  const { steps: wanted = 100, probes = 10, seed = 0 } = options;
  const steps = Math.min(wanted, operator.size);
  const progress = new Steps('spectral density', steps * probes, options);
  const results: ProbeQuadrature[] = [];
  let numProducts = 0;
  for (let probe = 0; probe < probes; probe++) {
    const quadrature = await runProbe(operator, steps, seed, probe, progress);
    numProducts += quadrature.nodes.length;
    results.push(quadrature);
  }
  progress.finish();
  const n = operator.size;
  const traces = results.map(
    ({ nodes, weights }) => n * nodes.reduce((sum, node, i) => sum + node * weights[i]!, 0),
  );
  return Object.freeze({
    kind: 'spectral-density',
    formatVersion: 1,
    size: n,
    steps,
    probes,
    seed,
    nodes: Object.freeze(results.map((r) => r.nodes)),
    weights: Object.freeze(results.map((r) => r.weights)),
    trace: meanEstimate(traces, 0.95),
    criteria: criteria(results, steps),
    numProducts,
    provenance: await operator.provenance(startedAt),
  });
}

async function runProbe(
  operator: LinearOperator,
  steps: number,
  seed: number,
  probe: number,
  progress: Steps,
): Promise<ProbeQuadrature> {
  const start = await operator.space.randomVector('rademacher', seed, probe);
  let subspace: KrylovSubspace | undefined;
  try {
    subspace = await KrylovSubspace.start(operator, [start], steps);
    // An invariant subspace ends the probe: its nodes are exact then.
    while (subspace.numApplied < steps && subspace.numPending > 0) {
      await subspace.expand(1, progress.signal);
      progress.advance();
    }
    const { values, vectors } = await subspace.ritz();
    return { nodes: values, weights: Float64Array.from(vectors, (vector) => vector[0]! ** 2) };
  } finally {
    start.dispose();
    subspace?.dispose();
  }
}
