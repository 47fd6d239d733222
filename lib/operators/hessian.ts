import { LossAtlasError } from '../errors.js';
import type { BufferState } from '../model/buffer-state.js';
import { accumulate, combine, disposeAll, ParameterVector } from '../model/parameter-vector.js';
import { Solution } from '../model/solution.js';
import type { BatchHandle, GraphHandle } from '../native/addon.js';
import { call, callSync } from '../native/call.js';
import { requireCount } from '../objective/evaluation.js';
import { Objective } from '../objective/objective.js';
import type { Provenance } from '../results.js';
import { throwIfAborted } from '../steps.js';
import { checkOptions, invalidOption, isBoolean, isPositive } from '../validate.js';
import type { LinearOperator } from './linear-operator.js';

export interface HessianOptions {
  /** The point θ, or a solution with its running statistics; default the model's own. It must outlive the operator. */
  readonly at?: ParameterVector | Solution;
  /**
   * Bytes that retained gradient graphs may take; batches beyond it are recomputed for every product (1.5 × the time).
   * Default: half of the memory that this process may still take on the host; 4 GB on a GPU.
   */
  readonly memoryBudget?: number;
  /** Run several vectors in one pass (vmap); pays for tiny batches and on GPUs. Default false. */
  readonly batched?: boolean;
}

interface RetainedGraph {
  readonly graph: GraphHandle;
  readonly count: number;
}

/**
 * The Hessian of an objective: H·v = Σ over batches of ∇(gᵀv), the sample-weighted mean over the whole data set
 * (exact, not an average of noisy batches). Reverse over reverse (Pearlmutter 1994).
 */
export class HessianOperator implements LinearOperator {
  readonly objective: Objective;
  readonly #options: HessianOptions;
  readonly #budget: number;
  /** By batch; null: recomputed for every product. */
  readonly #graphs: (RetainedGraph | null | undefined)[] = [];
  #retainedBytes = 0;
  #theta: Promise<ParameterVector> | undefined;
  /** In mode `recalibrate`: the running statistics of θ. */
  #statistics: Promise<BufferState | null> | undefined;
  #disposed = false;

  /** Use `hessian`. */
  constructor(objective: Objective, options: HessianOptions) {
    this.objective = objective;
    this.#options = options;
    this.#budget =
      options.memoryBudget ?? (objective.model.device === 'cpu' ? process.availableMemory() / 2 : 4e9);
  }

  get model(): Objective['model'] {
    return this.objective.model;
  }
  get size(): number {
    return this.model.size;
  }
  /** Bytes that the retained graphs take. */
  get retainedBytes(): number {
    return this.#retainedBytes;
  }

  async apply(vectors: readonly ParameterVector[], signal?: AbortSignal): Promise<ParameterVector[]> {
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
      for (const sum of sums) products.push(await combine([sum!], [1 / count]));
      return products;
    } catch (error) {
      disposeAll(products);
      throw error;
    } finally {
      disposeAll(sums.filter((sum) => sum !== undefined));
    }
  }

  async provenance(startedAt: number): Promise<Provenance> {
    const { at } = this.#options;
    const point = at === undefined ? 'model' : at instanceof ParameterVector ? 'given vector' : at.label;
    return this.objective.provenance(startedAt, point);
  }

  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    for (const retained of this.#graphs) {
      if (retained) disposeHandle(retained.graph);
    }
    this.#graphs.length = 0;
    for (const pending of [this.#theta, this.#statistics]) {
      pending?.then(
        (resource) => resource?.dispose(),
        () => undefined,
      );
    }
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  async #point(): Promise<ParameterVector> {
    if (this.#disposed)
      throw new LossAtlasError('ERR_DISPOSED', 'The operator was disposed of and cannot be used any more.');
    const { at } = this.#options;
    if (at !== undefined) return at instanceof ParameterVector ? at : at.theta;
    this.#theta ??= this.model.theta();
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
        native.hessianProducts(built.graph, handles, keep, this.#options.batched === true),
      );
      const terms = products.map((product) => new ParameterVector(product, this.model));
      for (const [i, term] of terms.entries()) sums[i] = await accumulate(sums[i], term);
      return built.count;
    } finally {
      if (!keep) disposeHandle(built.graph);
    }
  }

  async #build(index: number, batch: BatchHandle, theta: ParameterVector): Promise<RetainedGraph> {
    const { at } = this.#options;
    const given = at === undefined || at instanceof ParameterVector ? null : at.buffers;
    this.#statistics ??= this.objective.statisticsAt(theta, given);
    const buffers = (await this.#statistics) ?? given;
    const { graph, evaluation, graphBytes } = await call((native) =>
      native.gradientGraph(this.objective.handle, theta.handle, buffers?.handle ?? null, batch),
    );
    const built = { graph, count: evaluation[1]! };
    if (this.#disposed) return built;
    // Decided once a batch; an analysis that runs beside this one may have done so.
    if (this.#graphs[index] === undefined) {
      // Room must be left for the graph of a later batch that is recomputed.
      const isLast = index === this.objective.numBatches - 1;
      const fits = this.#retainedBytes + graphBytes * (isLast ? 1 : 2) <= this.#budget;
      this.#graphs[index] = fits ? built : null;
      if (fits) this.#retainedBytes += graphBytes;
    }
    return built;
  }
}

function disposeHandle(graph: GraphHandle): void {
  callSync((native) => {
    native.dispose(graph);
  });
}

/**
 * The Hessian of `objective` as an operator.
 *
 *     using operator = hessian(loss);
 *     const spectrum = await spectralDensity(operator, { probes: 10 });
 *
 * Products throw ERR_NO_DOUBLE_BACKWARD where an operator of the model has no second derivative.
 */
export function hessian(objective: Objective, options: HessianOptions = {}): HessianOperator {
  if (!(objective instanceof Objective)) throw invalidOption('hessian: objective', 'an Objective', objective);
  checkOptions('hessian', options, {
    at: (v) =>
      v instanceof ParameterVector || v instanceof Solution ? null : 'a ParameterVector or a Solution',
    memoryBudget: isPositive,
    batched: isBoolean,
  });
  return new HessianOperator(objective, options);
}
