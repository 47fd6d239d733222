import { freeHandle } from '../native/call.js';
import type { GraphGroup, PartGraph } from './retained-graphs.js';

/** Puts graphs into groups in their order. Graphs that nobody keeps are freed when their group was used. */
export class GroupQueue {
  readonly #sizeOf: (isKept: boolean) => number;
  readonly #full: GraphGroup[] = [];
  #open: PartGraph[] = [];
  #isKept = true;

  /** `sizeOf`: graphs of a group. */
  constructor(sizeOf: (isKept: boolean) => number) {
    this.#sizeOf = sizeOf;
  }

  add(graph: PartGraph, isKept: boolean): void {
    if (isKept !== this.#isKept) this.close();
    this.#isKept = isKept;
    this.#open.push(graph);
    if (this.#open.length >= this.#sizeOf(isKept)) this.close();
  }

  /** No graph joins the last group any more. */
  close(): void {
    if (this.#open.length > 0) this.#full.push({ graphs: this.#open, isKept: this.#isKept });
    this.#open = [];
  }

  /** Full groups. Each lives until the next one is asked for. */
  *takeFull(): Generator<GraphGroup, void, undefined> {
    for (let group = this.#full[0]; group !== undefined; group = this.#full[0]) {
      yield group;
      this.#full.shift();
      free(group);
    }
  }

  /** Lets go of what was not used. */
  clear(): void {
    this.close();
    for (const group of this.#full.splice(0)) free(group);
  }
}

function free({ graphs, isKept }: GraphGroup): void {
  if (isKept) return;
  for (const { graph } of graphs) freeHandle(graph);
}
