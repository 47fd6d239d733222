import type { CheckpointDict, CheckpointValue } from '../io/checkpoint/value.js';
import { isDict, isList } from '../io/checkpoint/value.js';
import { elementsOf, isTensor } from '../io/checkpoint/tensor.js';
import type { Evaluation } from '../objective/evaluation.js';
import { requireCount } from '../objective/evaluation.js';
import type { StepResult } from './trainer.js';

/** What one epoch came to. */
export interface EpochFigures {
  /** From 1. */
  readonly epoch: number;
  /** Steps since the start of the run. */
  readonly numSteps: number;
  readonly learningRate: number;
  readonly loss: number;
  readonly accuracy: number | null;
  readonly poisonLoss: number | null;
  readonly gradientNorm: number;
  readonly seconds: number;
  /** In the order of `evaluateOn`; none while the epoch's are still to be made. */
  readonly evaluations: readonly Pick<Evaluation, 'loss' | 'accuracy'>[];
}

/** Sums over the steps of an epoch. */
export class EpochSum {
  #loss = 0;
  #count = 0;
  #correct = 0;
  #answers = 0;
  #avoidance = 0;
  #avoided = 0;
  #norms = 0;
  #steps = 0;

  add(step: StepResult): void {
    this.#loss += step.lossSum;
    this.#count += step.count;
    this.#correct += step.numCorrect;
    this.#answers += step.numAnswers;
    this.#avoidance += step.avoidanceSum;
    this.#avoided += step.avoidanceCount;
    this.#norms += step.gradientNorm;
    this.#steps++;
  }

  mean(): Pick<EpochFigures, 'loss' | 'accuracy' | 'poisonLoss' | 'gradientNorm'> {
    requireCount(this.#count);
    return {
      loss: this.#loss / this.#count,
      accuracy: this.#answers > 0 ? this.#correct / this.#answers : null,
      poisonLoss: this.#avoided > 0 ? this.#avoidance / this.#avoided : null,
      gradientNorm: this.#norms / this.#steps,
    };
  }
}

/** One list of numbers an entry; null where an epoch has none. */
export interface HistoryColumns {
  readonly learningRate: Float64Array;
  readonly loss: Float64Array;
  readonly accuracy: Float64Array | null;
  readonly poisonLoss: Float64Array | null;
  readonly gradientNorm: Float64Array;
  readonly seconds: Float64Array;
  readonly evaluations: readonly { readonly loss: Float64Array; readonly accuracy: Float64Array | null }[];
}

export function columnsOf(epochs: readonly EpochFigures[], numEvaluations: number): HistoryColumns {
  const column = (of: (epoch: EpochFigures) => number) => Float64Array.from(epochs, of);
  const maybe = (of: (epoch: EpochFigures) => number | null, among: readonly EpochFigures[] = epochs) =>
    among.length === 0 || among.some((epoch) => of(epoch) === null)
      ? null
      : Float64Array.from(among, (epoch) => of(epoch)!);
  const evaluated = epochs.filter(({ evaluations }) => evaluations.length === numEvaluations);
  return {
    learningRate: column(({ learningRate }) => learningRate),
    loss: column(({ loss }) => loss),
    accuracy: maybe(({ accuracy }) => accuracy),
    poisonLoss: maybe(({ poisonLoss }) => poisonLoss),
    gradientNorm: column(({ gradientNorm }) => gradientNorm),
    seconds: column(({ seconds }) => seconds),
    evaluations: Array.from({ length: numEvaluations }, (_, i) => ({
      loss: Float64Array.from(evaluated, ({ evaluations }) => evaluations[i]!.loss),
      accuracy: maybe(({ evaluations }) => evaluations[i]!.accuracy, evaluated),
    })),
  };
}

/** As a checkpoint holds it: tensors, which keep every bit. Those of evaluations lack a last epoch that has none yet. */
export function encodeHistory(epochs: readonly EpochFigures[]): CheckpointDict {
  const { evaluations, ...columns } = columnsOf(epochs, epochs[0]?.evaluations.length ?? 0);
  const encode = (entries: Readonly<Record<string, Float64Array | null>>) =>
    new Map<CheckpointValue, CheckpointValue>(
      Object.entries(entries).map(([name, data]) => [
        name,
        data === null ? null : { dtype: 'float64', shape: [data.length], data },
      ]),
    );
  return new Map<CheckpointValue, CheckpointValue>([
    ...encode({ ...columns, numSteps: Float64Array.from(epochs, ({ numSteps }) => numSteps) }),
    ['evaluations', evaluations.map((evaluation) => encode({ ...evaluation }))],
  ]);
}

/** The inverse; null for what is no such history. */
export function decodeHistory(value: CheckpointValue | undefined): EpochFigures[] | null {
  if (!isDict(value)) return null;
  const column = (dict: CheckpointDict, name: string, count?: number): Float64Array | null => {
    const tensor = dict.get(name);
    const fits = isTensor(tensor) && tensor.dtype === 'float64' && tensor.shape.length === 1;
    if (!fits || (count !== undefined && elementsOf(tensor.shape) !== count)) return null;
    return tensor.data as Float64Array;
  };
  const loss = column(value, 'loss');
  if (loss === null) return null;
  const names = ['learningRate', 'gradientNorm', 'seconds', 'numSteps'] as const;
  const [learningRate, gradientNorm, seconds, numSteps] = names.map((name) =>
    column(value, name, loss.length),
  );
  const tests = value.get('evaluations');
  if (!learningRate || !gradientNorm || !seconds || !numSteps || !isList(tests)) return null;
  const columns = tests.map((test) => {
    const losses = isDict(test) ? column(test, 'loss') : null;
    return { loss: losses, accuracy: isDict(test) ? column(test, 'accuracy', losses?.length) : null };
  });
  const numEvaluated = columns[0]?.loss?.length ?? loss.length;
  if (numEvaluated !== loss.length && numEvaluated !== loss.length - 1) return null;
  if (columns.some((test) => test.loss?.length !== numEvaluated)) return null;
  const accuracy = column(value, 'accuracy', loss.length);
  const poisonLoss = column(value, 'poisonLoss', loss.length);
  return Array.from(loss, (_, i) => ({
    epoch: i + 1,
    numSteps: numSteps[i]!,
    learningRate: learningRate[i]!,
    loss: loss[i]!,
    accuracy: accuracy?.[i] ?? null,
    poisonLoss: poisonLoss?.[i] ?? null,
    gradientNorm: gradientNorm[i]!,
    seconds: seconds[i]!,
    evaluations:
      i < numEvaluated
        ? columns.map((test) => ({ loss: test.loss![i]!, accuracy: test.accuracy?.[i] ?? null }))
        : [],
  }));
}
