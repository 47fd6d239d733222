import {
  explosionTable,
  objective,
  type ExplosionTableOptions,
  type Mode,
  type Objective,
} from '../../index.js';
import { defaultExplosionPoints, numExplosionSurfaces } from '../../landscape/explosion-table.js';
import { runAnalysis, type Run } from '../analysis.js';
import type { CommandSpec } from '../command.js';
import { explosionOptions } from '../options/landscape-options.js';
import { numberOf, take } from '../options/table.js';
import { refuseOptions } from '../refuse-options.js';
import { atOption, openObjectiveOptions, openSetting, type Setting } from '../setting.js';
import { settingWords } from '../setting-words.js';
import { summarize } from '../summary.js';
import { keptWords } from './basin.js';

interface Opened {
  readonly setting: Setting;
  readonly objectives: readonly Objective[];
}

function optionsOf({ setting }: Opened, { values, analysis }: Run): ExplosionTableOptions {
  const options = take<ExplosionTableOptions>(values, explosionOptions, ['modes', 'resume']);
  return { ...options, ...atOption(setting), ...analysis };
}

const defaultModes: readonly Mode[] = ['train', 'eval'];

async function open(run: Run): Promise<Opened> {
  const { resources, values } = run;
  refuseOptions(values, ['mode'], 'of a table of all: give --modes');
  const setting = await openSetting(resources, values);
  const options = await openObjectiveOptions(resources, setting.model, values);
  const modes = (values.modes as readonly Mode[] | undefined) ?? defaultModes;
  const objectives = modes.map((mode) =>
    resources.keep(objective(setting.model, setting.loss.data, { ...options, mode })),
  );
  return { setting, objectives };
}

const firstPart = (resume: string | undefined) => (resume === undefined ? undefined : `${resume}-1`);

export const runExplosion: CommandSpec['run'] = async (invocation) =>
  runAnalysis(invocation, {
    name: 'explosion',
    kinds: () => ['explosion-table'],
    open,
    plan: (opened, run) => {
      const points = numberOf(run.values, 'points', defaultExplosionPoints);
      const count = numExplosionSurfaces(opened.objectives.length);
      return {
        steps: [
          ...settingWords(opened.setting),
          `Explosion ${count} surfaces of ${points} × ${points} points`,
        ],
        unit: 'points',
        total: count * points ** 2,
        isExact: false,
        trial: async () => {
          await explosionTable(opened.objectives.slice(0, 1), { ...optionsOf(opened, run), points: 2 });
          return numExplosionSurfaces(1) * 5;
        },
      };
    },
    compute: async (opened, run) => {
      const resume = run.output.resumePath(run.values);
      const table = await explosionTable(opened.objectives, { ...optionsOf(opened, run), ...resume });
      run.output.print(table, summarize(table));
      await run.output.save(table);
      const kept = resume.resume;
      await run.output.finish(kept === undefined ? [] : table.rows.map((_, i) => `${kept}-${i + 1}`));
    },
    interrupted: (_, run) => keptWords('points', firstPart(run.output.resumePath(run.values).resume)),
  });
