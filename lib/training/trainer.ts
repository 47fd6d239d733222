import { BufferState } from '../model/buffer-state.js';
import { disposeAll, ParameterVector } from '../model/parameter-vector.js';
import { Solution } from '../model/solution.js';
import type { BatchHandle, TrainerHandle } from '../native/addon.js';
import { call, NativeResource } from '../native/call.js';
import type { Objective } from '../objective/objective.js';
import type { TrainingOptimizer } from '../results.js';
import { optimizerNumbers } from './optimizer.js';

/** Everything that the next step depends on besides its batch. It owns its vectors. */
export class TrainerState {
  readonly solution: Solution;
  /** Of each parameter the steps that its moments have seen (of SGD 1), −1 where it has none. Empty before the first step. */
  readonly steps: Float64Array;
  /** Named by `momentNames`. */
  readonly moments: readonly ParameterVector[];

  constructor(solution: Solution, steps: Float64Array, moments: readonly ParameterVector[]) {
    this.solution = solution;
    this.steps = steps;
    this.moments = moments;
  }

  dispose(): void {
    disposeAll([this.solution, ...this.moments]);
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

export interface StepOptions {
  /** Number of the step from 0; decides the masks of dropout. */
  readonly index: number;
  readonly learningRate: number;
  readonly clipNorm?: number | null;
  /** Samples whose labels are to be avoided, with the weight β of their loss. */
  readonly avoided?: BatchHandle | null;
  readonly avoidanceWeight?: number;
}

export interface StepResult {
  readonly lossSum: number;
  readonly count: number;
  readonly numCorrect: number;
  readonly numAnswers: number;
  readonly avoidanceSum: number;
  readonly avoidanceCount: number;
  /** What was minimised. */
  readonly objective: number;
  readonly gradientNorm: number;
  /**
   * False: loss or gradient were not, and nothing was changed; or a factor of the update, such as the rate, is beyond the
   * parameters' type, which leaves them anywhere.
   */
  readonly isFinite: boolean;
}

/** One of libtorch's optimizers at work on parameters and buffers of its own. */
export class Trainer extends NativeResource<TrainerHandle> {
  readonly #objective: Objective;

  private constructor(handle: TrainerHandle, objective: Objective) {
    super(handle);
    this.#objective = objective;
  }

  /** `frozen`: places of parameters that stay as they are. The state is copied. */
  static async start(
    objective: Objective,
    optimizer: TrainingOptimizer,
    { solution, steps, moments }: TrainerState,
    frozen: readonly number[] = [],
  ): Promise<Trainer> {
    const handle = await call((native) =>
      native.makeTrainer(
        objective.handle,
        optimizer.name,
        optimizerNumbers(optimizer),
        solution.theta.handle,
        solution.buffers.handle,
        steps,
        moments.map((moment) => moment.handle),
        Float64Array.from(frozen),
      ),
    );
    return new Trainer(handle, objective);
  }

  async step(batch: BatchHandle, options: StepOptions): Promise<StepResult> {
    const { index, learningRate, clipNorm, avoided = null, avoidanceWeight = 0 } = options;
    const values = await call((native) =>
      native.trainerStep(this.handle, batch, avoided, index, learningRate, clipNorm ?? 0, avoidanceWeight),
    );
    const [lossSum, count, numCorrect, numAnswers, avoidanceSum, avoidanceCount, minimised, norm, finite] =
      values as unknown as [number, number, number, number, number, number, number, number, number];
    return {
      lossSum,
      count,
      numCorrect,
      numAnswers,
      avoidanceSum,
      avoidanceCount,
      objective: minimised,
      gradientNorm: norm,
      isFinite: finite === 1,
    };
  }

  /** A copy of where it is. */
  async state(label: string): Promise<TrainerState> {
    const { theta, buffers, steps, moments } = await call((native) => native.trainerState(this.handle));
    const { model } = this.#objective;
    const vector = (handle: typeof theta) => new ParameterVector(handle, model.space);
    const solution = new Solution(label, vector(theta), new BufferState(buffers, model));
    return new TrainerState(solution, steps, moments.map(vector));
  }
}
