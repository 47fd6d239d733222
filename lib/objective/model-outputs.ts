import type { Dataset } from '../data/dataset.js';
import { LossAtlasError } from '../errors.js';
import { isSolution, requireFit, type Solution } from '../model/solution.js';
import { call } from '../native/call.js';
import { Steps } from '../steps.js';
import type { AnalysisOptions, NdArray } from '../types.js';
import { analysisChecks, checkOptions, requireInstance } from '../validate.js';
import { Batches } from './batches.js';
import { Objective } from './objective.js';

export interface ModelOutputsOptions extends AnalysisOptions {
  /** θ with its running statistics; default the model's own. */
  readonly at?: Solution;
}

/**
 * What the model returns for every sample of the objective's data, in its mode: logits of a classifier, before any loss.
 * Float64, [N, …].
 *
 *     const { data, shape } = await modelOutputs(loss); // shape [1797, 10]
 *
 * Throws ERR_FORWARD, ERR_INVALID_DATA where batches give outputs of different shapes.
 */
export async function modelOutputs(
  objective: Objective,
  options: ModelOutputsOptions = {},
): Promise<NdArray & { readonly data: Float64Array }> {
  requireInstance('modelOutputs: objective', objective, Objective, 'an Objective (of objective)');
  checkOptions('modelOutputs', options, { ...analysisChecks, at: isSolution });
  return outputsOf(objective, objective.data, options);
}

/** The same for samples of other data, of which mode `recalibrate` takes nothing. */
export async function outputsOf(
  objective: Objective,
  data: Dataset,
  options: ModelOutputsOptions = {},
): Promise<NdArray & { readonly data: Float64Array }> {
  const { at, signal } = options;
  const { model } = objective;
  if (at !== undefined) requireFit(model, at);
  using own = at === undefined ? await model.theta() : null;
  const theta = at?.theta ?? own!;
  using state = await objective.statisticsAt(theta, at?.buffers ?? null, signal);
  const buffers = state ?? at?.buffers ?? null;
  const batches = data === objective.data ? null : new Batches(model, data, objective.batchSize, undefined);
  const steps = new Steps('outputs', batches?.count ?? objective.numBatches, options);
  const parts: { shape: readonly number[]; values: Float64Array }[] = [];
  try {
    for await (const batch of batches?.each() ?? objective.batches()) {
      const part = await call((native) =>
        native.outputs(objective.handle, theta.handle, buffers?.handle ?? null, batch),
      );
      parts.push({ shape: [...part.shape], values: part.values });
      steps.advance();
    }
  } finally {
    batches?.dispose();
  }
  return joined(parts, data.numSamples);
}

function joined(
  parts: readonly { readonly shape: readonly number[]; readonly values: Float64Array }[],
  numSamples: number,
): NdArray & { readonly data: Float64Array } {
  const tail = parts[0]!.shape.slice(1);
  const rows = parts.reduce((sum, { shape }) => sum + (shape[0] ?? 0), 0);
  if (rows !== numSamples || parts.some(({ shape }) => shape.slice(1).join() !== tail.join())) {
    const shapes = [...new Set(parts.map(({ shape }) => `[${shape.join(', ')}]`))].join(', ');
    throw new LossAtlasError(
      'ERR_INVALID_DATA',
      `The model's outputs are not one row for each of ${numSamples} samples: batches gave ${shapes}.`,
    );
  }
  const data = new Float64Array(parts.reduce((sum, { values }) => sum + values.length, 0));
  let start = 0;
  for (const { values } of parts) {
    data.set(values, start);
    start += values.length;
  }
  return { data, shape: [numSamples, ...tail] };
}
