import {
  ownSolution,
  weightHistogram,
  type Model,
  type Solution,
  type WeightHistogramOptions,
} from '../../index.js';
import { runAnalysis } from '../analysis.js';
import { checkpointPaths } from '../checkpoint-paths.js';
import type { CommandSpec } from '../command.js';
import { inFlags } from '../flag-words.js';
import { histogramOptions } from '../options/geometry-options.js';
import { take, type Values } from '../options/table.js';
import { openModel, openSolutions, type Resources } from '../setting.js';
import { summarize } from '../summary.js';

/** The checkpoints, or where there are none the model's own weights. */
async function open(resources: Resources, model: Model, values: Values): Promise<Solution[]> {
  const paths = await checkpointPaths((values.checkpoints as readonly string[] | undefined) ?? []);
  if (paths.length === 0) return [resources.keep(await ownSolution(model))];
  return openSolutions(resources, model, paths, values);
}

export const runWeights: CommandSpec['run'] = async (invocation) =>
  runAnalysis(invocation, {
    name: 'weights',
    kinds: () => ['weight-histogram'],
    open: async ({ resources, values }) => {
      const model = await openModel(resources, values);
      return { model, solutions: await open(resources, model, values) };
    },
    plan: ({ model, solutions }) => ({
      steps: [`Model     ${model.name}, ${model.size} parameters`],
      unit: 'solutions',
      total: solutions.length,
      trial: async () => {
        await weightHistogram(solutions.slice(0, 1));
        return 1;
      },
    }),
    compute: async ({ solutions }, { values, output }) => {
      const options = take<WeightHistogramOptions>(values, histogramOptions);
      const histogram = await weightHistogram(solutions, options).catch((error: unknown) => {
        // Its `parameters` are not those of the model, which has an option of that name too.
        throw inFlags(error, histogramOptions);
      });
      output.print(histogram, summarize(histogram));
      await output.save(histogram);
      await output.finish([]);
    },
    interrupted: () => 'Stopped. Nothing is kept.',
  });
