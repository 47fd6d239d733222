import { Dataset } from '../data/dataset.js';
import { LossAtlasError } from '../errors.js';
import { accumulate, ParameterVector } from '../model/parameter-vector.js';
import { Model } from '../model/model.js';
import type { BatchHandle, ObjectiveHandle } from '../native/addon.js';
import { call, callSync, numThreads } from '../native/call.js';
import { libtorchVersion, version } from '../native/versions.js';
import type { Mode, Provenance } from '../results.js';
import { throwIfAborted } from '../steps.js';
import {
  checkOptions,
  invalidOption,
  isInteger,
  isNumber,
  isOneOf,
  isPositive,
  isSeed,
} from '../validate.js';

const losses = ['cross-entropy', 'nll', 'mse', 'bce-with-logits', 'l1', 'huber', 'model'] as const;
/** PyTorch's losses by name; `model`: the model returns its loss. */
export type LossName = (typeof losses)[number];

export interface ObjectiveOptions {
  /** Default `cross-entropy`. */
  readonly loss?: LossName;
  /** BatchNorm and dropout: `eval` (default) or `train`. */
  readonly mode?: Mode;
  /** Samples a batch; default all in one. In train mode BatchNorm sees one batch at a time. */
  readonly batchSize?: number;
  /** Of cross-entropy, 0 to 1; default 0. */
  readonly labelSmoothing?: number;
  /** Targets of this value do not count (cross-entropy, nll); default −100. */
  readonly ignoreIndex?: number;
  /** Of the Huber loss; default 1. */
  readonly delta?: number;
  /** Of dropout in train mode; every evaluation draws the same masks. Default 0. */
  readonly seed?: number;
}

export interface Evaluation {
  readonly loss: number;
  /** Share of right answers; null where the criterion has none. */
  readonly accuracy: number | null;
}

/** The loss of a model over a data set in one mode, as a function of the parameters. */
export class Objective {
  readonly model: Model;
  readonly data: Dataset;
  readonly mode: Mode;
  readonly loss: LossName;
  readonly batchSize: number;
  readonly #handle: ObjectiveHandle;
  readonly #options: Provenance['options'];
  #batches: Promise<readonly BatchHandle[]> | undefined;
  readonly #made: BatchHandle[] = [];
  #disposed = false;

  /** Use `objective`. */
  constructor(model: Model, data: Dataset, options: ObjectiveOptions) {
    const {
      loss = 'cross-entropy',
      mode = 'eval',
      batchSize = data.numSamples,
      labelSmoothing = 0,
    } = options;
    const { ignoreIndex = -100, delta = 1, seed = 0 } = options;
    this.model = model;
    this.data = data;
    this.mode = mode;
    this.loss = loss;
    this.batchSize = Math.min(batchSize, data.numSamples);
    this.#options = Object.freeze({ batchSize: this.batchSize, labelSmoothing, ignoreIndex, delta, seed });
    this.#handle = callSync((native) =>
      native.makeObjective(model.handle, loss, labelSmoothing, ignoreIndex, delta, mode, seed),
    );
  }

  /** The native handle; for this library's own modules. */
  get handle(): ObjectiveHandle {
    return this.#handle;
  }

  get numBatches(): number {
    return Math.ceil(this.data.numSamples / this.batchSize);
  }

  /** Loss and accuracy at θ (default: the model's own parameters). */
  async evaluate(theta?: ParameterVector, signal?: AbortSignal): Promise<Evaluation> {
    const point = theta ?? (await this.model.theta());
    try {
      const [evaluation] = await this.evaluatePoints(point, [], new Float64Array(0), 1, signal);
      return evaluation!;
    } finally {
      if (theta === undefined) point.dispose();
    }
  }

  /** ∇L at θ (default: the model's own parameters), with the loss there. */
  async gradient(
    theta?: ParameterVector,
    signal?: AbortSignal,
  ): Promise<{ gradient: ParameterVector } & Evaluation> {
    const point = theta ?? (await this.model.theta());
    let sum: ParameterVector | undefined;
    const total = new EvaluationSum();
    try {
      for (const batch of await this.batches()) {
        throwIfAborted(signal);
        const step = await call((native) => native.gradient(this.#handle, point.handle, batch));
        total.add(step.evaluation, 0);
        sum = await accumulate(sum, new ParameterVector(step.vector, this.model));
      }
      const gradient = await sum!.scale(1 / total.count);
      return { gradient, ...total.mean() };
    } finally {
      sum?.dispose();
      if (theta === undefined) point.dispose();
    }
  }

  /**
   * Loss and accuracy at origin + Σᵢ coefficients[p·k + i]·directions[i] for each point p, in one pass over the data.
   */
  async evaluatePoints(
    origin: ParameterVector,
    directions: readonly ParameterVector[],
    coefficients: Float64Array,
    numPoints: number,
    signal?: AbortSignal,
  ): Promise<Evaluation[]> {
    const handles = directions.map((d) => d.handle);
    const sums = Array.from({ length: numPoints }, () => new EvaluationSum());
    for (const batch of await this.batches()) {
      throwIfAborted(signal);
      const values = await call((native) =>
        native.evaluatePoints(this.#handle, origin.handle, handles, coefficients, numPoints, batch),
      );
      sums.forEach((sum, p) => {
        sum.add(values, p);
      });
    }
    return sums.map((sum) => sum.mean());
  }

  /** The data on the model's device, made at the first use. */
  batches(): Promise<readonly BatchHandle[]> {
    this.#requireAlive();
    this.#batches ??= this.#makeBatches();
    return this.#batches;
  }

  async #makeBatches(): Promise<readonly BatchHandle[]> {
    for (let start = 0; start < this.data.numSamples; start += this.batchSize) {
      this.#requireAlive();
      const part = this.data.slice(start, start + this.batchSize);
      const targets = part.targets === null ? [] : [part.targets];
      try {
        this.#made.push(await call((native) => native.makeBatch(this.model.handle, part.inputs, targets)));
      } catch (error) {
        if (!(error instanceof LossAtlasError) || this.numBatches === 1) throw error;
        const where = `${this.data.name}, batch of samples ${start} to ${start + part.numSamples - 1}`;
        throw new LossAtlasError(error.code, `${where}: ${error.message}`, { cause: error });
      }
    }
    if (this.#disposed) this.#freeBatches();
    this.#requireAlive();
    return this.#made;
  }

  #freeBatches(): void {
    for (const batch of this.#made.splice(0)) {
      callSync((native) => {
        native.dispose(batch);
      });
    }
  }

  #requireAlive(): void {
    if (!this.#disposed) return;
    throw new LossAtlasError('ERR_DISPOSED', 'The objective was disposed of and cannot be used any more.');
  }

  /** Everything that a result says about where it came from. `startedAt` is a `performance.now()`. */
  async provenance(startedAt: number, point: Provenance['point'] = 'model'): Promise<Provenance> {
    const seconds = (performance.now() - startedAt) / 1000;
    return Object.freeze({
      model: this.model.name,
      data: this.data.name,
      numSamples: this.data.numSamples,
      numBatches: this.numBatches,
      numParameters: this.model.size,
      preprocessing: this.data.preprocessing,
      criterion: this.loss,
      options: this.#options,
      point,
      mode: this.mode,
      dtype: this.model.dtype,
      device: this.model.device,
      numThreads: await numThreads(),
      versions: Object.freeze({
        lossatlas: version(),
        libtorch: libtorchVersion(),
        node: process.versions.node,
      }),
      startedAt: new Date(Date.now() - seconds * 1000).toISOString(),
      durationSeconds: seconds,
    });
  }

  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    callSync((native) => {
      native.dispose(this.#handle);
    });
    this.#freeBatches();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

/**
 * The loss of `model` over `data`.
 *
 *     using loss = objective(model, data, { loss: 'cross-entropy', mode: 'eval', batchSize: 256 });
 *     const { loss: value, accuracy } = await loss.evaluate();
 *
 * Throws ERR_INVALID_OPTION, ERR_MODE_BAKED_IN; its analyses throw ERR_FORWARD, ERR_CRITERION, ERR_LABEL_RANGE,
 * ERR_INVALID_DATA where model, data and criterion do not fit.
 */
export function objective(model: Model, data: Dataset, options: ObjectiveOptions = {}): Objective {
  if (!(model instanceof Model)) throw invalidOption('objective: model', 'a Model (of loadModel)', model);
  if (!(data instanceof Dataset))
    throw invalidOption('objective: data', 'a Dataset (of dataset or loadNpz)', data);
  checkOptions('objective', options, {
    loss: isOneOf(...losses),
    mode: isOneOf('eval', 'train'),
    batchSize: isInteger(1),
    labelSmoothing: isNumber(0, 1),
    ignoreIndex: isInteger(-(2 ** 31), 2 ** 31 - 1),
    delta: isPositive,
    seed: isSeed,
  });
  return new Objective(model, data, options);
}

/** A mean over nothing has no value. */
export function requireCount(count: number): void {
  if (count > 0) return;
  throw new LossAtlasError(
    'ERR_EMPTY_DATA',
    'Every target of the data is ignoreIndex, so nothing counts. Check ignoreIndex.',
  );
}

/** Sums of batches, float64; see `evaluatePoints` of the addon for the four numbers. */
class EvaluationSum {
  count = 0;
  #loss = 0;
  #correct = 0;
  #answers = 0;

  add(values: Float64Array, point: number): void {
    this.#loss += values[4 * point]!;
    this.count += values[4 * point + 1]!;
    this.#correct += values[4 * point + 2]!;
    this.#answers += values[4 * point + 3]!;
  }

  mean(): Evaluation {
    requireCount(this.count);
    return {
      loss: this.#loss / this.count,
      accuracy: this.#answers > 0 ? this.#correct / this.#answers : null,
    };
  }
}
