import {
  LossAtlasError,
  train,
  type Dataset,
  type EpochFigures,
  type Model,
  type ResumedTraining,
  type TrainOptions,
} from '../../index.js';
import { listCheckpoints } from '../../training/checkpoints.js';
import { epochsDone } from '../../training/train.js';
import { runAnalysis, type Run } from '../analysis.js';
import type { CommandSpec } from '../command.js';
import { openDatasets, openDatasetsOf } from '../open-data.js';
import { optimizerOf, scheduleOf } from '../optimizer-values.js';
import { poisonOptions, trainingOptions, trainLossOptions } from '../options/training-options.js';
import { numberOf, take, type Values } from '../options/table.js';
import { openModel, openObjectiveOptions, openWeights } from '../setting.js';
import { summarize } from '../summary.js';

interface Opened {
  readonly model: Model;
  readonly data: Dataset;
  readonly options: TrainOptions;
}

const defaultEpochs = 10;

async function open(run: Run): Promise<Opened> {
  const { values, resources } = run;
  const model = await openModel(resources, values);
  const datasets = await openDatasets(values);
  if (datasets.length > 1)
    throw new LossAtlasError(
      'ERR_INVALID_OPTION',
      `train takes one data set, not ${datasets.length}; give those to evaluate with --test.`,
    );
  const loss = await openObjectiveOptions(resources, model, take(values, trainLossOptions));
  const evaluateOn = await openDatasetsOf(values, 'test');
  const from = await openWeights(resources, model, values);
  const own = take<TrainOptions>(values, trainingOptions, ['test', 'every', 'resume']);
  const options: TrainOptions = {
    ...loss,
    ...own,
    epochs: numberOf(values, 'epochs', defaultEpochs),
    evaluateOn,
    optimizer: optimizerOf(values),
    schedule: scheduleOf(values),
    ...(await poisonOf(values)),
    ...(from === undefined ? {} : { from }),
  };
  return { model, data: datasets[0]!, options };
}

async function poisonOf(values: Values): Promise<Pick<TrainOptions, 'poison'>> {
  const [data] = await openDatasetsOf(values, 'poison');
  const options = take<object>(values, poisonOptions, ['poison']);
  if (data === undefined) {
    if (Object.keys(options).length === 0) return {};
    throw new LossAtlasError('ERR_INVALID_OPTION', 'Options of poison want the samples: give --poison.');
  }
  return { poison: { weight: 0.5, ...options, data } };
}

/** Into logs; a bar would be broken by it. */
function sayEpoch(
  { epoch, loss, evaluations }: EpochFigures,
  { epochs, evaluateOn = [] }: TrainOptions,
  { quiet }: Values,
): void {
  if (quiet === true || process.stderr.isTTY) return;
  const tests = evaluations.map((test, i) => {
    const accuracy = test.accuracy === null ? '' : `, accuracy ${(100 * test.accuracy).toFixed(2)} %`;
    return `; ${evaluateOn[i]!.name} loss ${test.loss.toPrecision(4)}${accuracy}`;
  });
  process.stderr.write(`epoch ${epoch}/${epochs}: loss ${loss.toPrecision(4)}${tests.join('')}\n`);
}

/** None where nothing is written. */
function folderOf(values: Values): string | null {
  return (values.out as string | undefined) ?? (values.json === true ? null : 'lossatlas-out');
}

function folderOptions(values: Values): Pick<TrainOptions, 'resume' | 'checkpoints'> {
  const folder = folderOf(values);
  const every = values.every as number | undefined;
  const resume = values.resume === true;
  if (folder === null) return { resume };
  return { resume, checkpoints: { folder, ...(every === undefined ? {} : { every }) } };
}

/** Files that cannot be read have other names now: whoever has them should know. */
function sayResumed({ path, epochs, damaged }: ResumedTraining): void {
  if (damaged.length === 0) return;
  process.stderr.write(
    `lossatlas: goes on after epoch ${epochs}, from '${path}': what came after it cannot be read, and is kept as ${damaged.join(', ')}.\n`,
  );
}

export const runTrain: CommandSpec['run'] = async (invocation) =>
  runAnalysis<Opened>(invocation, {
    name: 'training',
    kinds: () => ['training-run'],
    open,
    plan: async ({ model, data, options }, { values }) => {
      const { epochs, batchSize = 128, evaluateOn: _, ...others } = options;
      const done = await epochsDone(model, data, { ...options, ...folderOptions(values) });
      const trialSteps = Math.min(3, Math.ceil(data.numSamples / batchSize));
      const some = data.slice(0, trialSteps * batchSize);
      return {
        steps: [
          `Train     ${model.name}, ${epochs} epochs of ${data.numSamples} samples in batches of ${Math.min(batchSize, data.numSamples)}`,
          ...(done === 0 ? [] : [`Done      ${done} of the epochs, by the checkpoints in the folder`]),
        ],
        unit: 'steps',
        total: (epochs - done) * Math.ceil(data.numSamples / batchSize),
        trial: async () => {
          using _training = await train(model, some, { ...others, batchSize, epochs: 1 });
          return trialSteps;
        },
      };
    },
    compute: async ({ model, data, options }, { values, output, analysis }) => {
      using training = await train(model, data, {
        ...options,
        ...analysis,
        ...folderOptions(values),
        onResume: sayResumed,
        onEpoch: (figures) => sayEpoch(figures, options, values),
      });
      const { run } = training;
      output.print(run, summarize(run));
      await output.save(run);
      await output.finish([]);
    },
    interrupted: async (_, { values }) => {
      const folder = folderOf(values);
      if (folder === null) return 'Stopped. Nothing was kept: --out keeps checkpoints.';
      return (await listCheckpoints(folder)).length === 0
        ? 'Stopped before the first checkpoint. Nothing was kept.'
        : `Stopped. Checkpoints of finished epochs are in '${folder}'; the same command with --resume goes on.`;
    },
  });
