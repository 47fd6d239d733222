import { LossAtlasError } from '../errors.js';
import type { BufferState } from '../model/buffer-state.js';
import { isPatterns } from '../model/parameter-names.js';
import { ParameterSpace, subspace } from '../model/parameter-space.js';
import { combine, disposeAll, ParameterVector } from '../model/parameter-vector.js';
import { Solution } from '../model/solution.js';
import type { BatchHandle, CurvatureGraph, SampleIndependence } from '../native/addon.js';
import { call, freeHandle, numThreads } from '../native/call.js';
import { requireCount } from '../objective/evaluation.js';
import { Objective } from '../objective/objective.js';
import type { Provenance } from '../results.js';
import { throwIfAborted } from '../steps.js';
import {
  checkOptions,
  isBoolean,
  isNumber,
  isPositive,
  requireInstance,
  type Check,
  invalidOption,
} from '../validate.js';
import { eachPart, ofPart, partsOf, type BatchPart } from './batch-parts.js';
import { GroupQueue } from './group-queue.js';
import type { LinearOperator } from './linear-operator.js';
import { fastestPlan } from './plan-trial.js';
import {
  candidatePlans,
  defaultPlan,
  describePlan,
  givenPlan,
  isPlanChoice,
  type PlanBasis,
  type PlanChoice,
  type ProductPlan,
} from './product-plan.js';
import { ProductSum } from './product-sum.js';
import { othersMadeAnew, RetainedGraphs, type GraphGroup, type PartGraph } from './retained-graphs.js';

/** Options that every curvature matrix has. */
export interface CurvatureOptions {
  /** The point θ, or a solution with its running statistics; default the model's own. It must outlive the operator. */
  readonly at?: ParameterVector | Solution;
  /** Names or patterns (`layer4.*`): the block of these parameters alone. Default all. */
  readonly parameters?: readonly string[];
  /** λ of the term λ/2·‖θ‖² (PyTorch's weight_decay), which adds λ·v to every product. Default 0. */
  readonly weightDecay?: number;
  /**
   * Bytes that retained graphs may take; batches beyond it are recomputed for every product (1.5 × the time).
   * Default: half of the memory that this process may still take on the host; 4 GB on a GPU.
   */
  readonly memoryBudget?: number;
  /**
   * Run several vectors in one pass (vmap). Default: on the CPU where a batch's graph takes at most 2 MB, which is 1.1 to
   * 1.6 times as fast; beyond 5 MB nothing is gained.
   */
  readonly batched?: boolean;
  /**
   * How the samples of a product are divided: `default`, by a rule that is the same in every run; `trial`, the fastest of
   * a few, timed before the first product; `{ chunk, workers }`, graphs of so many samples, so many at once on one thread
   * each. Results differ by rounding alone, and say in their provenance which it was.
   */
  readonly plan?: PlanChoice;
}

/** Which matrix. */
export type CurvatureMatrix =
  | { readonly kind: 'hessian' }
  | { readonly kind: 'gauss-newton' | 'empirical-fisher' }
  | { readonly kind: 'monte-carlo-fisher'; readonly samples: number; readonly seed: number };

/** Measured on three nets with 2 to 512 samples: up to here one pass for several vectors is faster on the CPU. */
const smallGraph = 2e6;

/** Retained graphs of one native call, for each worker: it can be aborted between two. */
const graphsPerWorker = 4;

/** What tells samples that do not mix from those that do. */
const numSamplesToCheck = 16;

/**
 * A curvature matrix of an objective, as the sample-weighted mean over the batches of the whole data set: exact, not an
 * average of noisy batches. Use `hessian`, `gaussNewton`, `empiricalFisher` or `monteCarloFisher`.
 */
export class CurvatureOperator implements LinearOperator {
  readonly objective: Objective;
  readonly matrix: CurvatureMatrix;
  readonly space: ParameterSpace;
  readonly weightDecay: number;
  readonly label: string;
  readonly #options: CurvatureOptions;
  readonly #graphs: RetainedGraphs;
  #plan: Promise<ProductPlan> | undefined;
  #takesBlocks: boolean | undefined;
  #theta: Promise<ParameterVector> | undefined;
  /** In mode `recalibrate`: the running statistics of θ. */
  #statistics: Promise<BufferState | null> | undefined;
  #disposed = false;

  constructor(objective: Objective, matrix: CurvatureMatrix, options: CurvatureOptions) {
    const { parameters, weightDecay = 0, memoryBudget, batched } = options;
    const { model } = objective;
    this.objective = objective;
    this.matrix = matrix;
    this.space = parameters === undefined ? model.space : subspace(model, parameters);
    this.weightDecay = weightDecay;
    this.label =
      describeMatrix(matrix) +
      (parameters === undefined ? '' : ` of ${parameters.join(', ')}`) +
      (weightDecay === 0 ? '' : ` + ${weightDecay}·I`);
    this.#options = options;
    this.#takesBlocks = batched;
    this.#graphs = new RetainedGraphs(
      memoryBudget ?? (model.device === 'cpu' ? process.availableMemory() / 2 : 4e9),
    );
  }

  get size(): number {
    return this.space.size;
  }
  /** Bytes that retained graphs may take. */
  get memoryBudget(): number {
    return this.#graphs.budget;
  }
  /** Bytes that the retained graphs take. */
  get retainedBytes(): number {
    return this.#graphs.bytes;
  }

  async apply(vectors: readonly ParameterVector[], signal?: AbortSignal): Promise<ParameterVector[]> {
    if (!Array.isArray(vectors) || !vectors.every((v) => v instanceof ParameterVector))
      throw invalidOption('apply: vectors', 'an array of ParameterVectors', vectors);
    const theta = await this.#point();
    const { workers } = await this.plan();
    const sum = new ProductSum(this.space, vectors);
    const products: ParameterVector[] = [];
    try {
      for await (const { graphs, isKept } of this.#groups(theta)) {
        throwIfAborted(signal);
        await sum.add(graphs, { keep: isKept, batched: this.#takesBlocks!, workers });
      }
      requireCount(sum.count);
      for (const [i, v] of vectors.entries()) {
        products.push(
          this.weightDecay === 0
            ? await combine([sum.of(i)], [1 / sum.count])
            : await combine([sum.of(i), v], [1 / sum.count, this.weightDecay]),
        );
      }
      return products;
    } catch (error) {
      disposeAll(products);
      throw error;
    } finally {
      sum.dispose();
    }
  }

  async takesBlocks(): Promise<boolean> {
    if (this.#takesBlocks === undefined) {
      // The first graph says so.
      for await (const group of this.#groups(await this.#point())) {
        if (group.graphs.length > 0) break;
      }
    }
    return this.#takesBlocks ?? false;
  }

  /** How products are computed: decided once, at the latest before the first. */
  async plan(): Promise<ProductPlan> {
    this.#plan ??= this.#choosePlan();
    try {
      return await this.#plan;
    } catch (error) {
      this.#plan = undefined;
      throw error;
    }
  }

  /**
   * The plan of a run that is gone on with, unless the options fix another or products were made already. For this
   * library's own modules.
   */
  resumePlan(plan: ProductPlan): void {
    if (typeof this.#options.plan !== 'object') this.#plan ??= this.#choosePlan(plan);
  }

  async provenance(startedAt: number): Promise<Provenance> {
    const { at } = this.#options;
    const point = at === undefined ? 'model' : at instanceof ParameterVector ? 'given vector' : at.label;
    const plan = describePlan(await this.plan());
    return this.objective.provenance(startedAt, point, this.label, plan);
  }

  /** The buffers that belong to θ; null: the model's own. */
  get buffers(): BufferState | null {
    const { at } = this.#options;
    return at instanceof Solution ? at.buffers : null;
  }

  /** θ, and the buffers there where they are not the model's own. The operator keeps both. */
  async place(): Promise<{ readonly theta: ParameterVector; readonly buffers: BufferState | null }> {
    const theta = await this.#point();
    return { theta, buffers: await this.#buffers(theta) };
  }

  /**
   * Samples of the smallest part that has a loss of its own: 1, or a whole batch where samples see each other. For this
   * library's own modules.
   */
  async smallestPart(): Promise<number> {
    return (await this.#choosePlan({ chunk: 1 })).chunk;
  }

  /** Lets go of retained graphs: the next product runs the model anew. */
  forget(): void {
    this.#graphs.forget();
  }

  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.forget();
    for (const pending of [this.#theta, this.#statistics]) {
      pending?.then(
        (resource) => resource?.dispose(),
        () => undefined,
      );
    }
    if (this.space !== this.objective.model.space) this.space.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  async #point(): Promise<ParameterVector> {
    if (this.#disposed)
      throw new LossAtlasError('ERR_DISPOSED', 'The operator was disposed of and cannot be used any more.');
    const { at } = this.#options;
    if (at !== undefined) return at instanceof ParameterVector ? at : at.theta;
    this.#theta ??= this.objective.model.theta();
    try {
      return await this.#theta;
    } catch (error) {
      this.#theta = undefined;
      throw error;
    }
  }

  /**
   * The graphs in the order of the samples, some at a time: those that are retained, or as many as are multiplied at once.
   * A group lives until the next one is asked for.
   */
  async *#groups(theta: ParameterVector): AsyncGenerator<GraphGroup, void, undefined> {
    const { chunk, workers } = await this.plan();
    const groupSize = (isKept: boolean) => (isKept && workers > 1 ? graphsPerWorker : 1) * workers;
    const parts = partsOf(this.objective, chunk);
    if (this.#graphs.holdAll(parts.length)) {
      yield* this.#graphs.groups(groupSize(true));
      return;
    }
    const groups = new GroupQueue(groupSize);
    try {
      for await (const { batch, part, index } of eachPart(this.objective, chunk)) {
        let graph = this.#graphs.at(index);
        if (!graph) {
          graph = await this.#buildPart(batch, part, theta);
          this.#takesBlocks ??= this.objective.model.device === 'cpu' && graph.bytes <= smallGraph;
          const others = othersMadeAnew(index, parts.length, workers);
          if (!this.#disposed) this.#graphs.offer(index, graph, others);
        }
        groups.add(graph, this.#graphs.at(index) === graph);
        yield* groups.takeFull();
      }
      groups.close();
      yield* groups.takeFull();
    } finally {
      groups.clear();
    }
  }

  async #buildPart(batch: BatchHandle, part: BatchPart, theta: ParameterVector): Promise<PartGraph> {
    const buffers = await this.#buffers(theta);
    return ofPart(batch, part, async (samples) => {
      const { graph, evaluation, graphBytes } = await this.#buildGraph(samples, theta, buffers);
      return { graph, count: evaluation[1]!, bytes: graphBytes };
    });
  }

  async #choosePlan(choice: PlanChoice = this.#options.plan ?? 'default'): Promise<ProductPlan> {
    const { objective, matrix, space } = this;
    const { model, batchSize, numBatches } = objective;
    const { theta, buffers } = await this.place();
    const first = await objective.firstSamples(Math.min(numSamplesToCheck, batchSize));
    let found: SampleIndependence;
    try {
      found = await call((native) =>
        native.sampleIndependence(objective.handle, theta.handle, buffers?.handle ?? null, first),
      );
    } finally {
      freeHandle(first);
    }
    const basis: PlanBasis = {
      batchSize,
      numBatches,
      numThreads: await numThreads(),
      size: space.size,
      isOnHost: model.device === 'cpu',
      // Targets are drawn for a batch as a whole.
      isDivisible: found.independent && matrix.kind !== 'monte-carlo-fisher',
      bytesPerSample: found.bytesPerSample,
      largestBytesPerSample: found.largestBytesPerSample,
      budget: this.memoryBudget,
    };
    if (choice === 'default') return defaultPlan(basis);
    if (choice === 'trial') {
      return fastestPlan(candidatePlans(basis), {
        objective,
        space,
        budget: this.memoryBudget,
        build: (batch, part) => this.#buildPart(batch, part, theta),
      });
    }
    return givenPlan(choice, basis);
  }

  /**
   * Bytes of a graph of the first samples, and of the most that making it and multiplying takes; `keep`: for a graph
   * that is retained. Nothing of it is kept. For this library's own modules.
   */
  async sampleMemory(
    numSamples: number,
    numVectors: number,
    keep: boolean,
  ): Promise<{ readonly graphBytes: number; readonly peakBytes: number }> {
    const { theta, buffers } = await this.place();
    const { batched = false } = this.#options;
    const batch = await this.objective.firstSamples(numSamples);
    try {
      const where = [
        this.objective.handle,
        this.space.handle,
        theta.handle,
        buffers?.handle ?? null,
        batch,
      ] as const;
      const { samples, seed } = drawsOf(this.matrix);
      return await call((native) =>
        native.curvatureMemory(...where, this.matrix.kind, samples, seed, numVectors, keep, batched),
      );
    } finally {
      freeHandle(batch);
    }
  }

  async #buffers(theta: ParameterVector): Promise<BufferState | null> {
    this.#statistics ??= this.objective.statisticsAt(theta, this.buffers);
    return (await this.#statistics) ?? this.buffers;
  }

  async #buildGraph(
    batch: BatchHandle,
    theta: ParameterVector,
    buffers: BufferState | null,
  ): Promise<CurvatureGraph> {
    const { matrix, objective, space } = this;
    const where = [objective.handle, space.handle, theta.handle, buffers?.handle ?? null, batch] as const;
    if (matrix.kind === 'hessian') return call((native) => native.hessianGraph(...where));
    const { samples, seed } = drawsOf(matrix);
    return call((native) => native.gaussNewtonGraph(...where, matrix.kind, samples, seed));
  }
}

/** What only the Monte-Carlo Fisher matrix draws. */
function drawsOf(matrix: CurvatureMatrix): { readonly samples: number; readonly seed: number } {
  return matrix.kind === 'monte-carlo-fisher' ? matrix : { samples: 1, seed: 0 };
}

function describeMatrix(matrix: CurvatureMatrix): string {
  switch (matrix.kind) {
    case 'hessian':
      return 'Hessian';
    case 'gauss-newton':
      return 'generalised Gauss–Newton matrix';
    case 'empirical-fisher':
      return 'empirical Fisher matrix';
    case 'monte-carlo-fisher':
      return `Monte-Carlo Fisher matrix (${matrix.samples} per sample, seed ${matrix.seed})`;
  }
}

/** An operator with its options checked. */
export function makeCurvature(
  caller: string,
  objective: Objective,
  matrix: CurvatureMatrix,
  options: CurvatureOptions,
  checks: Readonly<Record<string, Check>> = {},
): CurvatureOperator {
  requireInstance(`${caller}: objective`, objective, Objective, 'an Objective');
  checkOptions(caller, options, {
    at: (v) =>
      v instanceof ParameterVector || v instanceof Solution ? null : 'a ParameterVector or a Solution',
    parameters: isPatterns,
    weightDecay: isNumber(0),
    memoryBudget: isPositive,
    batched: isBoolean,
    plan: isPlanChoice,
    ...checks,
  });
  return new CurvatureOperator(objective, matrix, options);
}
