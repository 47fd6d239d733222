import { notFinite } from '../../operators/not-finite.js';
import { LossAtlasError } from '../../errors.js';
import type { OutputPullback } from '../../native/addon.js';
import { call } from '../../native/call.js';
import type { CurvatureOperator } from '../../operators/curvature-operator.js';
import type { LinearOperator } from '../../operators/linear-operator.js';
import { eachPullback } from '../../operators/output-pullback.js';
import { curvatureIn } from '../../operators/wrapped-operator.js';
import { interval } from '../statistics.js';
import { logInterval } from '../log-interval.js';
import { isPrecise, type TraceFigures, type TraceRun } from './options.js';
import { ParameterSamples, sum } from './parameter-samples.js';

/**
 * tr Jᵀ S Sᵀ J = E‖Jᵀ S v‖² over v of ±1 (S Sᵀ the loss's curvature in the output): one backward pass a probe, no second
 * derivative. For a Hessian the trace of its Gauss–Newton part is the whole trace where diag H = diag GGN. The samples
 * are positive and skewed, so the interval is Student's for the logarithm of the mean (see `logInterval`).
 */
export async function gradientTrace(run: TraceRun): Promise<TraceFigures> {
  const { minProbes, maxProbes, relativeError, seed, progress } = run;
  const operator = requireGaussNewtonPart(run.operator);
  const shift = weightDecayTraces(operator);
  const samples = new ParameterSamples(operator, shift);
  const exact = sum(shift);
  let target = minProbes;
  for (;;) {
    const first = samples.count;
    const round = Array.from(
      { length: target - first },
      () => new Float64Array(operator.space.parameters.length),
    );
    const count = await eachPullback(
      operator,
      async ({ pullback }) => {
        for (const [i, squares] of round.entries()) {
          add(squares, await call((native) => native.randomPullbackSquares(pullback, seed, first + i)));
          progress.advance();
        }
      },
      // One draw for a whole batch.
      { bySample: false, signal: progress.signal },
    );
    for (const squares of round) samples.add(squares.map((square) => square / count));
    const totals = samples.totals();
    const estimate = logInterval(
      totals.map((total) => total - exact),
      exact,
    );
    if (isPrecise(estimate, relativeError) || target >= maxProbes) {
      return {
        estimate,
        samples: totals,
        perParameter: samples.estimates(logInterval),
        frobeniusNorm: null,
        numProducts: target,
      };
    }
    // As many as the error asks for, but not all at once on the word of a few.
    const needed = target * (estimate.standardError / (relativeError * Math.abs(estimate.value))) ** 2;
    target = Math.min(maxProbes, 2 * target, Math.max(target + 1, Math.ceil(needed)));
  }
}

/** The same over all unit vectors instead of random ones: no error but rounding's. */
export async function exactGradientTrace(run: TraceRun): Promise<TraceFigures> {
  const { progress } = run;
  const operator = requireGaussNewtonPart(run.operator);
  const traces = new Float64Array(operator.space.parameters.length);
  const { data } = operator.objective;
  let numOutputs = 0;
  let numDone = 0;
  const count = await eachPullback(
    operator,
    async (pullback, { numSamples }) => {
      // As if all samples had as many outputs as these.
      const rest = Math.round((pullback.outputSize / numSamples) * (data.numSamples - numDone));
      progress.total = numOutputs + rest;
      numDone += numSamples;
      numOutputs += await addUnitSquares(pullback, traces, run);
    },
    { bySample: true, signal: progress.signal },
  );
  if (!traces.every(Number.isFinite)) throw notFinite();
  const shift = weightDecayTraces(operator);
  const samples = new ParameterSamples(
    operator,
    traces.map((square, p) => square / count + shift[p]!),
  );
  const perParameter = samples.estimates();
  const value = perParameter.reduce((total, block) => total + block.value, 0);
  return {
    estimate: interval(value, 0, 0),
    samples: new Float64Array(0),
    perParameter,
    frobeniusNorm: null,
    numProducts: numOutputs,
  };
}

/** Backward passes of one native step. */
const unitsPerStep = 16;

async function addUnitSquares(
  { pullback, outputSize }: OutputPullback,
  traces: Float64Array,
  { progress }: TraceRun,
): Promise<number> {
  for (let from = 0; from < outputSize; from += unitsPerStep) {
    const units = Math.min(unitsPerStep, outputSize - from);
    add(traces, await call((native) => native.unitPullbackSquares(pullback, from, units)));
    progress.advance(units);
  }
  return outputSize;
}

function requireGaussNewtonPart(operator: LinearOperator): CurvatureOperator {
  const inside = curvatureIn(operator);
  if (inside !== null && inside.factor === 1 && inside.shift === 0) {
    const { kind } = inside.curvature.matrix;
    if (kind === 'hessian' || kind === 'gauss-newton') return inside.curvature;
  }
  throw new LossAtlasError(
    'ERR_INVALID_OPTION',
    `trace: method 'gradient' takes the operators of hessian() and gaussNewton(), not the ${operator.label}: no other ` +
      `trace is one of gradients alone.`,
  );
}

function weightDecayTraces({ space, weightDecay }: CurvatureOperator): Float64Array {
  return Float64Array.from(space.parameters, ({ numel }) => weightDecay * numel);
}

function add(squares: Float64Array, more: Float64Array): void {
  for (let p = 0; p < squares.length; p++) squares[p]! += more[p]!;
}
