import type { GraphHandle } from '../native/addon.js';
import { freeHandle } from '../native/call.js';

/** The graph of a part of the data. */
export interface PartGraph {
  readonly graph: GraphHandle;
  /** What its samples count for in the mean. */
  readonly count: number;
  readonly bytes: number;
}

/** Graphs that follow each other, to be multiplied together. */
export interface GraphGroup {
  readonly graphs: readonly PartGraph[];
  /** False: freed after the product. */
  readonly isKept: boolean;
}

/** Graphs that are kept from product to product, as far as a budget of bytes goes. */
export class RetainedGraphs {
  readonly budget: number;
  /** By part; null: made anew for every product. */
  readonly #graphs: (PartGraph | null | undefined)[] = [];
  #bytes = 0;

  constructor(budget: number) {
    this.budget = budget;
  }

  /** What they take. */
  get bytes(): number {
    return this.#bytes;
  }

  at(index: number): PartGraph | null | undefined {
    return this.#graphs[index];
  }

  holdAll(count: number): boolean {
    return (
      this.#graphs.length === count && this.#graphs.every((graph) => graph !== null && graph !== undefined)
    );
  }

  /** All of them, some at a time. */
  *groups(size: number): Generator<GraphGroup, void, undefined> {
    for (let i = 0; i < this.#graphs.length; i += size) {
      const graphs = this.#graphs.slice(i, i + size).filter((graph) => graph !== null && graph !== undefined);
      yield { graphs, isKept: true };
    }
  }

  /**
   * Keeps the graph where it fits. That is decided once a part: an analysis that runs beside this one may have done so.
   * `others`: as of `fitsBudget`.
   */
  offer(index: number, graph: PartGraph, others: number): void {
    if (this.#graphs[index] !== undefined) return;
    const fits = fitsBudget(graph.bytes, this.#bytes, others, this.budget);
    this.#graphs[index] = fits ? graph : null;
    if (fits) this.#bytes += graph.bytes;
  }

  forget(): void {
    for (const graph of this.#graphs) {
      if (graph) freeHandle(graph.graph);
    }
    this.#graphs.length = 0;
    this.#bytes = 0;
  }
}

/** Parts after part `index` that may be made anew at the same time. */
export function othersMadeAnew(index: number, numParts: number, workers: number): number {
  return Math.min(workers, numParts - 1 - index);
}

/** Whether another graph is retained. Room must be left for `others` that are made anew. */
export function fitsBudget(
  graphBytes: number,
  retainedBytes: number,
  others: number,
  budget: number,
): boolean {
  return retainedBytes + graphBytes * (1 + others) <= budget;
}
