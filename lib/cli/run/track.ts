import { existsSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import {
  evaluateCheckpoints,
  hessian,
  LossAtlasError,
  objective,
  ownSolution,
  randomBatches,
  spectralDensity,
  trackCheckpoints,
  type Dataset,
  type FollowOptions,
  type Model,
  type ObjectiveOptions,
  type Track,
  type TrackCheckpoint,
  type TrackOptions,
} from '../../index.js';
import { defaultCurvatureSamples, defaultProbes, defaultSteps } from '../../tracks/track-options.js';
import { runAnalysis, type Run } from '../analysis.js';
import { checkpointPaths } from '../checkpoint-paths.js';
import type { CommandSpec } from '../command.js';
import type { Plan } from '../dry-run.js';
import { exitCodes } from '../exit-codes.js';
import { sayNoneRead } from '../none-read.js';
import { openNamedDatasets } from '../open-data.js';
import { followOptions, trackLossOptions, trackOptions } from '../options/track-options.js';
import { solutionOptions } from '../options/setting-options.js';
import { numberOf, take, type Values } from '../options/table.js';
import { refuseOptions } from '../refuse-options.js';
import { openModel, openObjectiveOptions, openSolution } from '../setting.js';
import { summarize } from '../summary.js';

interface Opened {
  readonly model: Model;
  /** A folder, or files in order. */
  readonly checkpoints: string | readonly string[];
  readonly datasets: readonly Dataset[];
  readonly loss: ObjectiveOptions;
  readonly options: TrackOptions;
}

async function open({ values, resources, output }: Run): Promise<Opened> {
  const follow = followOf(values);
  const checkpoints = await foundCheckpoints(values.checkpoints as string[], follow !== undefined);
  const model = await openModel(resources, values);
  const datasets = await openNamedDatasets(values);
  const loss = await openObjectiveOptions(resources, model, take(values, trackLossOptions));
  const own = take<TrackOptions>(values, { ...trackOptions, ...solutionOptions }, ['resume']);
  const options = {
    ...loss,
    ...own,
    ...output.resumePath(values),
    ...(follow === undefined ? {} : { follow }),
  };
  return { model, checkpoints, datasets, loss, options };
}

function followOf(values: Values): FollowOptions | undefined {
  if (values.follow === true) return take<FollowOptions>(values, followOptions);
  refuseOptions(values, Object.keys(followOptions), 'for --follow');
  return undefined;
}

/** One folder stays a folder, which has an order of its own. */
async function foundCheckpoints(
  paths: readonly string[],
  isFollowed: boolean,
): Promise<string | readonly string[]> {
  const [first, ...others] = paths as [string, ...string[]];
  const isFolder = await stat(first).then(
    (stats) => stats.isDirectory(),
    // Training may not have begun.
    () => isFollowed,
  );
  if (others.length === 0 && isFolder) return first;
  if (isFollowed)
    throw new LossAtlasError('ERR_INVALID_OPTION', `--follow takes one folder, not '${paths.join(' ')}'.`);
  return checkpointPaths(paths);
}

/** Where no checkpoint could be read, there is nothing that a finished result should give way to. */
function hasRows({ checkpoints }: Track): boolean {
  return checkpoints.some(({ problem }) => problem === null);
}

/** Into logs; a bar would be broken by it. */
function sayCheckpoint(checkpoint: TrackCheckpoint, { quiet }: Values): void {
  if (quiet === true || process.stderr.isTTY) return;
  const { label, problem, rows } = checkpoint;
  const words = rows.map(({ data, loss, accuracy, curvature }) => {
    const percent = accuracy === null ? '' : `, accuracy ${(100 * accuracy).toFixed(2)} %`;
    const { largest, smallest, spectrum } = curvature ?? {};
    const ends =
      largest === undefined || smallest === undefined
        ? ''
        : `, λ ${largest.value.toPrecision(4)} to ${smallest.value.toPrecision(4)}`;
    const kh05 = spectrum == null ? '' : `, KH05 ${spectrum.criteria.kh05.value.toPrecision(3)}`;
    return `${data} loss ${loss.toPrecision(4)}${percent}${ends}${kh05}`;
  });
  process.stderr.write(`${label}: ${problem ?? words.join('; ')}\n`);
}

/** Of each probe of the trial. */
const trialSteps = 4;

async function plan({ model, checkpoints, datasets, loss, options }: Opened, run: Run): Promise<Plan> {
  const { resources } = run;
  const isThere = typeof checkpoints !== 'string' || existsSync(checkpoints);
  const paths = isThere
    ? await checkpointPaths(typeof checkpoints === 'string' ? [checkpoints] : checkpoints)
    : [];
  const {
    curvature = 'all',
    spectrum = true,
    curvatureSamples = defaultCurvatureSamples,
    seed = 0,
  } = options;
  const names = datasets.map(({ name }) => name).join(', ');
  const isFollowed = options.follow !== undefined;
  const steps = [
    `Track     ${paths.length} checkpoints${isFollowed ? ' and those to come' : ''} on ${names}`,
  ];
  if (curvature === 'none') {
    const at = paths[0] ?? resources.keep(await ownSolution(model));
    const trial = async () => {
      await evaluateCheckpoints(model, [at], datasets, loss);
      return 1;
    };
    return { steps, unit: 'checkpoints', total: paths.length, isExact: !isFollowed, trial };
  }
  const [first] = datasets as [Dataset];
  const batchSize = Math.min(curvatureSamples, first.numSamples);
  const [some] = randomBatches(first, { count: 1, batchSize, seed });
  const goal = resources.keep(objective(model, some!, loss));
  const at = paths[0] === undefined ? null : await openSolution(resources, model, paths[0], run.values);
  const operator = resources.keep(hessian(goal, at === null ? {} : { at }));
  const probes = spectrum ? numberOf(run.values, 'probes', defaultProbes) : 1;
  const each = spectrum
    ? probes * Math.min(numberOf(run.values, 'steps', defaultSteps), model.size)
    : numberOf(run.values, 'maxProducts', 300);
  steps.push(
    `Hessian   of ${batchSize} samples: ${spectrum ? '' : 'at most '}${each} products a checkpoint and data set`,
  );
  return {
    steps,
    unit: 'products',
    total: paths.length * (curvature === 'first' ? 1 : datasets.length) * each,
    isExact: spectrum && !isFollowed,
    // Probes side by side are cheaper than one after the other.
    trial: async () => (await spectralDensity(operator, { steps: trialSteps, probes })).numProducts,
  };
}

export const runTrack: CommandSpec['run'] = async (invocation) =>
  runAnalysis<Opened>(invocation, {
    name: 'track',
    kinds: () => ['track'],
    open,
    plan,
    compute: async ({ model, checkpoints, datasets, options }, { values, output, analysis }) => {
      const track = await trackCheckpoints(model, checkpoints, datasets, {
        ...options,
        ...analysis,
        onCheckpoint: async (checkpoint, soFar) => {
          sayCheckpoint(checkpoint, values);
          // Somebody may be looking at it.
          if (options.follow !== undefined && hasRows(soFar)) await output.save(soFar);
        },
      });
      if (track.checkpoints.length === 0)
        throw new LossAtlasError(
          'ERR_FILE_NOT_FOUND',
          `No checkpoint came into '${String(checkpoints)}' while it was followed. Nothing was written.`,
        );
      output.print(track, summarize(track));
      if (hasRows(track)) await output.save(track);
      else sayNoneRead();
      // What is kept serves when there are more checkpoints.
      await output.finish([]);
      if (track.checkpoints.some(({ problem }) => problem !== null)) process.exitCode = exitCodes.problems;
    },
    interrupted: (_, { values, output }) => {
      const { resume } = output.resumePath(values);
      if (resume === undefined) return 'Stopped. With --out or --resume finished rows would have been kept.';
      if (!existsSync(resume)) return 'Stopped before the first row was finished.';
      return `Stopped. Finished rows are kept in '${resume}'. The same command goes on with the rest.`;
    },
  });
