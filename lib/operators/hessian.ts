import { LossAtlasError } from '../errors.js';
import { accumulate, combine, disposeAll, ParameterVector } from '../model/parameter-vector.js';
import type { BatchHandle, GraphHandle } from '../native/addon.js';
import { call, callSync } from '../native/call.js';
import { Objective, requireCount } from '../objective/objective.js';
import type { Provenance } from '../results.js';
import { throwIfAborted } from '../steps.js';
import { checkOptions, invalidOption, isBoolean, isPositive } from '../validate.js';
import type { LinearOperator } from './linear-operator.js';

export interface HessianOptions {
  /** The point θ; default the model's own parameters. The vector must outlive the operator. */
  readonly at?: ParameterVector;
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
      for (const [index, batch] of (await this.objective.batches()).entries()) {
        throwIfAborted(signal);
        count += await this.#addBatch(index, batch, theta, vectors, sums);
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
    return this.objective.provenance(startedAt, this.#options.at === undefined ? 'model' : 'given vector');
  }

  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    for (const retained of this.#graphs) {
      if (retained) disposeHandle(retained.graph);
    }
    this.#graphs.length = 0;
    this.#theta?.then(
      (theta) => {
        theta.dispose();
      },
      () => undefined,
    );
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  async #point(): Promise<ParameterVector> {
    if (this.#disposed)
      throw new LossAtlasError('ERR_DISPOSED', 'The operator was disposed of and cannot be used any more.');
    if (this.#options.at !== undefined) return this.#options.at;
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
    const { graph, evaluation, graphBytes } = await addonGraph(this.objective, theta, batch);
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

async function addonGraph(objective: Objective, theta: ParameterVector, batch: BatchHandle) {
  return call((native) => native.gradientGraph(objective.handle, theta.handle, batch));
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
    at: (v) => (v instanceof ParameterVector ? null : 'a ParameterVector'),
    memoryBudget: isPositive,
    batched: isBoolean,
  });
  return new HessianOperator(objective, options);
}
