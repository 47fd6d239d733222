import {
  interpolate,
  lossLine,
  ownSolution,
  type InterpolateOptions,
  type LossLineOptions,
} from '../../index.js';
import type { Run } from '../analysis.js';
import type { CommandSpec } from '../command.js';
import { interpolateOptions, sweepOptions } from '../options/landscape-options.js';
import { numberOf, take } from '../options/table.js';
import { atOption, openSolution } from '../setting.js';
import { openDirection } from './axes.js';
import { runLandscape } from './run-landscape.js';

const resumeKeys = ['resume'] as const;
/** Even, so that the trial has no centre of its own. */
const trialPoints = 4;

const lineOptions = (run: Run) => ({
  ...take<LossLineOptions>(run.values, sweepOptions, resumeKeys),
  ...run.analysis,
});
const points = (run: Run, standard: number) => numberOf(run.values, 'points', standard);

export const runLine: CommandSpec['run'] = async (invocation) =>
  runLandscape(invocation, {
    name: 'line',
    kind: 'loss-line',
    open: openDirection,
    numPoints: (_, run) => points(run, 51),
    describe: (direction, run) => `${points(run, 51)} points along ${direction.description.label}`,
    compute: async (setting, direction, run, resume) =>
      lossLine(setting.loss, direction, { ...lineOptions(run), ...atOption(setting), ...resume }),
    trial: async (setting, direction, run) => {
      await lossLine(setting.loss, direction, {
        ...lineOptions(run),
        ...atOption(setting),
        points: trialPoints,
      });
      return trialPoints + 1;
    },
  });

export const runInterpolate: CommandSpec['run'] = async (invocation) =>
  runLandscape(invocation, {
    name: 'interpolation',
    kind: 'loss-line',
    open: async ({ model }, { values, resources }) => ({
      from: await openSolution(resources, model, values.from as string, values),
      to:
        values.to === undefined
          ? resources.keep(await ownSolution(model, model.name))
          : await openSolution(resources, model, values.to as string, values),
    }),
    numPoints: (_, run) => points(run, 41),
    describe: ({ from, to }, run) => `${points(run, 41)} points from ${from.label} to ${to.label}`,
    compute: async ({ loss }, { from, to }, run, resume) =>
      interpolate(loss, from, to, { ...interpolation(run), ...resume }),
    trial: async ({ loss }, { from, to }, run) => {
      await interpolate(loss, from, to, { ...interpolation(run), points: trialPoints });
      return trialPoints + 1;
    },
  });

function interpolation(run: Run): InterpolateOptions {
  const table = { ...sweepOptions, ...interpolateOptions };
  return { ...take<InterpolateOptions>(run.values, table, resumeKeys), ...run.analysis };
}
