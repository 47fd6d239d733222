import { AbortError } from './errors.js';
import type { AnalysisOptions } from './types.js';

/**
 * Abort and progress of one analysis, between its native steps. This is the only place that knows about either;
 * neither crosses into C++.
 */
export class Steps {
  readonly label: string;
  total: number;
  #done = 0;
  readonly #start = performance.now();
  readonly #options: AnalysisOptions;

  constructor(label: string, total: number, options: AnalysisOptions) {
    this.label = label;
    this.total = total;
    this.#options = options;
    throwIfAborted(options.signal);
  }

  get signal(): AbortSignal | undefined {
    return this.#options.signal;
  }

  get elapsedSeconds(): number {
    return (performance.now() - this.#start) / 1000;
  }

  /** Counts `count` steps as done, tells the listener, and throws if the caller has aborted. */
  advance(count = 1): void {
    this.#done += count;
    const elapsedSeconds = this.elapsedSeconds;
    this.#options.onProgress?.({
      label: this.label,
      done: this.#done,
      total: this.total,
      elapsedSeconds,
      remainingSeconds:
        this.#done === 0 ? null : (elapsedSeconds / this.#done) * Math.max(0, this.total - this.#done),
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
