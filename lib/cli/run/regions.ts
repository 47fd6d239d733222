import { decisionRegions, type DecisionRegionsOptions } from '../../index.js';
import { bytesOfRegions, defaultRegionPoints } from '../../geometry/decision-regions.js';
import { runAnalysis, type Run } from '../analysis.js';
import type { CommandSpec } from '../command.js';
import { withProcess } from '../dry-run.js';
import { regionsOptions } from '../options/geometry-options.js';
import { take } from '../options/table.js';
import { atOption, openSetting, type Setting } from '../setting.js';
import { settingWords } from '../setting-words.js';
import { summarize } from '../summary.js';
import { sizeOf } from './surface.js';

function optionsOf(setting: Setting, { values, analysis }: Run): DecisionRegionsOptions {
  return { ...take<DecisionRegionsOptions>(values, regionsOptions), ...atOption(setting), ...analysis };
}

export const runRegions: CommandSpec['run'] = async (invocation) =>
  runAnalysis(invocation, {
    name: 'regions',
    kinds: () => ['decision-regions'],
    open: async (run) => openSetting(run.resources, run.values),
    plan: (setting, run) => {
      const size = sizeOf(run, defaultRegionPoints);
      const total = size.reduce((product, n) => product * n, 1);
      let numClasses = 0;
      return {
        steps: [...settingWords(setting), `Regions   ${size.join(' × ')} points of the inputs`],
        unit: 'points',
        total,
        trial: async () => {
          const few = { points: 51, yPoints: 51 };
          const regions = await decisionRegions(setting.loss, { ...optionsOf(setting, run), ...few });
          numClasses = regions.classNames.length;
          return 51 * 51;
        },
        memory: () =>
          withProcess(
            bytesOfRegions(total, numClasses),
            'That of the points alone, without what the model takes for a batch.',
          ),
      };
    },
    compute: async (setting, run) => {
      const regions = await decisionRegions(setting.loss, optionsOf(setting, run));
      run.output.print(regions, summarize(regions));
      await run.output.save(regions);
      await run.output.finish([]);
    },
    interrupted: () => 'Stopped. Nothing is kept.',
  });
