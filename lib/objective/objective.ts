import { Dataset } from '../data/dataset.js';
import { LossAtlasError } from '../errors.js';
import { combineBuffers, type BufferState } from '../model/buffer-state.js';
import { accumulate, combine, ParameterVector } from '../model/parameter-vector.js';
import { Model } from '../model/model.js';
import type { BatchHandle, MetricHandle, ObjectiveHandle } from '../native/addon.js';
import { call, callSync, freeHandle, numThreads } from '../native/call.js';
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
  isString,
  type Check,
} from '../validate.js';
import { Batches, type DataPlacement } from './batches.js';
import { EvaluationSum, type Evaluation } from './evaluation.js';
import { hasAccuracy, isLossChoice, Loss, lossText, type LossChoice } from './loss.js';
import { isMetricList, metricHandle, metricName, Metric, type MetricChoice } from './metric.js';
import { Recalibration } from './recalibration.js';
import { Subspace, type ReducedPrecision, type Span } from './subspace.js';

export interface ObjectiveOptions {
  /** PyTorch's by name, default `cross-entropy`; `model`: the model returns its loss; or a Loss (of loadLoss). */
  readonly loss?: LossChoice;
  /**
   * BatchNorm and dropout: `eval` (default); `train` (statistics of each batch); `recalibrate` (eval, with running
   * statistics recomputed from the data at every point).
   */
  readonly mode?: Mode;
  /**
   * Which tensor of a model with several outputs the loss is taken of: the index in a tuple or list, or the name in a
   * dictionary. Default the tensor itself, or the first of a tuple or list.
   */
  readonly output?: number | string;
  /** Measured besides loss and accuracy: `error` (1 − accuracy), `top-5`, or a Metric (of loadMetric). */
  readonly metrics?: readonly MetricChoice[];
  /** Samples a batch; default all in one. In train mode BatchNorm sees one batch at a time. */
  readonly batchSize?: number;
  /** Where the data lies between two uses; default `held` on the model's device if it fits. */
  readonly dataPlacement?: DataPlacement;
  /** Of cross-entropy, 0 to 1; default 0. */
  readonly labelSmoothing?: number;
  /** Targets of this value do not count (cross-entropy, nll); default −100. */
  readonly ignoreIndex?: number;
  /** Of the Huber loss; default 1. */
  readonly delta?: number;
  /** Of dropout in train mode: every batch has masks of its own, the same ones at every point. Default 0. */
  readonly seed?: number;
}

/** Points origin + Σᵢ coefficients[p·k + i]·directions[i]; running statistics likewise where they are given. */
export interface PointSet extends Span {
  readonly coefficients: Float64Array;
  readonly numPoints: number;
}

/** The loss of a model over a data set in one mode, as a function of the parameters. */
export class Objective {
  readonly model: Model;
  readonly data: Dataset;
  readonly mode: Mode;
  /** Its name; of one's own with the hash of its file. */
  readonly loss: string;
  /** Names of the metrics, in the order of the option. */
  readonly metricNames: readonly string[];
  readonly #batches: Batches;
  readonly #handle: ObjectiveHandle;
  readonly #given: ObjectiveOptions;
  readonly #options: Provenance['options'];
  readonly #ownedMetrics: readonly MetricHandle[];
  #recalibration: Promise<Recalibration | null> | undefined;
  #prepared: Recalibration | undefined;
  #disposed = false;

  /** Use `objective`. */
  constructor(model: Model, data: Dataset, options: ObjectiveOptions) {
    const { loss = 'cross-entropy', mode = 'eval', metrics = [] } = options;
    const {
      batchSize = data.numSamples,
      labelSmoothing = 0,
      ignoreIndex = -100,
      delta = 1,
      seed = 0,
    } = options;
    this.#given = { ...options };
    this.model = model;
    this.data = data;
    this.mode = mode;
    this.loss = lossText(loss);
    this.metricNames = metrics.map(metricName);
    if (mode === 'recalibrate') requireFreeMode(model);
    this.#batches = new Batches(model, data, batchSize, options.dataPlacement);
    this.#options = Object.freeze({
      batchSize: this.#batches.batchSize,
      labelSmoothing,
      ignoreIndex,
      delta,
      seed,
      output: options.output === undefined ? '' : String(options.output),
      metrics: Object.freeze(
        metrics.map((m) => (m instanceof Metric ? `${m.name} (sha256:${m.hash.slice(0, 16)})` : m)),
      ),
    });
    if (metrics.includes('error') && !hasAccuracy(loss)) {
      const expected = `free of 'error' for the loss '${this.loss}', which has no accuracy`;
      throw invalidOption("objective: option 'metrics'", expected, metrics);
    }
    const handles = metrics.flatMap((choice) => metricHandle(choice, ignoreIndex));
    this.#ownedMetrics = handles.filter(({ owned }) => owned).map(({ handle }) => handle);
    try {
      this.#handle = callSync((native) =>
        native.makeObjective(
          model.handle,
          loss instanceof Loss ? 'scripted' : loss,
          labelSmoothing,
          ignoreIndex,
          delta,
          mode === 'train' ? 'train' : 'eval',
          seed,
          handles.map(({ handle }) => handle),
          options.output ?? null,
          loss instanceof Loss ? loss.handle : null,
          loss instanceof Loss && loss.reduction === 'sum',
        ),
      );
    } catch (error) {
      this.#ownedMetrics.forEach(freeHandle);
      throw error;
    }
  }

  /** The native handle; for this library's own modules. */
  get handle(): ObjectiveHandle {
    return this.#handle;
  }

  /** The same loss with other options, or on other data; for this library's own modules. */
  variant(changes: ObjectiveOptions, data: Dataset = this.data): Objective {
    return new Objective(this.model, data, { ...this.#given, ...changes });
  }

  get batchSize(): number {
    return this.#batches.batchSize;
  }
  get numBatches(): number {
    return this.#batches.count;
  }
  /** Targets of this value do not count. */
  get ignoreIndex(): number {
    return this.#options.ignoreIndex;
  }
  get dataPlacement(): DataPlacement {
    return this.#batches.placement;
  }
  /** Bytes that all samples take on the model's device. */
  get dataBytes(): number {
    return this.#batches.bytes;
  }
  /** All samples lie there now: with `held`, from the first use on. */
  get dataIsHeld(): boolean {
    return this.#batches.areHeld;
  }

  /** Loss, accuracy and metrics at θ (default: the model's own parameters), with these buffers (default: its own). */
  async evaluate(
    theta?: ParameterVector,
    signal?: AbortSignal,
    buffers: BufferState | null = null,
  ): Promise<Evaluation> {
    const origin = theta ?? (await this.model.theta());
    const point = { origin, buffers, directions: [], coefficients: new Float64Array(0), numPoints: 1 };
    try {
      const [evaluation] = await this.evaluatePoints(point, signal);
      return evaluation!;
    } finally {
      if (theta === undefined) origin.dispose();
    }
  }

  /**
   * ∇L at θ (default: the model's own parameters), with loss, accuracy and metrics there. In mode `recalibrate` the
   * statistics are those of θ, held fixed.
   */
  async gradient(
    theta?: ParameterVector,
    signal?: AbortSignal,
    buffers: BufferState | null = null,
  ): Promise<{ gradient: ParameterVector } & Evaluation> {
    const point = theta ?? (await this.model.theta());
    let sum: ParameterVector | undefined;
    let state: BufferState | null = null;
    const total = new EvaluationSum(this.metricNames);
    try {
      state = await this.statisticsAt(point, buffers, signal);
      const used = state ?? buffers;
      for await (const batch of this.batches()) {
        throwIfAborted(signal);
        const step = await call((native) =>
          native.gradient(this.#handle, point.handle, used?.handle ?? null, batch),
        );
        total.add(step.evaluation, 0);
        sum = await accumulate(sum, new ParameterVector(step.vector, this.model.space));
      }
      const evaluation = total.mean();
      const gradient = await sum!.scale(1 / total.count);
      return { gradient, ...evaluation };
    } finally {
      sum?.dispose();
      state?.dispose();
      if (theta === undefined) point.dispose();
    }
  }

  /** Loss, accuracy and metrics at each point, in one pass over the data. */
  async evaluatePoints(points: PointSet, signal?: AbortSignal): Promise<Evaluation[]> {
    using subspace = this.subspace(points);
    return await this.evaluateIn(subspace, points, signal);
  }

  /** To evaluate points of one span in several calls; for this library's own modules. */
  subspace(span: Span, precision: ReducedPrecision | null = null, pointsAtOnce = 1): Subspace {
    return new Subspace(this.#handle, span, precision, pointsAtOnce);
  }

  /** `evaluatePoints` with points of `subspace`; `oneByOne` even where it takes several at once. For this library's own modules. */
  async evaluateIn(
    subspace: Subspace,
    points: PointSet,
    signal?: AbortSignal,
    oneByOne = false,
  ): Promise<Evaluation[]> {
    if (this.mode === 'recalibrate') return this.#evaluateRecalibrated(points, subspace.precision, signal);
    const { coefficients, numPoints } = points;
    const sums = Array.from({ length: numPoints }, () => new EvaluationSum(this.metricNames));
    for await (const batch of this.batches()) {
      throwIfAborted(signal);
      const values = await call((native) =>
        native.evaluatePoints(subspace.handle, coefficients, numPoints, batch, oneByOne),
      );
      sums.forEach((sum, p) => {
        sum.add(values, p);
      });
    }
    return sums.map((sum) => sum.mean());
  }

  /** One point of a set, as a vector. */
  async pointAt({ origin, directions, coefficients }: PointSet, index: number): Promise<ParameterVector> {
    const k = directions.length;
    return combine([origin, ...directions], [1, ...coefficients.subarray(index * k, (index + 1) * k)]);
  }

  /** Its buffers, to be disposed of; null where the set has no directions for them. */
  async buffersAt(points: PointSet, index: number): Promise<BufferState | null> {
    const { buffers, bufferDirections = [], coefficients } = points;
    if (bufferDirections.length === 0 || !buffers) return null;
    const k = bufferDirections.length;
    const weights = coefficients.subarray(index * k, (index + 1) * k);
    return combineBuffers([buffers, ...bufferDirections], [1, ...weights]);
  }

  /**
   * In mode `recalibrate` the buffers with running statistics of θ, to be disposed of; in other modes, and where the
   * model has no such statistics, null.
   */
  async statisticsAt(
    theta: ParameterVector,
    buffers: BufferState | null = null,
    signal?: AbortSignal,
  ): Promise<BufferState | null> {
    if (this.mode !== 'recalibrate') return null;
    const forwardFrom = (at: ParameterVector) => async (from: BufferState, batch: BatchHandle) =>
      call((native) => native.forwardBuffers(this.#handle, at.handle, from.handle, batch));
    this.#recalibration ??= (async () => {
      using own = await this.model.theta();
      for await (const batch of this.batches())
        return this.#keep(await Recalibration.prepare(this.model, forwardFrom(own), batch));
      return null;
    })();
    let recalibration: Recalibration | null;
    try {
      recalibration = await this.#recalibration;
    } catch (error) {
      this.#recalibration = undefined;
      throw error;
    }
    if (recalibration === null) return null;
    if (buffers !== null) return recalibration.compute(buffers, forwardFrom(theta), this.batches(), signal);
    using own = await this.model.bufferState();
    return await recalibration.compute(own, forwardFrom(theta), this.batches(), signal);
  }

  #keep(recalibration: Recalibration | null): Recalibration | null {
    if (this.#disposed) recalibration?.dispose();
    else this.#prepared = recalibration ?? undefined;
    return recalibration;
  }

  /** The data on the model's device, batch by batch; a batch is valid until the next one is asked for. */
  batches(): AsyncIterable<BatchHandle> {
    return this.#batches.each();
  }

  /** The first samples as a batch of their own, to be freed; for this library's own modules. */
  async firstSamples(numSamples: number): Promise<BatchHandle> {
    return await this.#batches.first(numSamples);
  }

  /** A batch that begins with this sample, likewise. */
  async batchFrom(start: number): Promise<BatchHandle> {
    return await this.#batches.samples(start, this.batchSize);
  }

  async #evaluateRecalibrated(
    points: PointSet,
    precision: ReducedPrecision | null,
    signal?: AbortSignal,
  ): Promise<Evaluation[]> {
    const out: Evaluation[] = [];
    for (let p = 0; p < points.numPoints; p++) {
      using theta = await this.pointAt(points, p);
      using base = await this.buffersAt(points, p);
      const given = base ?? points.buffers ?? null;
      using state = await this.statisticsAt(theta, given, signal);
      const used = state ?? given;
      using subspace = this.subspace({ origin: theta, buffers: used, directions: [] }, precision);
      const sum = new EvaluationSum(this.metricNames);
      for await (const batch of this.batches()) {
        throwIfAborted(signal);
        const at = new Float64Array(0);
        sum.add(await call((native) => native.evaluatePoints(subspace.handle, at, 1, batch, true)), 0);
      }
      out.push(sum.mean());
    }
    return out;
  }

  /** Everything that a result says about where it came from. `startedAt` is a `performance.now()`. */
  async provenance(
    startedAt: number,
    point = 'model',
    operator: string | null = null,
    plan: string | null = null,
  ): Promise<Provenance> {
    const seconds = (performance.now() - startedAt) / 1000;
    return Object.freeze({
      model: this.model.name,
      modelHash: this.model.hash,
      data: this.data.name,
      dataHash: this.data.hash,
      numSamples: this.data.numSamples,
      numBatches: this.numBatches,
      numParameters: this.model.size,
      preprocessing: this.data.preprocessing,
      criterion: this.loss,
      options: this.#options,
      point,
      operator,
      plan,
      mode: this.mode,
      dtype: this.model.computeDtype,
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
    [this.#handle, ...this.#ownedMetrics].forEach(freeHandle);
    this.#batches.dispose();
    this.#prepared?.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

/** Recalibration runs the model in both modes. */
function requireFreeMode(model: Model): void {
  if (model.fixedMode === null) return;
  throw new LossAtlasError(
    'ERR_MODE_BAKED_IN',
    `mode 'recalibrate' needs both modes, but ${model.name} was traced and its graph fixes ${model.fixedMode} mode. ` +
      `Export it with torch.jit.script, or load it with tracedMode: 'free' if none of its own code asks for self.training.`,
  );
}

export const objectiveChecks = {
  loss: isLossChoice,
  mode: isOneOf('eval', 'train', 'recalibrate'),
  output: (v) => (isString(v) === null || isInteger(0)(v) === null ? null : 'an index from 0, or a name'),
  metrics: isMetricList,
  dataPlacement: isOneOf('held', 'streamed'),
  batchSize: isInteger(1),
  labelSmoothing: isNumber(0, 1),
  ignoreIndex: isInteger(-(2 ** 31), 2 ** 31 - 1),
  delta: isPositive,
  seed: isSeed,
} as const satisfies Record<keyof ObjectiveOptions, Check>;

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
  checkOptions('objective', options, objectiveChecks);
  return new Objective(model, data, options);
}
