import type { CommandSpec } from '../command.js';
import { dataGroup, figureGroup, modelArgument, modelGroup, outputGroup, runGroup } from '../groups.js';
import { modelOptions, solutionOptions } from '../options/setting-options.js';
import {
  followOptions,
  trackCommandOptions,
  trackLossOptions,
  trackOptions,
} from '../options/track-options.js';
import {
  optimizerOptions,
  poisonOptions,
  scheduleOptions,
  trainingOptions,
  trainLossOptions,
} from '../options/training-options.js';

export const trainCommand: CommandSpec = {
  name: 'train',
  summary: 'train a model with SGD, Adam or AdamW, with checkpoints that PyTorch reads',
  details:
    'Example: lossatlas train net.pt -d train.npz --test test.npz --optimizer adam --lr 1e-3 --epochs 5 --out run\n' +
    'The model’s file stays as it is: --weights run/epoch-0005.pt analyses what came out of it.\n' +
    'A run that diverges is a result too: it ends with exit code 0, and says at which step and which checkpoint is the last good one.',
  arguments: [modelArgument],
  groups: [
    modelGroup,
    dataGroup,
    { title: 'Training:', options: trainingOptions },
    { title: 'Optimizer:', options: optimizerOptions },
    { title: 'Schedule:', options: scheduleOptions },
    { title: 'Poison:', options: poisonOptions },
    { title: 'Loss:', options: trainLossOptions },
    outputGroup,
    figureGroup,
    runGroup,
  ],
  run: async (invocation) => (await import('../run/train.js')).runTrain(invocation),
};

export const trackCommand: CommandSpec = {
  name: 'track',
  summary: 'loss, accuracy, eigenvalues, trace and criteria over the checkpoints of a training run',
  details:
    'Example: lossatlas track net.pt run/ -d train.npz -d usps.npz --data-options scale=1/255 --follow --idle 600\n' +
    'The first data set is the one it was trained on. A folder goes by the epochs in its files, or else by their names.',
  arguments: [
    modelArgument,
    { name: 'checkpoints', help: 'a folder of them, or files in order', count: 'many' },
  ],
  groups: [
    { title: 'Model:', options: { ...modelOptions, ...solutionOptions } },
    dataGroup,
    { title: 'Loss:', options: trackLossOptions },
    { title: 'Track:', options: trackOptions },
    { title: 'Follow:', options: { ...trackCommandOptions, ...followOptions } },
    outputGroup,
    figureGroup,
    runGroup,
  ],
  run: async (invocation) => (await import('../run/track.js')).runTrack(invocation),
};
