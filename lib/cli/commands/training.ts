import type { CommandSpec } from '../command.js';
import { dataGroup, figureGroup, modelArgument, modelGroup, outputGroup, runGroup } from '../groups.js';
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
    'The model’s file stays as it is: --weights run/epoch-0005.pt analyses what came out of it.',
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
