import cliProgress from 'cli-progress';
import type { Progress } from '../types.js';

/** Progress on stderr: a bar on a terminal, a plain line every few seconds elsewhere. */
export class ProgressReporter {
  #bar: cliProgress.SingleBar | undefined;
  #label = '';
  #lastLine = 0;
  #isQuiet: boolean;

  constructor(isQuiet = false) {
    this.#isQuiet = isQuiet;
  }

  /** To be passed as `onProgress`; a new label starts a new bar. */
  readonly onProgress = (progress: Progress): void => {
    if (this.#isQuiet) return;
    if (process.stderr.isTTY) this.#draw(progress);
    else this.#write(progress);
  };

  /** Ends all progress, of trials for example. */
  mute(): void {
    this.stop();
    this.#isQuiet = true;
  }

  stop(): void {
    this.#bar?.stop();
    this.#bar = undefined;
  }

  #draw({ label, done, total, elapsedSeconds, remainingSeconds }: Progress): void {
    const detail = {
      rate: (done / Math.max(elapsedSeconds, 1e-9)).toFixed(1),
      left: duration(remainingSeconds ?? 0),
    };
    if (this.#bar === undefined || label !== this.#label) {
      this.stop();
      this.#label = label;
      this.#bar = new cliProgress.SingleBar({
        stream: process.stderr,
        format: `${label.padEnd(18)} {bar} {value}/{total}  {rate}/s  {left} left`,
        barCompleteChar: '█',
        barIncompleteChar: '░',
        hideCursor: true,
        barsize: 30,
      });
      this.#bar.start(total, done, detail);
    }
    this.#bar.setTotal(total);
    this.#bar.update(done, detail);
    if (done >= total) this.stop();
  }

  #write({ label, done, total, elapsedSeconds, remainingSeconds }: Progress): void {
    const now = performance.now();
    if (done < total && label === this.#label && now - this.#lastLine < 5000) return;
    this.#label = label;
    this.#lastLine = now;
    const left = done < total && remainingSeconds !== null ? `, ${duration(remainingSeconds)} left` : '';
    process.stderr.write(`${label}: ${done}/${total} in ${duration(elapsedSeconds)}${left}\n`);
  }
}

export function duration(seconds: number): string {
  if (seconds < 0.1) return `${(1000 * seconds).toPrecision(2)} ms`;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 100) return `${Math.round(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 100 ? `${minutes} min` : `${(minutes / 60).toFixed(1)} h`;
}
