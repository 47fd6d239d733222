import { throwIfAborted } from '../steps.js';
import { duration } from './progress.js';

interface Memory {
  readonly bytes: number;
  /** Of them what comes on top of the process as it is, where that is predicted. */
  readonly newBytes?: number;
  readonly words: string;
}

/** What an analysis will do. */
export interface Plan {
  /** In words, a line each. */
  readonly steps: readonly string[];
  /** What takes the time, for example `points`. */
  readonly unit: string;
  readonly total: number;
  /** False where the number is the most that it can be. */
  readonly isExact?: boolean;
  /** Does some of it and says how many units these were. */
  readonly trial: () => Promise<number>;
  /** What loading and the search for axes took, which the command takes too. */
  readonly openSeconds?: number;
  /** What the peak of memory will be, in words, and its bytes; default what the process had after the trial. */
  readonly memory?: () => Memory | Promise<Memory>;
}

/** Trials are repeated until they have taken this long, so that one of milliseconds says something. */
const trialSeconds = 1;
const maxTrials = 20;

/** Times a few steps of a plan and says on stdout what all of it will take. */
export async function printPlan(plan: Plan, isJson: boolean, signal: AbortSignal): Promise<void> {
  // The first one warms up: it allocates, and libtorch optimises its graph.
  await plan.trial();
  let [units, trials] = [0, 0];
  const start = performance.now();
  const elapsed = () => (performance.now() - start) / 1000;
  do {
    throwIfAborted(signal);
    units += await plan.trial();
    trials++;
  } while (elapsed() < trialSeconds && trials < maxTrials);
  const secondsPerUnit = elapsed() / units;
  const { openSeconds = 0 } = plan;
  const seconds = openSeconds + secondsPerUnit * plan.total;
  const memory = (await plan.memory?.()) ?? measuredMemory();
  if (isJson) {
    const { steps, unit, total, isExact = true } = plan;
    const report = {
      steps,
      unit,
      total,
      isExact,
      secondsPerUnit,
      openSeconds,
      seconds,
      peakBytes: memory.bytes,
      newBytes: memory.newBytes ?? null,
    };
    process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
    return;
  }
  const most = plan.isExact === false ? 'at most ' : '';
  const lines = [
    'Nothing is written; this is what the command would do:',
    ...plan.steps.map((step) => `  ${step}`),
    `Time      ${most}${duration(seconds)}: ${plan.total} ${plan.unit}, ${duration(secondsPerUnit)} each (measured on ${units}), and ${duration(openSeconds)} before the first`,
    `Memory    ${memory.words}`,
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
}

/** What a prediction for the model comes to, with the process that is there already. */
export function withProcess(newBytes: number, summary: string): Memory {
  const bytes = newBytes + process.memoryUsage().rss;
  return { bytes, newBytes, words: `${gigabytes(bytes)} at the peak, of the whole process. ${summary}` };
}

function measuredMemory(): Memory {
  const bytes = process.resourceUsage().maxRSS * 1024;
  return { bytes, words: `${gigabytes(bytes)} at the peak so far, of the whole process` };
}

export function gigabytes(bytes: number): string {
  return bytes < 1e9 ? `${(bytes / 1e6).toFixed(0)} MB` : `${(bytes / 1e9).toFixed(2)} GB`;
}
