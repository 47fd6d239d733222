import { existsSync } from 'node:fs';
import {
  AbortError,
  type DrawResultOptions,
  type LandscapeAtlas,
  type LossLine,
  type LossSurface,
} from '../../index.js';
import { runAnalysis, type Run } from '../analysis.js';
import type { Invocation } from '../command.js';
import { gigabytes } from '../dry-run.js';
import { keptProducts, productsPath } from '../keep-products.js';
import { openSetting, type Setting } from '../setting.js';
import { settingWords } from '../setting-words.js';
import { summarize } from '../summary.js';

export type Landscape = LossLine | LossSurface | LandscapeAtlas;

/** One of the commands of `landscape`. */
export interface LandscapeCommand<Extra> {
  readonly name: string;
  readonly kind: Landscape['kind'];
  /** Directions, other solutions. */
  readonly open: (setting: Setting, run: Run) => Promise<Extra>;
  readonly numPoints: (extra: Extra, run: Run) => number;
  /** What will be computed, in words. */
  readonly describe: (extra: Extra, run: Run) => string;
  /** `resume`: where the sweep keeps its points. */
  readonly compute: (
    setting: Setting,
    extra: Extra,
    run: Run,
    resume: { resume?: string },
  ) => Promise<Landscape>;
  /** The same with few points, of which it says how many. */
  readonly trial: (setting: Setting, extra: Extra, run: Run) => Promise<number>;
  /** What comes with the landscape: a path on it. */
  readonly companions?: (setting: Setting, extra: Extra, run: Run) => Promise<DrawResultOptions>;
}

export async function runLandscape<Extra>(
  invocation: Invocation,
  command: LandscapeCommand<Extra>,
): Promise<void> {
  await runAnalysis(invocation, {
    name: command.name,
    kinds: () => [command.kind],
    open: async (run) => {
      const setting = await openSetting(run.resources, run.values);
      return { setting, extra: await command.open(setting, run) };
    },
    plan: ({ setting, extra }, run) => ({
      steps: [...settingWords(setting), `Landscape ${command.describe(extra, run)}`],
      unit: 'points',
      total: command.numPoints(extra, run),
      trial: async () => command.trial(setting, extra, run),
      memory: () => landscapeMemory(command.numPoints(extra, run), run),
    }),
    compute: async ({ setting, extra }, run) => {
      const { output, values } = run;
      const resume = output.resumePath(values);
      const landscape = await command.compute(setting, extra, run, resume);
      const more = (await command.companions?.(setting, extra, run)) ?? {};
      // First what cannot fail for want of room.
      output.print(landscape, summarize(landscape));
      await output.save(landscape, '', more);
      const axes = productsPath(run, 'axes');
      await output.finish([...resumeFiles(landscape, resume.resume), ...(axes === undefined ? [] : [axes])]);
    },
    interrupted: (error, run) => interruptedWords(error, run),
  });
}

/** An atlas keeps each of its surfaces in a file of its own. */
function resumeFiles(landscape: Landscape, resume: string | undefined): string[] {
  if (resume === undefined) return [];
  if (landscape.kind !== 'landscape-atlas') return [resume];
  return landscape.surfaces.map((_, i) => `${resume}-${i + 1}`);
}

function interruptedWords({ partial }: AbortError, run: Run): string {
  const { resume } = run.output.resumePath(run.values);
  if (partial === undefined) {
    const axes = productsPath(run, 'axes');
    const search = axes !== undefined && existsSync(axes) ? ` ${keptProducts(axes)}` : '';
    return `Stopped before the first point was finished.${search}`;
  }
  const done = `${partial.numDone} points were finished`;
  if (resume === undefined)
    return `Stopped. ${done} and are lost: only --out or --resume, without --no-resume, keeps them.`;
  const file = existsSync(resume) ? `'${resume}'` : `'${resume}-1', '${resume}-2' …`;
  return `Stopped. ${done} and are kept in ${file}. The same command goes on with the rest.`;
}

/** Of values, and of the picture of a surface while it is drawn (5 kB of each of 201 × 201, 2 kB of each of 601 × 601). */
const bytesPerPoint = 5000;

function landscapeMemory(numPoints: number, { values }: Run): { bytes: number; words: string } {
  const isDrawn = !(values.images as readonly string[] | undefined)?.includes('none');
  const bytes = process.resourceUsage().maxRSS * 1024 + numPoints * (isDrawn ? bytesPerPoint : 100);
  return { bytes, words: `${gigabytes(bytes)} at the peak, of the whole process` };
}
