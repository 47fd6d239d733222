import { LossAtlasError } from '../errors.js';
import type { BufferState } from '../model/buffer-state.js';
import { isPatterns } from '../model/parameter-names.js';
import { ParameterSpace, subspace } from '../model/parameter-space.js';
import { accumulate, combine, disposeAll, ParameterVector } from '../model/parameter-vector.js';
import { Solution } from '../model/solution.js';
import type { BatchHandle, CurvatureGraph, GraphHandle } from '../native/addon.js';
import { call, callSync } from '../native/call.js';
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
import type { LinearOperator } from './linear-operator.js';

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
}

/** Which matrix. */
export type CurvatureMatrix =
  | { readonly kind: 'hessian' }
  | { readonly kind: 'gauss-newton' | 'empirical-fisher' }
  | { readonly kind: 'monte-carlo-fisher'; readonly samples: number; readonly seed: number };

interface RetainedGraph {
  readonly graph: GraphHandle;
  readonly count: number;
  readonly isSmall: boolean;
}

/** Measured on three nets with 2 to 512 samples: up to here one pass for several vectors is faster on the CPU. */
const smallGraph = 2e6;

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
  readonly #budget: number;
  /** By batch; null: recomputed for every product. */
  readonly #graphs: (RetainedGraph | null | undefined)[] = [];
  #retainedBytes = 0;
  #theta: Promise<ParameterVector> | undefined;
  /** In mode `recalibrate`: the running statistics of θ. */
  #statistics: Promise<BufferState | null> | undefined;
  #disposed = false;

  constructor(objective: Objective, matrix: CurvatureMatrix, options: CurvatureOptions) {
    const { parameters, weightDecay = 0, memoryBudget } = options;
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
    this.#budget = memoryBudget ?? (model.device === 'cpu' ? process.availableMemory() / 2 : 4e9);
  }

  get size(): number {
    return this.space.size;
  }
  /** Bytes that retained graphs may take. */
  get memoryBudget(): number {
    return this.#budget;
  }
  /** Bytes that the retained graphs take. */
  get retainedBytes(): number {
    return this.#retainedBytes;
  }

  async apply(vectors: readonly ParameterVector[], signal?: AbortSignal): Promise<ParameterVector[]> {
    if (!Array.isArray(vectors) || !vectors.every((v) => v instanceof ParameterVector))
      throw invalidOption('apply: vectors', 'an array of ParameterVectors', vectors);
    const theta = await this.#point();
    const sums: (ParameterVector | undefined)[] = vectors.map(() => undefined);
    const products: ParameterVector[] = [];
    let count = 0;
    try {
      let index = 0;
      for await (const batch of this.objective.batches()) {
        throwIfAborted(signal);
        count += await this.#addBatch(index++, batch, theta, vectors, sums);
      }
      requireCount(count);
      for (const [i, sum] of sums.entries()) {
        products.push(
          this.weightDecay === 0
            ? await combine([sum!], [1 / count])
            : await combine([sum!, vectors[i]!], [1 / count, this.weightDecay]),
        );
      }
      return products;
    } catch (error) {
      disposeAll(products);
      throw error;
    } finally {
      disposeAll(sums.filter((sum) => sum !== undefined));
    }
  }

  async takesBlocks(): Promise<boolean> {
    if (this.#options.batched !== undefined) return this.#options.batched;
    const theta = await this.#point();
    for await (const batch of this.objective.batches()) {
      const built = this.#graphs[0] ?? (await this.#build(0, batch, theta));
      if (this.#graphs[0] !== built) disposeHandle(built.graph);
      return built.isSmall;
    }
    return false;
  }

  async provenance(startedAt: number): Promise<Provenance> {
    const { at } = this.#options;
    const point = at === undefined ? 'model' : at instanceof ParameterVector ? 'given vector' : at.label;
    return this.objective.provenance(startedAt, point, this.label);
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

  /** Lets go of retained graphs: the next product runs the model anew. */
  forget(): void {
    for (const retained of this.#graphs) {
      if (retained) disposeHandle(retained.graph);
    }
    this.#graphs.length = 0;
    this.#retainedBytes = 0;
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

  /** Adds the batch's products to `sums`; returns what the batch counts for. */
  async #addBatch(
    index: number,
    batch: BatchHandle,
    theta: ParameterVector,
    vectors: readonly ParameterVector[],
    sums: (ParameterVector | undefined)[],
  ): Promise<number> {
    const built = this.#graphs[index] ?? (await this.#build(index, batch, theta));
    const keep = this.#graphs[index] === built;
    try {
      const handles = vectors.map((v) => v.handle);
      const products = await call((native) =>
        native.curvatureProducts(built.graph, handles, keep, this.#options.batched ?? built.isSmall),
      );
      const terms = products.map((product) => new ParameterVector(product, this.space));
      for (const [i, term] of terms.entries()) sums[i] = await accumulate(sums[i], term);
      return built.count;
    } finally {
      if (!keep) disposeHandle(built.graph);
    }
  }

  async #build(index: number, batch: BatchHandle, theta: ParameterVector): Promise<RetainedGraph> {
    const buffers = await this.#buffers(theta);
    const { graph, evaluation, graphBytes } = await this.#buildGraph(batch, theta, buffers);
    const isSmall = this.objective.model.device === 'cpu' && graphBytes <= smallGraph;
    const built = { graph, count: evaluation[1]!, isSmall };
    if (this.#disposed) return built;
    // Decided once a batch; an analysis that runs beside this one may have done so.
    if (this.#graphs[index] === undefined) {
      const isLast = index === this.objective.numBatches - 1;
      const fits = fitsBudget(graphBytes, this.#retainedBytes, isLast, this.#budget);
      this.#graphs[index] = fits ? built : null;
      if (fits) this.#retainedBytes += graphBytes;
    }
    return built;
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
      callSync((native) => {
        native.dispose(batch);
      });
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

/** Whether another graph is retained. Room must be left for that of a later batch, which is recomputed. */
export function fitsBudget(
  graphBytes: number,
  retainedBytes: number,
  isLast: boolean,
  budget: number,
): boolean {
  return retainedBytes + graphBytes * (isLast ? 1 : 2) <= budget;
}

/** What only the Monte-Carlo Fisher matrix draws. */
function drawsOf(matrix: CurvatureMatrix): { readonly samples: number; readonly seed: number } {
  return matrix.kind === 'monte-carlo-fisher' ? matrix : { samples: 1, seed: 0 };
}

function disposeHandle(graph: GraphHandle): void {
  callSync((native) => {
    native.dispose(graph);
  });
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
    ...checks,
  });
  return new CurvatureOperator(objective, matrix, options);
}
