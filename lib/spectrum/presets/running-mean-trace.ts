import { applyOne, type LinearOperator } from '../../operators/linear-operator.js';
import { Steps } from '../../steps.js';
import { checkOptions, isInteger, isPositive } from '../../validate.js';
import { notFinite } from '../../operators/not-finite.js';
import { epsilon } from './gram-schmidt.js';
import type { PresetTrace, Recipe } from '../../results.js';
import { presetSpectrumChecks, Starts, type PresetSpectrumOptions } from './starts.js';

export interface PresetTraceOptions extends PresetSpectrumOptions {
  /** Default 100, or as many as there are start vectors. */
  readonly maxProbes?: number;
  /** Of the change between two running means, relative; default 1e-3. */
  readonly tolerance?: number;
}

export const traceNotes: readonly string[] = Object.freeze([
  'Stops when two running means are close, which happens by chance long before the error is small; there is no standard error.',
]);

/** Hutchinson's estimator as LLA and PyHessian run it; `before` is the mean before the first probe. */
export async function runningMeanTrace(
  caller: string,
  operator: LinearOperator,
  options: PresetTraceOptions,
  before: number,
  recipe: Recipe,
): Promise<PresetTrace> {
  checkOptions(caller, options, {
    ...presetSpectrumChecks,
    maxProbes: isInteger(1),
    tolerance: isPositive,
  });
  const startedAt = performance.now();
  const { tolerance = 1e-3 } = options;
  const maxProbes = options.maxProbes ?? options.start?.length ?? 100;
  const starts = new Starts(caller, operator, 'rademacher', maxProbes, options);
  const progress = new Steps('trace', maxProbes, options, true);
  const samples: number[] = [];
  let value = before;
  let stopped = false;
  let sum = 0;
  while (!stopped && samples.length < maxProbes) {
    const sample = await starts.use(samples.length, async (v) => {
      using product = await applyOne(operator, v, progress.signal);
      return await product.dot(v);
    });
    if (!Number.isFinite(sample)) throw notFinite();
    samples.push(sample);
    sum += sample;
    const mean = sum / samples.length;
    stopped = Math.abs(mean - value) / (Math.abs(value) + epsilon) < tolerance;
    value = mean;
    progress.advance();
  }
  progress.finish();
  return Object.freeze({
    kind: 'preset-trace',
    formatVersion: 1,
    value,
    samples: Float64Array.from(samples),
    stopped,
    tolerance,
    numProducts: samples.length,
    seed: starts.seed,
    recipe,
    provenance: await operator.provenance(startedAt),
  });
}
