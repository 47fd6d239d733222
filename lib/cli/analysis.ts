import { AbortError, type AnalysisOptions } from '../index.js';
import type { ResultKind } from '../io/result-format.js';
import type { Invocation } from './command.js';
import { printPlan, type Plan } from './dry-run.js';
import { Output } from './output.js';
import type { Values } from './options/table.js';
import { ProgressReporter } from './progress.js';
import { Resources } from './setting.js';

/** What one run of a command has. */
export interface Run {
  readonly values: Values;
  readonly resources: Resources;
  readonly output: Output;
  /** To be passed on to the library. */
  readonly analysis: Required<AnalysisOptions>;
}

export interface Analysis<Opened> {
  /** Beginning of the names of files. */
  readonly name: string;
  /** What it makes: a figure that none of them has is refused before any work. */
  readonly kinds: (values: Values) => readonly ResultKind[];
  /** Loads what is needed. */
  readonly open: (run: Run) => Promise<Opened>;
  readonly plan: (opened: Opened, run: Run) => Promise<Plan> | Plan;
  /** Computes, prints and saves. */
  readonly compute: (opened: Opened, run: Run) => Promise<void>;
  /** After an interruption: what is there, and how to go on. */
  readonly interrupted: (error: AbortError, run: Run) => string | Promise<string>;
}

/** Runs an analysis, or says what it would take. */
export async function runAnalysis<Opened>(
  { values, signal }: Invocation,
  analysis: Analysis<Opened>,
): Promise<void> {
  const isDry = values.dryRun === true;
  const output = new Output(values, analysis.name);
  output.requireFigures(analysis.kinds(values));
  using resources = new Resources();
  const progress = new ProgressReporter(values.quiet === true);
  const run = { values, resources, output, analysis: { signal, onProgress: progress.onProgress } };
  try {
    // Before the work; again after it was found to be possible, should another run have taken the empty folder away.
    if (!isDry) await output.prepare();
    const start = performance.now();
    const opened = await analysis.open(run);
    if (!isDry) await output.prepare();
    if (isDry) {
      const openSeconds = (performance.now() - start) / 1000;
      progress.mute();
      const plan = await analysis.plan(opened, run);
      await printPlan({ ...plan, openSeconds }, output.isJson, signal);
    } else await analysis.compute(opened, run);
  } catch (error) {
    progress.stop();
    await output.removeEmptyFolder();
    if (error instanceof AbortError) process.stderr.write(`\n${await analysis.interrupted(error, run)}\n`);
    throw error;
  } finally {
    progress.stop();
  }
}
