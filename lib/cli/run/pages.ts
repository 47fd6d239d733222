import {
  allModes,
  landscapeAtlas,
  loadMoments,
  type AllModesOptions,
  type AtlasOptions,
  type LoadedMoments,
} from '../../index.js';
import type { Run } from '../analysis.js';
import type { CommandSpec } from '../command.js';
import {
  atlasOptions,
  modesOptions,
  normalizationOptions,
  planeAxisOptions,
  randomOptions,
} from '../options/landscape-options.js';
import { take } from '../options/table.js';
import { refuseOptions } from '../refuse-options.js';
import { atOption } from '../setting.js';
import { required } from './axes.js';
import { runLandscape } from './run-landscape.js';
import { gridOf, sizeOf } from './surface.js';

const { orthogonal } = planeAxisOptions;
const { seed, law } = randomOptions;

const pointsOf = (run: Run) => sizeOf(run).reduce((product, n) => product * n, 1);
const few = { points: 2, yPoints: 2 } as const;

export const runAtlas: CommandSpec['run'] = async (invocation) => {
  const seedsOf = ({ values }: Run) => (values.seeds as readonly number[] | undefined) ?? [1, 2, 3, 4];
  const optionsOf = (run: Run): AtlasOptions => ({
    ...gridOf(run),
    ...take<AtlasOptions>(run.values, { ...atlasOptions, law, ...normalizationOptions, orthogonal }),
  });
  await runLandscape(invocation, {
    name: 'atlas',
    kind: 'landscape-atlas',
    open: async () => Promise.resolve(null),
    numPoints: (_, run) => seedsOf(run).length * pointsOf(run),
    describe: (_, run) => `${sizeOf(run).join(' × ')} points on each of ${seedsOf(run).length} planes`,
    compute: async (setting, _, run, resume) =>
      landscapeAtlas(setting.loss, { ...optionsOf(run), ...atOption(setting), ...resume }),
    trial: async (setting, _, run) => {
      await landscapeAtlas(setting.loss, { ...optionsOf(run), ...atOption(setting), ...few, seeds: [1] });
      return 5;
    },
  });
};

export const runModes: CommandSpec['run'] = async (invocation) => {
  const numPanels = ({ values }: Run) =>
    ({ random: 4, hessian: 8, adam: 10 })[(values.axes as AllModesOptions['axes']) ?? 'hessian'];
  const optionsOf = (run: Run, moments: LoadedMoments | null): AllModesOptions => ({
    ...gridOf(run),
    ...take<AllModesOptions>(run.values, { axes: modesOptions.axes, seed }),
    ...(moments === null ? {} : { moments }),
  });
  await runLandscape(invocation, {
    name: 'modes',
    kind: 'landscape-atlas',
    open: async ({ model }, { values, resources }) => {
      if (values.axes !== 'adam') refuseOptions(values, ['moments'], "for axes 'adam'");
      return values.axes === 'adam'
        ? resources.keep(await loadMoments(model, required(values, 'moments', "axes 'adam'")))
        : null;
    },
    numPoints: (_, run) => numPanels(run) * pointsOf(run),
    describe: (_, run) => `${sizeOf(run).join(' × ')} points in each of ${numPanels(run)} panels`,
    compute: async ({ loss }, moments, run, resume) =>
      allModes(loss, { ...optionsOf(run, moments), ...resume }),
    trial: async ({ loss }, moments, run) => {
      await allModes(loss, { ...optionsOf(run, moments), ...few, axes: 'random' });
      return 4 * 5;
    },
  });
};
