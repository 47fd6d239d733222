import {
  LossAtlasError,
  train,
  type Dataset,
  type EpochFigures,
  type Model,
  type TrainOptions,
} from '../../index.js';
import { listCheckpoints } from '../../training/checkpoints.js';
import { runAnalysis, type Run } from '../analysis.js';
import type { CommandSpec } from '../command.js';
import { openDatasets, openDatasetsOf } from '../open-data.js';
import { optimizerOf, scheduleOf } from '../optimizer-values.js';
import { poisonOptions, trainingOptions, trainLossOptions } from '../options/training-options.js';
import { numberOf, take, type Values } from '../options/table.js';
import { openModel, openObjectiveOptions, openSolution } from '../setting.js';
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
  const own = take<TrainOptions>(values, trainingOptions, ['test', 'every', 'resume']);
  const options: TrainOptions = {
    ...loss,
    ...own,
    epochs: numberOf(values, 'epochs', defaultEpochs),
    evaluateOn,
    optimizer: optimizerOf(values),
    schedule: scheduleOf(values),
    ...(await poisonOf(values)),
    ...(values.weights === undefined
      ? {}
      : { from: await openSolution(resources, model, values.weights as string, values) }),
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

export const runTrain: CommandSpec['run'] = async (invocation) =>
  runAnalysis<Opened>(invocation, {
    name: 'training',
    kinds: () => ['training-run'],
    open,
    plan: ({ model, data, options }) => {
      const { epochs, batchSize = 128, evaluateOn: _, ...others } = options;
      const trialSteps = Math.min(3, Math.ceil(data.numSamples / batchSize));
      const some = data.slice(0, trialSteps * batchSize);
      return {
        steps: [
          `Train     ${model.name}, ${epochs} epochs of ${data.numSamples} samples in batches of ${Math.min(batchSize, data.numSamples)}`,
        ],
        unit: 'steps',
        total: epochs * Math.ceil(data.numSamples / batchSize),
        trial: async () => {
          using _training = await train(model, some, { ...others, batchSize, epochs: 1 });
          return trialSteps;
        },
      };
    },
    compute: async ({ model, data, options }, { values, output, analysis }) => {
      const folder = folderOf(values);
      const every = values.every as number | undefined;
      using training = await train(model, data, {
        ...options,
        ...analysis,
        resume: values.resume === true,
        onEpoch: (figures) => sayEpoch(figures, options, values),
        ...(folder === null ? {} : { checkpoints: { folder, ...(every === undefined ? {} : { every }) } }),
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
