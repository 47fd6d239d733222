import { accumulate, combine, disposeAll, type ParameterVector } from '../model/parameter-vector.js';
import { applyOne, type LinearOperator } from '../operators/linear-operator.js';
import type { TraceEstimate } from '../results.js';
import { Steps } from '../steps.js';
import type { AnalysisOptions } from '../types.js';
import { analysisChecks, checkOptions, isInteger, isPositive, isSeed } from '../validate.js';
import { notFinite } from './krylov-subspace.js';
import { interval } from './statistics.js';

export interface TraceOptions extends AnalysisOptions {
  /** Stop when the standard error is this share of |trace|; default 0.05. */
  readonly relativeError?: number;
  /** Default 10; at least 2. */
  readonly minProbes?: number;
  /** Default 100. */
  readonly maxProbes?: number;
  readonly seed?: number;
}

/**
 * The standard error comes from the matrix, not from the scatter of the samples, so the normal quantile is the right one:
 * on dense Hessians of five nets it covers the trace in 94 to 96 % of cases from 4 probes on, Student's in up to 99.9 %.
 */
const normal95 = 1.959963984540054;

/**
 * The trace by Hutchinson's estimator with Rademacher probes: mean of vᵀAv. Its standard error is
 * √(2(‖A‖²_F − ΣA_ii²)/K), from the same products (‖A‖²_F ≈ mean ‖Av‖², A_ii ≈ mean (v ⊙ Av)_i, bias removed), which
 * holds for few probes, where the sample variance does not. It stops on the standard error, never on two running
 * means being close.
 */
export async function hessianTrace(
  operator: LinearOperator,
  options: TraceOptions = {},
): Promise<TraceEstimate> {
  checkOptions('hessianTrace', options, {
    ...analysisChecks,
    relativeError: isPositive,
    minProbes: isInteger(2),
    maxProbes: isInteger(2),
    seed: isSeed,
  });
  const startedAt = performance.now();
  const { relativeError = 0.05, maxProbes = 100, seed = 0 } = options;
  const minProbes = Math.min(options.minProbes ?? 10, maxProbes);
  const progress = new Steps('trace', maxProbes, options);
  const samples: number[] = [];
  let squares = 0;
  let diagonal: ParameterVector | undefined;
  try {
    for (;;) {
      const probe = await sampleProbe(operator, seed, samples.length, progress.signal);
      samples.push(probe.sample);
      squares += probe.squaredNorm;
      diagonal = await accumulate(diagonal, probe.diagonal);
      progress.advance();
      if (samples.length < minProbes) continue;
      const count = samples.length;
      const frobenius2 = squares / count;
      const standardError = Math.sqrt((2 * (await offDiagonal(frobenius2, diagonal, count))) / count);
      const value = samples.reduce((sum, x) => sum + x, 0) / count;
      const converged = standardError <= relativeError * Math.abs(value);
      if (!converged && count < maxProbes) continue;
      progress.finish();
      return Object.freeze({
        kind: 'trace',
        formatVersion: 1,
        ...interval(value, standardError, normal95),
        samples: Float64Array.from(samples),
        frobeniusNorm: Math.sqrt(frobenius2),
        numProducts: count,
        converged,
        seed,
        provenance: await operator.provenance(startedAt),
      });
    }
  } finally {
    diagonal?.dispose();
  }
}

async function sampleProbe(
  operator: LinearOperator,
  seed: number,
  stream: number,
  signal: AbortSignal | undefined,
) {
  const v = await operator.space.randomVector('rademacher', seed, stream);
  let product: ParameterVector | undefined;
  try {
    product = await applyOne(operator, v, signal);
    const sample = await v.dot(product);
    if (!Number.isFinite(sample)) throw notFinite();
    return { sample, squaredNorm: await product.dot(product), diagonal: await v.multiply(product) };
  } finally {
    disposeAll(product === undefined ? [v] : [v, product]);
  }
}

/** ‖A‖²_F − ΣA_ii², at least 0. The square of a mean of K samples overestimates by their variance over K. */
async function offDiagonal(frobenius2: number, diagonalSum: ParameterVector, count: number): Promise<number> {
  using mean = await combine([diagonalSum], [1 / count]);
  const biased = await mean.dot(mean);
  const diagonal2 = (count * biased - frobenius2) / (count - 1);
  return Math.max(0, frobenius2 - Math.max(0, diagonal2));
}
