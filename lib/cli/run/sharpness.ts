import {
  eigenpairs,
  hessian,
  sharpness,
  spectralDensity,
  type EigenvalueCountOptions,
  type SharpnessOptions,
} from '../../index.js';
import { runAnalysis, type Run } from '../analysis.js';
import type { CommandSpec } from '../command.js';
import { sharpnessCommandOptions, sharpnessOptions } from '../options/geometry-options.js';
import { numberOf, take } from '../options/table.js';
import { refuseOptions } from '../refuse-options.js';
import { atOption, openSetting, type Setting } from '../setting.js';
import { settingWords } from '../setting-words.js';
import { summarize } from '../summary.js';

function optionsOf(setting: Setting, { values, analysis }: Run): SharpnessOptions {
  return { ...take<SharpnessOptions>(values, sharpnessOptions), ...atOption(setting), ...analysis };
}

/** What eigenvalues are counted by. */
async function spectrumOf(setting: Setting, { values, analysis }: Run): Promise<EigenvalueCountOptions> {
  if (values.thresholds === undefined) return {};
  const { seed } = sharpnessOptions;
  const { steps, probes } = sharpnessCommandOptions;
  using operator = hessian(setting.loss, atOption(setting));
  const density = await spectralDensity(operator, {
    ...take<{ steps?: number; probes?: number; seed?: number }>(values, { steps, probes, seed }),
    ...analysis,
  });
  const k = numberOf(values, 'eigenpairs', 0);
  if (k === 0) return { density };
  const seeded = take<{ seed?: number }>(values, { seed });
  // The values outlive the vectors.
  using pairs = await eigenpairs(operator, { k, which: 'both-ends', ...seeded, ...analysis });
  return { density, eigenpairs: pairs };
}

export const runSharpness: CommandSpec['run'] = async (invocation) =>
  runAnalysis(invocation, {
    name: 'sharpness',
    kinds: () => ['sharpness'],
    open: async (run) => {
      if (run.values.thresholds === undefined)
        refuseOptions(run.values, Object.keys(sharpnessCommandOptions), 'for counts at --thresholds');
      return openSetting(run.resources, run.values);
    },
    plan: (setting, run) => ({
      steps: [...settingWords(setting), 'Sharpness of boxes, along the gradient and on average'],
      unit: 'perturbations',
      total: 2 * numberOf(run.values, 'samples', 20),
      isExact: false,
      trial: async () => {
        const few = { samples: 2, epsilons: [], subspaceSize: 0 };
        await sharpness(setting.loss, { ...optionsOf(setting, run), ...few });
        return 4;
      },
    }),
    compute: async (setting, run) => {
      const spectrum = await spectrumOf(setting, run);
      const result = await sharpness(setting.loss, { ...optionsOf(setting, run), ...spectrum });
      run.output.print(result, summarize(result));
      await run.output.save(result);
      await run.output.finish([]);
    },
    interrupted: () => 'Stopped. Nothing is kept.',
  });
