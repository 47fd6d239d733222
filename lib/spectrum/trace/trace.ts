import { requireOperator, type LinearOperator } from '../../operators/linear-operator.js';
import type { Provenance, TraceEstimate, TraceMethod } from '../../results.js';
import { Steps } from '../../steps.js';
import { checkOptions, invalidOption } from '../../validate.js';
import { Deflation } from './deflation.js';
import { exactGradientTrace, gradientTrace } from './gradient-trace.js';
import { hutchinson } from './hutchinson.js';
import { isPrecise, traceChecks, type TraceFigures, type TraceOptions, type TraceRun } from './options.js';
import { xtrace } from './xtrace.js';

/**
 * The trace of an operator, and of every parameter tensor's own block from the same probes, by one of five estimators:
 *
 * - `hutchinson` (default): mean of vᵀAv over Rademacher probes v (Hutchinson 1990), one product each. Standard error
 *   √(2(‖A‖²_F − ΣA_ii²)/K) from the same products, which holds for few probes, where the sample variance does not.
 * - `hutch++`: exact on the span Q of A·S, S a sketch of `sketchSize` vectors; Hutchinson on the rest (Meyer, Musco,
 *   Musco & Woodruff 2021, arXiv 2010.09649).
 * - `deflated`: the same with Q from vectors that are there, or from `lanczosSteps`. With the `basis` that
 *   `eigenpairs(operator, { keepBasis: true })` keeps, the part on Q costs no product.
 * - `xtrace`: every probe serves both ends, by leave-one-out (Epperly, Tropp & Webber 2024, arXiv 2301.07825); two
 *   products each.
 * - `gradient`: mean of ‖Jᵀ S v‖², one backward pass each and no second derivative: the trace of a Gauss–Newton matrix,
 *   and of a Hessian where the network is proven to be affine in each parameter tensor taken alone. `exact` takes all
 *   outputs instead of random ones.
 *
 * Each stops at `relativeError` or at `maxProbes`, and says which (`converged`).
 *
 *     const { value, low, high, perParameter } = await trace(hessian(loss), { relativeError: 0.02, seed: 1 });
 *     using top = await eigenpairs(operator, { k: 10, keepBasis: true });
 *     const better = await trace(operator, { method: 'deflated', basis: top });
 *
 * Throws ERR_INVALID_OPTION (also for options of another method), ERR_NOT_AFFINE and ERR_CRITERION (`gradient`),
 * ERR_INVALID_DATA where a product is not finite, ERR_OUT_OF_MEMORY (`xtrace`).
 */
export async function trace(operator: LinearOperator, options: TraceOptions = {}): Promise<TraceEstimate> {
  const method = (options as TraceOptions | null)?.method ?? 'hutchinson';
  requireOperator('trace', operator);
  checkOptions('trace', options, traceChecks(method));
  const { relativeError = defaultRelativeError, seed = 0 } = options;
  const startedAt = performance.now();
  const maxProbes = options.maxProbes ?? Math.max(100, options.minProbes ?? 0);
  const minProbes = options.minProbes ?? Math.min(defaultMinProbes[method], maxProbes);
  if (minProbes > maxProbes)
    throw invalidOption("trace: option 'minProbes'", `at most option 'maxProbes', ${maxProbes}`, minProbes);
  const progress = new Steps('trace', numSteps(operator, options, maxProbes), options, true);
  const run = { operator, relativeError, minProbes, maxProbes, seed, progress };
  const figures = await estimators[method](run, options);
  progress.finish();
  return traceOf(method, figures, relativeError, seed, await operator.provenance(startedAt));
}

/** The result that these figures are; `relativeError` is what was asked for. */
export function traceOf(
  method: TraceMethod,
  { estimate, samples, perParameter, frobeniusNorm, numProducts }: TraceFigures,
  relativeError: number,
  seed: number,
  provenance: Provenance,
): TraceEstimate {
  return Object.freeze({
    kind: 'trace',
    formatVersion: 1,
    method,
    ...estimate,
    samples,
    perParameter,
    frobeniusNorm,
    numProducts,
    converged: isPrecise(estimate, relativeError),
    seed,
    provenance,
  });
}

export const defaultRelativeError = 0.05;

export const defaultMinProbes: Readonly<Record<TraceMethod, number>> = {
  hutchinson: 10,
  'hutch++': 4,
  xtrace: 8,
  deflated: 4,
  gradient: 10,
};

const defaultSketch = 10;
const defaultLanczosSteps = 20;

const estimators: Readonly<
  Record<TraceMethod, (run: TraceRun, options: TraceOptions) => Promise<TraceFigures>>
> = {
  hutchinson: async (run) => hutchinson(run),
  'hutch++': async (run, { sketchSize = defaultSketch }) => {
    const size = Math.min(sketchSize, run.operator.size);
    return deflated(run, Deflation.ofSketch(run, size), size);
  },
  xtrace: async (run) => xtrace(run),
  deflated: async (run, { basis, lanczosSteps = defaultLanczosSteps }) =>
    deflated(
      run,
      basis === undefined
        ? Deflation.ofLanczos(run, Math.min(lanczosSteps, run.operator.size))
        : Deflation.ofGiven(run, basis),
    ),
  gradient: async (run, { exact = false }) => (exact ? exactGradientTrace(run) : gradientTrace(run)),
};

async function deflated(run: TraceRun, pending: Promise<Deflation>, firstStream = 0): Promise<TraceFigures> {
  const deflation = await pending;
  try {
    return await hutchinson(run, deflation, firstStream);
  } finally {
    deflation.dispose();
  }
}

/** At most; for what is not known yet the estimators add to it. */
function numSteps(operator: LinearOperator, options: TraceOptions, maxProbes: number): number {
  switch (options.method) {
    case 'xtrace':
      return 2 * maxProbes;
    case 'hutch++':
      return maxProbes + 2 * Math.min(options.sketchSize ?? defaultSketch, operator.size);
    case 'deflated':
      return maxProbes + (options.basis === undefined ? (options.lanczosSteps ?? defaultLanczosSteps) : 0);
    case 'gradient':
      return options.exact === true ? 0 : maxProbes;
    default:
      return maxProbes;
  }
}
