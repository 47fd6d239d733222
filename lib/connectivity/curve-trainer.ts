import { namedDraws } from '../data/random.js';
import { requireBatchSizes } from '../model/exported-program/batch-size.js';
import type { Model } from '../model/model.js';
import { ParameterVector } from '../model/parameter-vector.js';
import type { Solution } from '../model/solution.js';
import type { BatchHandle } from '../native/addon.js';
import { call, freeHandle } from '../native/call.js';
import { EvaluationSum } from '../objective/evaluation.js';
import type { Objective } from '../objective/objective.js';
import { prefetched } from '../objective/prefetch.js';
import type { ConnectionTraining, CurveTraining } from '../results.js';
import { throwIfAborted, type Steps } from '../steps.js';
import { SampleBatches } from '../training/sample-batches.js';
import { EndlessBatches } from '../training/sample-order.js';
import { learningRateOf } from '../training/schedule.js';
import { curveWeights, type CurveKind } from './curve.js';
import { CurveOptimizer } from './curve-optimizer.js';

/** A curve under training: its control points with all that the next step depends on. */
export interface CurveState {
  readonly kind: Exclude<CurveKind, 'linear'>;
  /** θ: P₁ … P_m one after the other. */
  readonly optimizer: CurveOptimizer;
  /** Of each step that was made. */
  readonly losses: number[];
  divergedAt: number | null;
}

/** Both minima as numbers. */
export interface CurveEnds {
  readonly from: Float64Array;
  readonly to: Float64Array;
}

/** Control points along the straight line, at equal distances. */
export function straightPoints({ from, to }: CurveEnds, numBends: number): Float64Array {
  const n = from.length;
  return Float64Array.from({ length: numBends * n }, (_, i) => {
    const t = (Math.floor(i / n) + 1) / (numBends + 1);
    return (1 - t) * from[i % n]! + t * to[i % n]!;
  });
}

/** Where on the curve a step is made: uniform on [0, 1), by seed and number of the step. */
export function curveTime(seed: number, step: number): number {
  return namedDraws(`t of step ${step}`, seed)();
}

/** Minimises E_t L(φ(t)), t uniform on [0, 1], over the control points (Garipov et al. 2018, section 3.2). */
export class CurveTrainer {
  readonly #objective: Objective;
  readonly #start: Solution;
  readonly #ends: CurveEnds;
  readonly #settings: ConnectionTraining;
  readonly #seed: number;
  readonly #batches: SampleBatches;

  /** `objective`: in the mode of training. `start`: whose running statistics go along unused in train mode. */
  constructor(
    objective: Objective,
    start: Solution,
    ends: CurveEnds,
    settings: ConnectionTraining,
    seed: number,
  ) {
    this.#objective = objective;
    this.#start = start;
    this.#ends = ends;
    this.#settings = settings;
    this.#seed = seed;
    this.#batches = new SampleBatches(objective.model, objective.data, objective.dataPlacement);
  }

  /** Up to the last step, or until it diverges. `save` is called after every step. */
  async train(state: CurveState, progress: Steps, save: () => Promise<void>): Promise<void> {
    const { steps, batchSize, optimizer, schedule } = this.#settings;
    const first = state.losses.length;
    progress.restore(state.divergedAt === null ? first : steps);
    if (state.divergedAt !== null) return;
    const { numSamples } = this.#objective.data;
    requireBatchSizes(
      this.#objective.model,
      [Math.min(batchSize, numSamples)],
      'a step',
      "choose option 'batchSize' so",
    );
    const order = { numSamples, batchSize, seed: this.#seed, shuffle: true, what: 'curves' };
    const endless = new EndlessBatches(order);
    const read = async (i: number, stop: AbortSignal) => {
      const numbers = endless.batch(first + i);
      return { numbers, part: await this.#batches.read(numbers, stop) };
    };
    for await (const [i, { numbers, part }] of prefetched(steps - first, read)) {
      throwIfAborted(progress.signal);
      const index = first + i;
      const batch = await this.#batches.batch(numbers, index, part);
      try {
        const rate = learningRateOf(optimizer.lr, schedule, index);
        if (!(await this.#step(state, batch, index, rate))) {
          state.divergedAt = index + 1;
          progress.advance(steps - index);
          return;
        }
      } finally {
        freeHandle(batch);
      }
      await save();
      progress.advance();
    }
  }

  /** False where loss, gradient or the new point are not finite; the point is then that of before. */
  async #step(state: CurveState, batch: BatchHandle, index: number, rate: number): Promise<boolean> {
    const { theta } = state.optimizer;
    const n = this.#ends.from.length;
    const numBends = theta.length / n;
    const weights = curveWeights(state.kind, numBends, curveTime(this.#seed, index));
    const point = pointOn(this.#ends, theta, weights);
    const { loss, gradient } = await this.#gradientAt(point, batch);
    // ‖φ‖²/2 of the point on the curve, as Garipov's programs have it.
    const { weightDecay } = this.#settings.optimizer;
    const full = new Float64Array(theta.length);
    let isFinite = Number.isFinite(loss);
    for (let i = 0; i < n; i++) {
      const slope = gradient[i]! + weightDecay * point[i]!;
      isFinite &&= Number.isFinite(slope);
      for (let k = 0; k < numBends; k++) full[k * n + i] = weights[k + 1]! * slope;
    }
    if (!isFinite) return false;
    const before = theta.slice();
    state.optimizer.step(full, rate);
    // What the model's type cannot hold is infinite there, and what it cannot square has neither length nor plane.
    const largest = Math.sqrt(this.#objective.model.dtype === 'float64' ? Number.MAX_VALUE : largestFloat32);
    if (!theta.every((value) => Math.abs(value) <= largest)) {
      theta.set(before);
      return false;
    }
    state.losses.push(loss);
    return true;
  }

  async #gradientAt(
    point: Float64Array,
    batch: BatchHandle,
  ): Promise<{ loss: number; gradient: Float64Array }> {
    const model: Model = this.#objective.model;
    using theta = await model.vector(point);
    const { evaluation, vector } = await call((native) =>
      native.gradient(this.#objective.handle, theta.handle, this.#start.buffers.handle, batch),
    );
    using sum = new ParameterVector(vector, model.space);
    const total = new EvaluationSum(this.#objective.metricNames);
    total.add(evaluation, 0);
    const { loss } = total.mean();
    const gradient = await sum.toArray();
    for (let i = 0; i < gradient.length; i++) gradient[i]! /= total.count;
    return { loss, gradient };
  }

  dispose(): void {
    this.#batches.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

const largestFloat32 = (2 - 2 ** -23) * 2 ** 127;

/** Σ cₖPₖ */
function pointOn({ from, to }: CurveEnds, theta: Float64Array, weights: Float64Array): Float64Array {
  const n = from.length;
  const [first, last] = [weights[0]!, weights.at(-1)!];
  const point = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    let sum = first * from[i]! + last * to[i]!;
    for (let k = 1; k < weights.length - 1; k++) sum += weights[k]! * theta[(k - 1) * n + i]!;
    point[i] = sum;
  }
  return point;
}

/** More blocks than these are no better to read. */
const maxBlocks = 200;

/** A training in figures. */
export function describeTraining({ losses, divergedAt }: CurveState): CurveTraining {
  const blockSteps = Math.max(1, Math.ceil(losses.length / maxBlocks));
  const loss = Float64Array.from({ length: Math.ceil(losses.length / blockSteps) }, (_, block) => {
    const part = losses.slice(block * blockSteps, (block + 1) * blockSteps);
    return part.reduce((sum, value) => sum + value, 0) / part.length;
  });
  return Object.freeze({ numSteps: losses.length, divergedAt, loss, blockSteps });
}
