import type { BufferState } from '../model/buffer-state.js';
import type { ParameterVector } from '../model/parameter-vector.js';
import { call } from '../native/call.js';
import type { ClassFigures } from '../results.js';
import { throwIfAborted } from '../steps.js';
import { EvaluationSum, type Evaluation } from './evaluation.js';
import type { Objective } from './objective.js';

/** With the figures of every class, of the same forward passes; null where targets are no class indices. */
export interface ClassEvaluation extends Evaluation {
  readonly classes: ClassFigures | null;
}

/** Loss, accuracy, metrics and the figures of every class at θ with these buffers (null: the model's own). */
export async function evaluateClasses(
  objective: Objective,
  theta: ParameterVector,
  buffers: BufferState | null,
  signal?: AbortSignal,
): Promise<ClassEvaluation> {
  using state = await objective.statisticsAt(theta, buffers, signal);
  const used = state ?? buffers;
  const sum = new EvaluationSum(objective.metricNames);
  let numClasses = 0;
  let confusion: Float64Array | undefined;
  let lossSums: Float64Array | undefined;
  for await (const batch of objective.batches()) {
    throwIfAborted(signal);
    const step = await call((native) =>
      native.evaluateClasses(objective.handle, theta.handle, used?.handle ?? null, batch),
    );
    sum.add(step.evaluation, 0);
    numClasses = step.numClasses;
    confusion = addTo(confusion, step.confusion);
    lossSums = addTo(lossSums, step.lossSums);
  }
  const classes = numClasses === 0 ? null : figures(numClasses, confusion!, lossSums!);
  return { ...sum.mean(), classes };
}

function addTo(sum: Float64Array | undefined, values: Float64Array): Float64Array {
  if (sum === undefined) return values;
  for (let i = 0; i < sum.length; i++) sum[i]! += values[i]!;
  return sum;
}

function figures(numClasses: number, confusion: Float64Array, lossSums: Float64Array): ClassFigures {
  const perLabel = new Float64Array(numClasses);
  const perPrediction = new Float64Array(numClasses);
  for (let i = 0; i < numClasses; i++) {
    for (let j = 0; j < numClasses; j++) {
      const count = confusion[i * numClasses + j]!;
      perLabel[i]! += count;
      perPrediction[j]! += count;
    }
  }
  const right = (c: number) => confusion[c * numClasses + c]!;
  // 0 / 0 is NaN: a class without samples has no figures.
  return Object.freeze({
    numClasses,
    confusion,
    numSamples: perLabel,
    recall: perLabel.map((count, c) => right(c) / count),
    loss: perLabel.map((count, c) => lossSums[c]! / count),
    precision: perPrediction.map((count, c) => right(c) / count),
  });
}
