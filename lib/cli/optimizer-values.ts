import { LossAtlasError, type OptimizerOptions, type ScheduleOptions } from '../index.js';
import { optimizerOptions, scheduleOptions } from './options/training-options.js';
import { take, type Values } from './options/table.js';
import { refuseOptions } from './refuse-options.js';

const sgdKeys = ['momentum', 'dampening', 'nesterov'];
const adamKeys = ['betas', 'eps', 'amsgrad'];
const scheduleKeys = { step: ['stepSize', 'gamma'], cosine: ['minimum', 'scheduleEpochs', 'scheduleSteps'] };

/** What was given of an optimizer. Throws ERR_INVALID_OPTION for what it does not have. */
export function optimizerOf(values: Values): OptimizerOptions {
  const name = (values.optimizer as OptimizerOptions['name'] | undefined) ?? 'sgd';
  const foreign = name === 'sgd' ? adamKeys : sgdKeys;
  refuseOptions(values, foreign, `not of the optimizer ${name}`);
  return { ...take<object>(values, optimizerOptions, ['optimizer']), name };
}

/** The same of a schedule, constant where none was given. */
export function scheduleOf(values: Values): ScheduleOptions {
  const { schedule: name = 'constant' } = values;
  for (const [owner, keys] of Object.entries(scheduleKeys))
    if (owner !== name) refuseOptions(values, keys, `for --schedule ${owner}`);
  if (name === 'step' && values.stepSize === undefined)
    throw new LossAtlasError(
      'ERR_INVALID_OPTION',
      'The schedule step needs --step-size: after how many epochs or steps the rate drops.',
    );
  return { ...take<object>(values, scheduleOptions, ['schedule']), name } as ScheduleOptions;
}
