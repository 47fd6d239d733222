import {
  ownSolution,
  weightHistogram,
  type Model,
  type Solution,
  type WeightHistogram,
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

async function histogramOf(solutions: readonly Solution[], values: Values): Promise<WeightHistogram> {
  try {
    return await weightHistogram(solutions, take<WeightHistogramOptions>(values, histogramOptions));
  } catch (error) {
    // Its `parameters` are not those of the model, which has an option of that name too.
    throw inFlags(error, histogramOptions);
  }
}

export const runWeights: CommandSpec['run'] = async (invocation) =>
  runAnalysis(invocation, {
    name: 'weights',
    kinds: () => ['weight-histogram'],
    open: async ({ resources, values }) => {
      const model = await openModel(resources, values);
      return { model, solutions: await open(resources, model, values) };
    },
    plan: ({ model, solutions }, { values }) => ({
      steps: [`Model     ${model.name}, ${model.size} parameters`],
      unit: 'solutions',
      total: solutions.length,
      trial: async () => {
        await histogramOf(solutions.slice(0, 1), values);
        return 1;
      },
    }),
    compute: async ({ solutions }, { values, output }) => {
      const histogram = await histogramOf(solutions, values);
      output.print(histogram, summarize(histogram));
      await output.save(histogram);
      await output.finish([]);
    },
    interrupted: () => 'Stopped. Nothing is kept.',
  });
