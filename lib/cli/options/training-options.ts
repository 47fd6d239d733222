import { dataType } from '../data-spec.js';
import { objectiveOptions, weightsOptions } from './setting-options.js';
import { option, type OptionTable } from './table.js';
import { choice, count, flag, names, number, numbers } from './value-type.js';

/** Of `train`: what is done with the data. */
export const trainingOptions = {
  epochs: option(count, 'passes over the data; default 10'),
  test: option(dataType, 'data set that is evaluated after each epoch, may come several times', {
    short: 't',
  }),
  seed: option(count, 'of the order of samples and of dropout; default 0'),
  shuffle: option(flag, 'a new order of the samples in every epoch', { isOn: true }),
  dropLast: option(flag, 'leave out a last batch that is not full'),
  clipNorm: option(number, 'gradients of a larger norm are scaled down to it'),
  freeze: option(names, 'parameters that stay as they are, by name or pattern'),
  every: option(count, 'epochs from one checkpoint to the next; default 1'),
  resume: option(flag, 'go on with the newest good checkpoint in --out'),
} satisfies OptionTable;

/** Of `OptimizerOptions`, under PyTorch's names. */
export const optimizerOptions = {
  optimizer: option(choice('sgd', 'adam', 'adamw'), 'default sgd'),
  lr: option(number, 'learning rate; default 0.001'),
  weightDecay: option(number, 'default 0, of adamw 0.01'),
  momentum: option(number, 'of sgd; default 0'),
  dampening: option(number, 'of the momentum; default 0'),
  nesterov: option(flag, 'of sgd'),
  betas: option(numbers, 'of adam and adamw; default 0.9,0.999'),
  eps: option(number, 'of adam and adamw; default 1e-8'),
  amsgrad: option(flag, 'of adam and adamw'),
} satisfies OptionTable;

/** Of `ScheduleOptions`. */
export const scheduleOptions = {
  schedule: option(choice('constant', 'step', 'cosine'), 'of the learning rate; default constant'),
  stepSize: option(count, 'of step: epochs from one drop to the next'),
  gamma: option(number, 'of step: what the rate is multiplied by; default 0.1'),
  minimum: option(number, 'of cosine: where it ends; default 0'),
  scheduleEpochs: option(count, 'of cosine: epochs to the end; default --epochs', { as: 'epochs' }),
} satisfies OptionTable;

/** Of `PoisonOptions`. */
export const poisonOptions = {
  poison: option(dataType, 'samples whose labels are to be avoided (Huang 2019)'),
  poisonWeight: option(number, 'β of their loss −log(1 − p); default 0.5', { as: 'weight' }),
  poisonBatchSize: option(count, 'of them in each step; default --batch-size', { as: 'batchSize' }),
} satisfies OptionTable;

const { mode: _mode, metrics: _metrics, dropoutSeed: _seed, ...lossOptions } = objectiveOptions;

/** Of the objective: all but the mode, which is train, then eval. */
export const trainLossOptions = {
  ...lossOptions,
  batchSize: option(count, 'samples a step; default 128'),
} satisfies OptionTable;

/** Where training starts. */
export const startOptions = weightsOptions;
