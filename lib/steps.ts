import { AbortError } from './errors.js';
import type { AnalysisOptions } from './types.js';

/**
 * Abort and progress of one analysis, between its native steps. This is the only place that knows about either;
 * neither crosses into C++.
 */
export class Steps {
  readonly label: string;
  total: number;
  readonly #isLimit: boolean;
  #done = 0;
  /** Of them what was there before: it says nothing about the rate. */
  #restored = 0;
  readonly #start = performance.now();
  readonly #options: AnalysisOptions;

  /** `isLimit`: the analysis may converge before the total. */
  constructor(label: string, total: number, options: AnalysisOptions, isLimit = false) {
    this.label = label;
    this.total = total;
    this.#options = options;
    this.#isLimit = isLimit;
    throwIfAborted(options.signal);
  }

  get signal(): AbortSignal | undefined {
    return this.#options.signal;
  }

  get elapsedSeconds(): number {
    return (performance.now() - this.#start) / 1000;
  }

  /** Counts steps that an earlier run has done. */
  restore(count: number): void {
    if (count === 0) return;
    this.#restored += count;
    this.advance(count);
  }

  /** Counts `count` steps as done, tells the listener, and throws if the caller has aborted. */
  advance(count = 1): void {
    this.#done += count;
    const elapsedSeconds = this.elapsedSeconds;
    const numOwn = this.#done - this.#restored;
    const left = Math.max(0, this.total - this.#done);
    this.#options.onProgress?.({
      label: this.label,
      done: this.#done,
      total: this.total,
      isLimit: this.#isLimit,
      elapsedSeconds,
      remainingSeconds: numOwn === 0 ? null : (elapsedSeconds / numOwn) * left,
    });
    throwIfAborted(this.#options.signal);
  }

  /** Ends before the total, for example because an estimate converged. */
  finish(): void {
    if (this.#done === this.total) return;
    this.total = this.#done;
    this.advance(0);
  }
}

export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw new AbortError(signal.reason);
}
