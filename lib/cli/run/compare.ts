import { existsSync } from 'node:fs';
import { basename, extname } from 'node:path';
import {
  compareCriteria,
  hessian,
  LossAtlasError,
  objective,
  randomBatches,
  saveJson,
  spectralDensity,
  type CompareCriteriaOptions,
  type ComparedModel,
  type Dataset,
  type Model,
  type ObjectiveOptions,
} from '../../index.js';
import { runAnalysis, type Run } from '../analysis.js';
import { checkpointPaths } from '../checkpoint-paths.js';
import type { CommandSpec } from '../command.js';
import { readKnownRows } from '../known-rows.js';
import { openNamedDatasets } from '../open-data.js';
import { compareLossOptions, compareOptions } from '../options/spectrum-options.js';
import { numberOf, take } from '../options/table.js';
import { openModel, openObjectiveOptions, openSolutions } from '../setting.js';
import { summarize } from '../summary.js';

interface Opened {
  readonly model: Model;
  readonly models: readonly ComparedModel[];
  readonly datasets: readonly Dataset[];
  /** What both the comparison and a trial of it take. */
  readonly chosen: ObjectiveOptions;
}

async function open(run: Run): Promise<Opened> {
  const { values, resources } = run;
  // Its rows are overwritten, and taken away at the end.
  if (typeof values.resume === 'string' && extname(values.resume).toLowerCase() === '.json')
    throw new LossAtlasError(
      'ERR_INVALID_OPTION',
      `Option 'resume' must be a file of its own, not a saved result such as '${values.resume}'.`,
    );
  const model = await openModel(resources, values);
  const paths = await checkpointPaths((values.checkpoints as string[] | undefined) ?? []);
  const solutions = await openSolutions(resources, model, paths, values);
  const models: ComparedModel[] = solutions.map((at) => ({ label: at.label, model, at }));
  if (models.length === 0) models.push({ label: basename(values.model as string), model });
  const datasets = await openNamedDatasets(values);
  const chosen = await openObjectiveOptions(resources, model, take(values, compareLossOptions));
  return { model, models, datasets, chosen };
}

/** Of each probe of the trial. */
const trialSteps = 4;

export const runCompare: CommandSpec['run'] = async (invocation) =>
  runAnalysis(invocation, {
    name: 'comparison',
    kinds: () => ['criteria-comparison'],
    open,
    plan: ({ model, models, datasets, chosen }, run) => {
      const { modes = ['eval'] } = take<CompareCriteriaOptions>(run.values, compareOptions);
      const numCells = models.length * modes.length * datasets.length;
      const batches = numberOf(run.values, 'batches', 4);
      const size = Math.floor(Math.min(...datasets.map(({ numSamples }) => numSamples)) / batches);
      const batchSize = numberOf(run.values, 'batchSize', Math.max(1, Math.min(256, size)));
      const [batch] = randomBatches(datasets[0]!, { count: 1, batchSize });
      const first = run.resources.keep(objective(model, batch!, { ...chosen, mode: modes[0] ?? 'eval' }));
      const { at } = models[0]!;
      const operator = run.resources.keep(hessian(first, at === undefined ? {} : { at }));
      return {
        steps: [
          `Compare   ${models.map(({ label }) => label).join(', ')} on ${datasets.map(({ name }) => name).join(', ')}, mode ${modes.join(', ')}`,
          `Criteria  over ${batches} batches of ${batchSize}, for each of ${numCells} rows`,
        ],
        unit: 'products',
        total:
          numCells *
          batches *
          numberOf(run.values, 'probes', 10) *
          Math.min(numberOf(run.values, 'steps', 100), model.size),
        // Probes side by side are cheaper than one after the other.
        trial: async () =>
          (
            await spectralDensity(operator, {
              steps: trialSteps,
              probes: numberOf(run.values, 'probes', 10),
            })
          ).numProducts,
      };
    },
    compute: async ({ models, datasets, chosen }, run) => {
      const { output: out, values, analysis } = run;
      const { resume } = out.resumePath(values);
      const options = { ...take<CompareCriteriaOptions>(values, compareOptions, ['resume']), ...chosen };
      const known = resume === undefined ? undefined : await readKnownRows(resume, models, datasets, options);
      const comparison = await compareCriteria(
        models,
        datasets.map((data) => ({ label: data.name, data })),
        {
          ...options,
          ...(known === undefined ? {} : { known }),
          ...(resume === undefined ? {} : { onRow: async (_, soFar) => saveJson(resume, soFar) }),
          ...analysis,
        },
      );
      out.print(comparison, summarize(comparison));
      await out.save(comparison);
      await out.finish(resume === undefined ? [] : [resume]);
    },
    interrupted: (_, { output: out, values }) => {
      const { resume } = out.resumePath(values);
      if (resume !== undefined && !existsSync(resume)) return 'Stopped before the first row was finished.';
      return resume === undefined
        ? 'Stopped. With --out or --resume finished rows would have been kept.'
        : `Stopped. Finished rows are kept in '${resume}'. The same command goes on with the rest.`;
    },
  });
