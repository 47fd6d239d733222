import { convexityMap, type ConvexityMapOptions, type Plane } from '../../index.js';
import { runAnalysis, type Run } from '../analysis.js';
import type { CommandSpec } from '../command.js';
import { productsPath } from '../keep-products.js';
import { convexityOptions } from '../options/geometry-options.js';
import { randomOptions, searchOptions } from '../options/landscape-options.js';
import { numberOf, take } from '../options/table.js';
import { atOption, openSetting, type Setting } from '../setting.js';
import { settingWords } from '../setting-words.js';
import { summarize } from '../summary.js';
import { openPlane } from './axes.js';
import { keptWords } from './basin.js';
import { sizeOf } from './surface.js';

interface Opened {
  readonly setting: Setting;
  readonly plane: Plane;
}

function optionsOf({ setting, plane }: Opened, { values, analysis }: Run): ConvexityMapOptions {
  const table = { ...convexityOptions, seed: randomOptions.seed };
  const options = take<ConvexityMapOptions>(values, table, ['resume']);
  // A plane that has an origin says it itself.
  return { ...options, ...(plane.origin === null ? atOption(setting) : {}), ...analysis };
}

const standard = 11;

/** Options of the search are the map's, of whatever kind the axes are. */
function withoutSearch(run: Run): Run {
  const entries = Object.entries(run.values).filter(([key]) => !Object.hasOwn(searchOptions, key));
  return { ...run, values: Object.fromEntries(entries) };
}

export const runConvexity: CommandSpec['run'] = async (invocation) =>
  runAnalysis(invocation, {
    name: 'convexity',
    kinds: () => ['eigenvalue-map'],
    open: async (run) => {
      const setting = await openSetting(run.resources, run.values);
      return { setting, plane: await openPlane(setting, withoutSearch(run)) };
    },
    plan: (opened, run) => ({
      steps: [
        ...settingWords(opened.setting),
        `Map       ${sizeOf(run, standard).join(' × ')} points, ${opened.plane.axes.map((axis) => axis.description.label).join(' and ')}`,
      ],
      unit: 'points',
      total:
        sizeOf(run, standard).reduce((product, n) => product * n, 1) + numberOf(run.values, 'compareCold', 0),
      isExact: false,
      trial: async () => {
        const few = { points: 2, yPoints: 1, compareCold: 0 };
        await convexityMap(opened.setting.loss, opened.plane, { ...optionsOf(opened, run), ...few });
        return 2;
      },
    }),
    compute: async (opened, run) => {
      const { resume } = run.output.resumePath(run.values);
      const kept = resume === undefined ? {} : { resume };
      const map = await convexityMap(opened.setting.loss, opened.plane, {
        ...optionsOf(opened, run),
        ...kept,
      });
      run.output.print(map, summarize(map));
      await run.output.save(map);
      await run.output.finish([resume, productsPath(run, 'axes')].filter((path) => path !== undefined));
    },
    interrupted: (_, run) => keptWords('points', run.output.resumePath(run.values).resume),
  });
