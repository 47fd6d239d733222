import { existsSync } from 'node:fs';
import {
  connectModes,
  LossAtlasError,
  ownSolution,
  type ConnectModesOptions,
  type Solution,
} from '../../index.js';
import {
  connectionFiles,
  curveKinds,
  defaultOptimizer,
  defaultPoints,
  defaultSteps,
  valuesMode,
} from '../../connectivity/connect-options.js';
import { runAnalysis, type Run } from '../analysis.js';
import { checkpointLabels } from '../checkpoint-paths.js';
import type { CommandSpec } from '../command.js';
import { openDatasetsOf } from '../open-data.js';
import { optimizerOf, scheduleOf } from '../optimizer-values.js';
import {
  connectOptions,
  connectScheduleOptions,
  connectTrainingOptions,
} from '../options/geometry-options.js';
import { numberOf, take, type Values } from '../options/table.js';
import { refuseOptions } from '../refuse-options.js';
import { openSetting, openSolution, type Setting } from '../setting.js';
import { settingWords } from '../setting-words.js';
import { summarize } from '../summary.js';
import { keptWords } from './basin.js';

interface Opened {
  readonly setting: Setting;
  readonly from: Solution;
  readonly to: Solution;
  readonly options: ConnectModesOptions;
}

async function open(run: Run): Promise<Opened> {
  const { values, resources } = run;
  if (values.from === undefined && values.to === undefined)
    throw new LossAtlasError(
      'ERR_INVALID_OPTION',
      'Two minima are needed: give --from and --to (or one of them, and the model has the other).',
    );
  const setting = await openSetting(resources, values);
  const paths = [values.from, values.to].filter((path) => typeof path === 'string');
  const labels = checkpointLabels(paths);
  const solution = async (key: 'from' | 'to') => {
    const path = values[key] as string | undefined;
    return path === undefined
      ? resources.keep(await ownSolution(setting.model))
      : openSolution(resources, setting.model, path, values, labels[paths.indexOf(path)]);
  };
  const evaluateOn = await openDatasetsOf(values, 'test');
  const [from, to] = [await solution('from'), await solution('to')];
  return { setting, from, to, options: { ...optionsOf(values), evaluateOn } };
}

function optionsOf(values: Values): ConnectModesOptions {
  const options = take<ConnectModesOptions>(values, connectOptions, ['resume']);
  const mode =
    values.mode === undefined ? {} : { mode: values.mode as NonNullable<ConnectModesOptions['mode']> };
  if (curveKinds(options).length === 0) {
    refuseOptions(values, Object.keys(connectTrainingOptions), 'for curves, and --path linear has none');
    return { ...options, ...mode };
  }
  const given = optimizerOf(values);
  return {
    ...options,
    ...mode,
    optimizer: given.name === 'sgd' ? { ...defaultOptimizer, ...given } : given,
    schedule: scheduleOf({ schedule: 'cosine', ...values }, connectScheduleOptions),
  };
}

export const runConnect: CommandSpec['run'] = async (invocation) =>
  runAnalysis<Opened>(invocation, {
    name: 'connection',
    kinds: () => ['mode-connection'],
    open,
    plan: ({ setting, from, to, options }, { values }) => {
      const kinds = curveKinds(options);
      const numCurves = kinds.length;
      const steps = numberOf(values, 'steps', defaultSteps);
      const points = numberOf(values, 'points', defaultPoints);
      const surface = numberOf(values, 'surface', 0);
      const numPoints = (1 + numCurves) * points + numCurves * surface ** 2;
      // Steps and points as the run mixes them.
      const fewPoints = 3 * (1 + numCurves);
      const fewSteps = Math.max(1, Math.min(100, Math.round((steps / numPoints) * fewPoints)));
      return {
        steps: [
          ...settingWords(setting, valuesMode(setting.loss, options)),
          `Paths     ${['linear', ...kinds].join(', ')} from ${from.label} to ${to.label}, ${points} points each`,
          ...(numCurves === 0 ? [] : [`Training  ${steps} steps of each curve`]),
        ],
        unit: numCurves === 0 ? 'points' : 'steps and points',
        total: numCurves * steps + numPoints,
        trial: async () => {
          const { surface: _, ...others } = options;
          const few = { points: 3, ...(numCurves === 0 ? {} : { steps: fewSteps }) };
          using _found = await connectModes(setting.loss, from, to, { ...others, ...few });
          return numCurves * fewSteps + fewPoints;
        },
      };
    },
    compute: async ({ setting, from, to, options }, { values, output, analysis }) => {
      const resume = output.resumePath(values);
      using found = await connectModes(setting.loss, from, to, { ...options, ...analysis, ...resume });
      output.print(found.connection, summarize(found.connection));
      await output.save(found.connection);
      for (const { kind, bends } of found.curves) {
        for (const [i, bend] of bends.entries())
          await output.saveSolution(bend, bends.length === 1 ? kind : `${kind}-${i + 1}`);
      }
      await output.sayOlder(/^-(bezier|chain)(-\d+)?\.pth$/, 'control points');
      await output.finish(resume.resume === undefined ? [] : connectionFiles(resume.resume));
    },
    interrupted: (_, { values, output }) => {
      const { resume } = output.resumePath(values);
      const files = resume === undefined ? [] : connectionFiles(resume);
      return keptWords('steps', files.find((file) => existsSync(file)) ?? resume);
    },
  });
