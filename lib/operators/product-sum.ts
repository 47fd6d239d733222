import type { ParameterSpace } from '../model/parameter-space.js';
import { disposeAll, ParameterVector } from '../model/parameter-vector.js';
import { call } from '../native/call.js';
import type { PartGraph } from './retained-graphs.js';

/** Sums over graphs of their products with some vectors, in the order of the graphs. */
export class ProductSum {
  readonly #space: ParameterSpace;
  readonly #vectors: readonly ParameterVector[];
  #sums: ParameterVector[] = [];
  #count = 0;

  constructor(space: ParameterSpace, vectors: readonly ParameterVector[]) {
    this.#space = space;
    this.#vectors = vectors;
  }

  /** What the samples so far count for. */
  get count(): number {
    return this.#count;
  }

  /** The sum of the products with vector i. */
  of(i: number): ParameterVector {
    return this.#sums[i]!;
  }

  async add(
    graphs: readonly PartGraph[],
    options: { readonly keep: boolean; readonly batched: boolean; readonly workers: number },
  ): Promise<void> {
    const { keep, batched, workers } = options;
    const handles = graphs.map(({ graph }) => graph);
    const vectors = this.#vectors.map((v) => v.handle);
    const before = this.#sums;
    // They are added to in place: the new handles are of the same tensors.
    const sums = await call((native) =>
      native.curvatureProducts(
        handles,
        vectors,
        before.map((sum) => sum.handle),
        keep,
        batched,
        workers,
      ),
    );
    this.#sums = sums.map((sum) => new ParameterVector(sum, this.#space));
    disposeAll(before);
    for (const { count } of graphs) this.#count += count;
  }

  dispose(): void {
    disposeAll(this.#sums.splice(0));
  }
}
