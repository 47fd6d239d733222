import { existsSync } from 'node:fs';
import { basinVolume, type BasinVolumeOptions } from '../../index.js';
import { runAnalysis, type Run } from '../analysis.js';
import type { CommandSpec } from '../command.js';
import { basinOptions } from '../options/geometry-options.js';
import { numberOf, take } from '../options/table.js';
import { atOption, openSetting, type Setting } from '../setting.js';
import { settingWords } from '../setting-words.js';
import { summarize } from '../summary.js';

function optionsOf(setting: Setting, { values, analysis }: Run): BasinVolumeOptions {
  const options = take<BasinVolumeOptions>(values, basinOptions, ['resume']);
  return { ...options, ...atOption(setting), ...analysis };
}

export const runBasin: CommandSpec['run'] = async (invocation) =>
  runAnalysis(invocation, {
    name: 'basin',
    kinds: () => ['basin-volume'],
    open: async (run) => openSetting(run.resources, run.values),
    plan: (setting, run) => ({
      steps: [...settingWords(setting), `Basin     ${numberOf(run.values, 'rays', 100)} rays`],
      unit: 'rays',
      total: numberOf(run.values, 'rays', 100),
      trial: async () => {
        await basinVolume(setting.loss, { ...optionsOf(setting, run), rays: 4 });
        return 4;
      },
    }),
    compute: async (setting, run) => {
      const resume = run.output.resumePath(run.values);
      const basin = await basinVolume(setting.loss, { ...optionsOf(setting, run), ...resume });
      run.output.print(basin, summarize(basin));
      await run.output.save(basin);
      await run.output.finish(resume.resume === undefined ? [] : [resume.resume]);
    },
    interrupted: (_, run) => keptWords('rays', run.output.resumePath(run.values).resume),
  });

/** What an interrupted run leaves. */
export function keptWords(what: string, resume: string | undefined): string {
  if (resume === undefined)
    return `Stopped. Nothing is kept: only --out or --resume, without --no-resume, keeps finished ${what}.`;
  return existsSync(resume)
    ? `Stopped. Finished ${what} are kept in '${resume}'. The same command goes on with the rest.`
    : `Stopped before any ${what} were finished.`;
}
