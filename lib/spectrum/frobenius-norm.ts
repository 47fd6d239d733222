import { applyOne, type LinearOperator, requireOperator } from '../operators/linear-operator.js';
import type { Estimate, FrobeniusNormEstimate } from '../results.js';
import { Steps } from '../steps.js';
import type { AnalysisOptions } from '../types.js';
import { analysisChecks, checkOptions, invalidOption, isInteger, isPositive, isSeed } from '../validate.js';
import { notFinite } from '../operators/not-finite.js';
import { logInterval } from './log-interval.js';

export interface FrobeniusNormOptions extends AnalysisOptions {
  /** Stop when the standard error is this share of the norm; default 0.05. */
  readonly relativeError?: number;
  /** Default 10; at least 2. */
  readonly minProbes?: number;
  /** Default 100. */
  readonly maxProbes?: number;
  readonly seed?: number;
}

/**
 * The Frobenius norm √ΣA_ij² of an operator: √(mean ‖Av‖²) over Rademacher probes v, whose expectation is ‖A‖²_F. The
 * interval is that of the mean square (Student's, for its logarithm), with the root taken (delta method).
 *
 *     const norm = await frobeniusNorm(hessian(loss), { relativeError: 0.02, seed: 1 });
 *     console.log(norm.value, norm.low, norm.high, norm.converged);
 *
 * Throws ERR_INVALID_OPTION, ERR_INVALID_DATA where a product is not finite.
 */
export async function frobeniusNorm(
  operator: LinearOperator,
  options: FrobeniusNormOptions = {},
): Promise<FrobeniusNormEstimate> {
  requireOperator('frobeniusNorm', operator);
  checkOptions('frobeniusNorm', options, {
    ...analysisChecks,
    relativeError: isPositive,
    minProbes: isInteger(2),
    maxProbes: isInteger(2),
    seed: isSeed,
  });
  const startedAt = performance.now();
  const { relativeError = 0.05, seed = 0 } = options;
  const maxProbes = options.maxProbes ?? Math.max(100, options.minProbes ?? 0);
  const minProbes = options.minProbes ?? Math.min(10, maxProbes);
  if (minProbes > maxProbes)
    throw invalidOption(
      "frobeniusNorm: option 'minProbes'",
      `at most option 'maxProbes', ${maxProbes}`,
      minProbes,
    );
  const progress = new Steps('frobenius norm', maxProbes, options, true);
  const samples: number[] = [];
  for (;;) {
    using v = await operator.space.randomVector('rademacher', seed, samples.length);
    using product = await applyOne(operator, v, progress.signal);
    samples.push(await product.dot(product));
    if (!Number.isFinite(samples.at(-1))) throw notFinite();
    progress.advance();
    if (samples.length < minProbes) continue;
    const estimate = rootOf(logInterval(samples));
    const converged = estimate.standardError <= relativeError * estimate.value;
    if (!converged && samples.length < maxProbes) continue;
    progress.finish();
    return Object.freeze({
      kind: 'frobenius-norm',
      formatVersion: 1,
      ...estimate,
      samples: Float64Array.from(samples),
      numProducts: samples.length,
      converged,
      seed,
      provenance: await operator.provenance(startedAt),
    });
  }
}

function rootOf({ value, low, high, standardError }: Estimate): Estimate {
  const root = Math.sqrt(value);
  return {
    value: root,
    low: Math.sqrt(low),
    high: Math.sqrt(high),
    standardError: root === 0 ? 0 : standardError / (2 * root),
  };
}
