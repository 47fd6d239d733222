import { basename, extname } from 'node:path';
import {
  AbortError,
  evaluateCheckpoints,
  evaluationTable,
  formatsOf,
  ownSolution,
  saveResult,
  toJson,
  type EvaluateCheckpointsOptions,
  type EvaluationRow,
  type EvaluationTable,
  type MetricChoice,
} from '../../index.js';
import { invalidOption } from '../../validate.js';
import { checkpointPaths } from '../checkpoint-paths.js';
import type { Invocation } from '../command.js';
import { exitCodes } from '../exit-codes.js';
import { requireWritable } from '../make-folder.js';
import { sayNoneRead } from '../none-read.js';
import { openDatasets } from '../open-data.js';
import { evaluateOptions } from '../options/output-options.js';
import { solutionOptions } from '../options/setting-options.js';
import { take, type Values } from '../options/table.js';
import { ProgressReporter } from '../progress.js';
import { openModel, openObjectiveOptions, Resources } from '../setting.js';
import { printPlan } from '../dry-run.js';

/** Prints the table, of an interrupted run what there is of it. */
export async function runEvaluate({ values, signal }: Invocation): Promise<void> {
  const out = values.out as string | undefined;
  if (out !== undefined) {
    // Before hours of work, not after.
    if (values.dryRun !== true) await requireWritable(out);
    if (!formatsOf('evaluation-table').includes(extname(out).toLowerCase()))
      throw invalidOption(
        "option 'out'",
        `a file that ends with ${formatsOf('evaluation-table').join(', ')}`,
        out,
      );
  }
  const paths = await checkpointPaths((values.checkpoints as string[] | undefined) ?? []);
  using resources = new Resources();
  const model = await openModel(resources, values);
  const checkpoints =
    paths.length > 0 ? paths : [resources.keep(await ownSolution(model, basename(values.model as string)))];
  const datasets = await openDatasets(values);
  const chosen = await openObjectiveOptions(resources, model, values);
  const options: EvaluateCheckpointsOptions = {
    ...chosen,
    ...take<EvaluateCheckpointsOptions>(values, { ...solutionOptions, ...evaluateOptions }, ['out']),
  };
  const progress = new ProgressReporter(values.quiet === true);
  if (values.dryRun === true) {
    const { resume: _, ...trial } = options;
    const first = checkpoints.slice(0, 1);
    await printPlan(
      {
        steps: [
          `Evaluate  ${checkpoints.length} checkpoints on ${datasets.map(({ name }) => name).join(', ')}`,
        ],
        unit: 'checkpoints',
        total: checkpoints.length,
        trial: async () => {
          await evaluateCheckpoints(model, first, datasets, { ...trial, signal });
          return 1;
        },
      },
      values.json === true,
      signal,
    );
    return;
  }
  const rows: EvaluationRow[] = [];
  let table: EvaluationTable;
  try {
    table = await evaluateCheckpoints(model, checkpoints, datasets, {
      ...options,
      onRow: (row) => void rows.push(row),
      signal,
      onProgress: progress.onProgress,
    });
  } catch (error) {
    progress.stop();
    if (error instanceof AbortError) sayInterrupted(values, rows, options.metrics ?? []);
    throw error;
  } finally {
    progress.stop();
  }
  // First what cannot fail for want of room.
  process.stdout.write(`${values.json === true ? toJson(table) : evaluationTable(table)}\n`);
  const isNoneRead = table.rows.every(({ problem }) => problem !== null);
  if (out !== undefined && isNoneRead) sayNoneRead();
  else if (out !== undefined) await saveResult(out, table);
  if (table.rows.some(({ problem }) => problem !== null)) process.exitCode = exitCodes.problems;
}

/** What is there stays: in the file to resume from, or else on the screen. */
function sayInterrupted(
  { json, resume }: Values,
  rows: readonly EvaluationRow[],
  metrics: readonly MetricChoice[],
): void {
  if (rows.length > 0 && json !== true) {
    const names = metrics.map((metric) => (typeof metric === 'string' ? metric : metric.name));
    const part = { kind: 'evaluation-table', metrics: names, rows } as unknown as EvaluationTable;
    process.stdout.write(`${evaluationTable(part)}\n`);
  }
  const done = `${rows.length} row${rows.length === 1 ? '' : 's'} done before the interruption`;
  process.stderr.write(
    resume === undefined
      ? `\n${done}. With --resume run.eval they are kept, and the same command goes on.\n`
      : `\n${done}, kept in '${resume as string}'. The same command goes on with the rest.\n`,
  );
}
