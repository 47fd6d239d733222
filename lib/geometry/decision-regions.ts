import { dataset } from '../data/from-arrays.js';
import { LossAtlasError } from '../errors.js';
import { allocated } from '../io/allocate.js';
import { isSolution, type Solution } from '../model/solution.js';
import { outputsOf } from '../objective/model-outputs.js';
import { Objective } from '../objective/objective.js';
import { coordinates } from '../landscape/sweep.js';
import type { DecisionRegions } from '../results.js';
import type { AnalysisOptions, NdArray } from '../types.js';
import {
  analysisChecks,
  checkOptions,
  invalidOption,
  isArrayOf,
  isInteger,
  isRange,
  isString,
  requireInstance,
} from '../validate.js';
import { notFinite } from './not-finite.js';

export interface DecisionRegionsOptions extends AnalysisOptions {
  /** θ with its running statistics; default the model's own. */
  readonly at?: Solution;
  /** Of the first input; default that of the samples and a tenth of it on either side. */
  readonly range?: readonly [number, number];
  /** Of the second input, likewise. */
  readonly yRange?: readonly [number, number];
  /** Points along each input; default 201. */
  readonly points?: number;
  readonly yPoints?: number;
  /** At most so many samples are kept, evenly spaced in the data; default 2000. */
  readonly maxSamples?: number;
  /** Names of the two inputs; default `input 1`, `input 2`. */
  readonly labels?: readonly string[];
}

/** Along each input, where nothing is said. */
export const defaultRegionPoints = 201;

/** Of inputs, outputs (in parts, then joined), answers and probabilities, and their text in a JSON file. */
export function bytesOfRegions(numPoints: number, numClasses = 2): number {
  return numPoints * (80 + 16 * numClasses);
}

type Grid = Pick<DecisionRegions, 'x' | 'y'>;

/**
 * What a classifier of two inputs answers over the plane of its inputs, with the objective's samples on it (Huang et al.
 * 2019, arXiv 1906.03291, figure 1): a minimum that generalises badly fits the same points with other regions.
 *
 *     const regions = await decisionRegions(loss, { at: poisoned });
 *     await savePng('regions.png', drawDecisionRegions(regions));
 *
 * Inputs are as the model gets them, after `scale`, `mean` and `std`. Classes are those of `cross-entropy` and `nll` (the
 * largest output), or 0 and 1 of `bce-with-logits`. Throws ERR_INVALID_OPTION for another loss, for mode `train` (an
 * answer would depend on the other points), and for data of other shapes than [N, 2].
 */
export async function decisionRegions(
  objective: Objective,
  options: DecisionRegionsOptions = {},
): Promise<DecisionRegions> {
  requireInstance('decisionRegions: objective', objective, Objective, 'an Objective (of objective)');
  checkOptions('decisionRegions', options, {
    ...analysisChecks,
    at: isSolution,
    range: isRange,
    yRange: isRange,
    points: isInteger(2),
    yPoints: isInteger(2),
    maxSamples: isInteger(0),
    labels: isArrayOf(isString, 'names of the inputs'),
  });
  const startedAt = performance.now();
  requireClassifier(objective);
  const { at, signal, points = defaultRegionPoints, maxSamples = 2000 } = options;
  const names = namesOf(options.labels);
  const samples = await objective.data.load(signal);
  const inputs = samples.inputs[0]!.data;
  const column = (k: 0 | 1) =>
    Float64Array.from({ length: samples.numSamples }, (_, i) => Number(inputs[2 * i + k]));
  const [first, second] = [column(0), column(1)];
  const grid = {
    x: coordinates(options.range ?? aroundAll(first), points),
    y: coordinates(options.yRange ?? aroundAll(second), options.yPoints ?? points),
  };
  const where = at === undefined ? {} : { at };
  // First: what is wrong with the samples or the weights is told of them, not of the grid.
  const atSamples = answersOf(
    objective.loss,
    await outputsOf(objective, samples, { ...where, ...(signal === undefined ? {} : { signal }) }),
  );
  const { loss, accuracy } = await objective.evaluate(at?.theta, signal, at?.buffers ?? null);
  if (!Number.isFinite(loss))
    throw notFinite(`loss of '${at?.label ?? objective.model.name}' is ${loss}`, 'it has no regions');
  const answers = answersOf(
    objective.loss,
    await outputsOf(objective, pointsOf(grid), { ...options, ...where }),
  );
  const kept = evenly(samples.numSamples, maxSamples);
  const labels = labelsOf(samples.targets!, answers.numClasses);
  const isWrong = (label: number, i: number) =>
    label >= 0 && label < answers.numClasses && label !== atSamples.predicted[i];
  return Object.freeze({
    kind: 'decision-regions',
    formatVersion: 1,
    ...grid,
    labels: names,
    classNames: Object.freeze(
      samples.classNames ?? Array.from({ length: answers.numClasses }, (_, c) => `class ${c}`),
    ),
    predicted: answers.predicted,
    confidence: answers.confidence,
    numNotFinite: answers.predicted.reduce((sum, value) => sum + Number(Number.isNaN(value)), 0),
    samples: Object.freeze({
      x: kept.map((i) => first[i]!),
      y: kept.map((i) => second[i]!),
      label: kept.map((i) => labels[i]!),
      predicted: kept.map((i) => atSamples.predicted[i]!),
    }),
    numSamples: samples.numSamples,
    numWrong: labels.filter(isWrong).length,
    loss,
    accuracy: accuracy ?? NaN,
    provenance: await objective.provenance(startedAt, at?.label ?? 'model'),
  });
}

function requireClassifier({ loss, mode, data }: Objective): void {
  const fail = (problem: string): never => {
    throw new LossAtlasError('ERR_INVALID_OPTION', `decisionRegions: ${problem}`);
  };
  if (!['cross-entropy', 'nll', 'bce-with-logits'].includes(loss))
    fail(`the loss '${loss}' has no classes; give an objective with cross-entropy, nll or bce-with-logits.`);
  if (mode === 'train')
    fail(
      "in mode 'train' an answer depends on the other points of its batch; give an objective of another mode.",
    );
  const shapes = data.inputInfo.map(({ shape }) => `[${shape.join(', ')}]`).join(' and ');
  if (
    data.inputInfo.length !== 1 ||
    data.inputInfo[0]!.shape.length !== 2 ||
    data.inputInfo[0]!.shape[1] !== 2
  )
    fail(`a classifier of two inputs takes data of shape [N, 2], not ${shapes}.`);
  if (data.targets === null) fail(`'${data.name}' has no labels.`);
}

function namesOf(labels: readonly string[] = ['input 1', 'input 2']): readonly string[] {
  if (labels.length !== 2) throw invalidOption("decisionRegions: option 'labels'", 'two names', labels);
  return Object.freeze([...labels]);
}

function aroundAll(values: Float64Array): readonly [number, number] {
  const [low, high] = [values.reduce((a, b) => Math.min(a, b)), values.reduce((a, b) => Math.max(a, b))];
  const margin = high > low ? (high - low) / 10 : 1;
  return [low - margin, high + margin];
}

function pointsOf({ x, y }: Grid) {
  const size = 2 * x.length * y.length;
  const bytes = bytesOfRegions(size / 2);
  if (bytes > process.availableMemory())
    throw new LossAtlasError(
      'ERR_OUT_OF_MEMORY',
      `decisionRegions: ${size / 2} points take ${(bytes / 1e9).toFixed(1)} GB at least, and ${(process.availableMemory() / 1e9).toFixed(1)} GB are left. Give fewer points.`,
    );
  const data = allocated(() => new Float64Array(size), 'decisionRegions', `a grid of ${size / 2} points`);
  let k = 0;
  for (const second of y) {
    for (const value of x) {
      data[k++] = value;
      data[k++] = second;
    }
  }
  return dataset({ inputs: { data, shape: [x.length * y.length, 2] } }, { name: 'the grid' });
}

interface Answers {
  readonly numClasses: number;
  /** NaN where the outputs are not finite. */
  readonly predicted: Float64Array;
  /** Probability of the predicted class. */
  readonly confidence: Float64Array;
}

function answersOf(loss: string, { data, shape }: NdArray & { readonly data: Float64Array }): Answers {
  const [rows, columns = 1] = shape as [number, number?];
  const isBinary = loss === 'bce-with-logits';
  if (shape.length > 2 || (isBinary ? columns !== 1 : shape.length !== 2)) {
    throw new LossAtlasError(
      'ERR_INVALID_OPTION',
      `decisionRegions: the model returns [${shape.join(', ')}] for ${rows} samples; ${loss} of one answer a sample takes ` +
        `${isBinary ? `[${rows}] or [${rows}, 1]` : `[${rows}, classes]`}.`,
    );
  }
  const predicted = new Float64Array(rows);
  const confidence = new Float64Array(rows);
  for (let i = 0; i < rows; i++) {
    const row = isBinary ? Float64Array.of(0, data[i]!) : data.subarray(i * columns, (i + 1) * columns);
    let best = 0;
    for (let c = 1; c < row.length; c++) if (row[c]! > row[best]!) best = c;
    // Of outputs that are no numbers the largest is none either.
    const sum = row.reduce((total, value) => total + Math.exp(value - row[best]!), 0);
    const share = loss === 'nll' ? Math.exp(row[best]!) : 1 / sum;
    predicted[i] = Number.isFinite(sum) ? best : NaN;
    confidence[i] = Number.isFinite(sum) ? share : NaN;
  }
  return { numClasses: isBinary ? 2 : columns, predicted, confidence };
}

/** One a sample; of probabilities of the classes the most probable. */
function labelsOf({ data, shape }: NdArray, numClasses: number): Float64Array {
  if (shape.length < 2 || shape[1] !== numClasses) return Float64Array.from(data, Number);
  return Float64Array.from({ length: shape[0]! }, (_, i) => {
    const row = Array.from(data.slice(i * numClasses, (i + 1) * numClasses), Number);
    return row.indexOf(Math.max(...row));
  });
}

/** Numbers of at most `count` samples. */
function evenly(numSamples: number, count: number): Float64Array {
  const kept = Math.min(numSamples, count);
  return Float64Array.from({ length: kept }, (_, i) => Math.floor((i * numSamples) / kept));
}
