import { LossAtlasError } from '../errors.js';
import type { Model } from '../model/model.js';
import { isPatterns, matchParameterNames } from '../model/parameter-names.js';
import { requireFit, Solution } from '../model/solution.js';
import type { WeightCounts, WeightHistogram } from '../results.js';
import { checkOptions, invalidOption, isInteger, isRange } from '../validate.js';

export interface WeightHistogramOptions {
  /** Default 100. */
  readonly bins?: number;
  /** From the left end of the first bin to the right end of the last; default what holds 99.9 % of all weights, around 0. */
  readonly range?: readonly [number, number];
  /** Names or patterns of the parameters to count; default all weights, without biases and norm layers. */
  readonly parameters?: readonly string[];
}

/**
 * The weights of one or several solutions of a model, in common bins (Li et al. 2018, arXiv 1712.09913, figure 2): weight
 * decay and small batches leave small weights, which a perturbation of a given size disturbs more, so that plain curves of
 * two solutions whose histograms differ cannot be compared.
 *
 *     const histogram = await weightHistogram([smallBatch, largeBatch], { bins: 80 });
 *
 * Throws ERR_INVALID_OPTION, ERR_INVALID_DATA for weights that are not finite, ERR_LAYOUT_MISMATCH for solutions of different
 * models.
 */
export async function weightHistogram(
  solutions: readonly Solution[],
  options: WeightHistogramOptions = {},
): Promise<WeightHistogram> {
  checkOptions('weightHistogram', options, {
    bins: isInteger(1, 100_000),
    range: isRange,
    parameters: isPatterns,
  });
  if (
    !Array.isArray(solutions) ||
    solutions.length === 0 ||
    !solutions.every((one) => one instanceof Solution)
  )
    throw invalidOption('weightHistogram: solutions', 'a list of Solutions, not empty', solutions);
  const { model } = solutions[0]!;
  for (const solution of solutions) requireFit(model, solution);
  const names = countedNames(model, options.parameters);
  const { bins = 100 } = options;
  const all: { label: string; weights: Float64Array }[] = [];
  for (const { label, theta } of solutions)
    all.push({ label, weights: requireFinite(label, pick(model, names, await theta.toArray())) });
  const [from, to] = options.range ?? rangeOf(all.map(({ weights }) => weights));
  const edges = Float64Array.from({ length: bins + 1 }, (_, i) => from * (1 - i / bins) + to * (i / bins));
  return Object.freeze({
    kind: 'weight-histogram',
    formatVersion: 1,
    edges,
    solutions: Object.freeze(all.map(({ label, weights }) => count(label, weights, edges))),
    parameters: Object.freeze([...names]),
    numWeights: all[0]!.weights.length,
    model: model.name,
    modelHash: model.hash,
  });
}

function countedNames(model: Model, patterns: readonly string[] | undefined): ReadonlySet<string> {
  if (patterns !== undefined) {
    const found = matchParameterNames(model.parameters, patterns, 'parameters');
    return new Set(found.map((i) => model.parameters[i]!.name));
  }
  const names = model.parameters.filter(({ role }) => role === 'weight').map(({ name }) => name);
  if (names.length > 0) return new Set(names);
  throw new LossAtlasError(
    'ERR_INVALID_OPTION',
    `weightHistogram: ${model.name} has no weights apart from biases and norm layers; give option 'parameters'.`,
  );
}

function pick(model: Model, names: ReadonlySet<string>, theta: Float64Array): Float64Array {
  const counted = model.parameters.filter(({ name }) => names.has(name));
  const weights = new Float64Array(counted.reduce((sum, { numel }) => sum + numel, 0));
  let start = 0;
  for (const { offset, numel } of counted) {
    weights.set(theta.subarray(offset, offset + numel), start);
    start += numel;
  }
  return weights;
}

function requireFinite(label: string, weights: Float64Array): Float64Array {
  const numBad = weights.reduce((count, weight) => count + (Number.isFinite(weight) ? 0 : 1), 0);
  if (numBad === 0) return weights;
  throw new LossAtlasError(
    'ERR_INVALID_DATA',
    `${numBad} of the ${weights.length} weights of '${label}' are not finite: there is no histogram of them.`,
  );
}

/** Symmetric, so that the sign of weights shows. */
function rangeOf(lists: readonly Float64Array[]): readonly [number, number] {
  const reach = Math.max(
    ...lists.map((weights) => {
      const sizes = weights.map(Math.abs).sort();
      return sizes[Math.ceil(0.999 * sizes.length) - 1]!;
    }),
  );
  const end = reach > 0 ? reach : 1;
  return [-end, end];
}

function count(label: string, weights: Float64Array, edges: Float64Array): WeightCounts {
  const bins = edges.length - 1;
  const [from, to] = [edges[0]!, edges[bins]!];
  const counts = new Float64Array(bins);
  let [sum, squares, min, max] = [0, 0, Infinity, -Infinity];
  for (const weight of weights) {
    const bin = Math.floor(((weight - from) / (to - from)) * bins);
    counts[Math.max(0, Math.min(bins - 1, bin))]!++;
    sum += weight;
    squares += weight * weight;
    min = Math.min(min, weight);
    max = Math.max(max, weight);
  }
  const mean = sum / weights.length;
  const spread = weights.reduce((total, weight) => total + (weight - mean) ** 2, 0);
  return Object.freeze({
    label,
    counts,
    mean,
    standardDeviation: Math.sqrt(spread / weights.length),
    norm: Math.sqrt(squares),
    min,
    max,
  });
}
