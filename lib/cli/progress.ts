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

  #draw(progress: Progress): void {
    const { label, done, total } = progress;
    const detail = { rate: rateOf(progress).toFixed(1), left: leftOf(progress) };
    if (this.#bar === undefined || label !== this.#label) {
      this.stop();
      this.#label = label;
      this.#bar = new cliProgress.SingleBar({
        stream: process.stderr,
        format: `${label.padEnd(18)} {bar} {value}/{total}  {rate}/s  {left}`,
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

  #write(progress: Progress): void {
    const { label, done, total, elapsedSeconds } = progress;
    const now = performance.now();
    if (done < total && label === this.#label && now - this.#lastLine < 5000) return;
    this.#label = label;
    this.#lastLine = now;
    const left = done < total ? leftOf(progress) : '';
    process.stderr.write(
      `${label}: ${done}/${total} in ${duration(elapsedSeconds)}${left === '' ? '' : `, ${left}`}\n`,
    );
  }
}

/** Steps a second, from what is left: an earlier run's steps do not count. */
function rateOf({ done, total, elapsedSeconds, remainingSeconds }: Progress): number {
  if (remainingSeconds !== null && remainingSeconds > 0) return (total - done) / remainingSeconds;
  return done / Math.max(elapsedSeconds, 1e-9);
}

function leftOf({ isLimit, remainingSeconds }: Progress): string {
  if (remainingSeconds === null) return '';
  return `${isLimit ? 'at most ' : ''}${duration(remainingSeconds)} left`;
}

export function duration(seconds: number): string {
  if (seconds < 0.1) return `${(1000 * seconds).toPrecision(2)} ms`;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 100) return `${Math.round(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 100 ? `${minutes} min` : `${(minutes / 60).toFixed(1)} h`;
}
