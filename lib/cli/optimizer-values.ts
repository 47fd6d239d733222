import type { OptimizerOptions, ScheduleOptions } from '../index.js';
import { optimizerOptions, scheduleOptions } from './options/training-options.js';
import { take, type Values } from './options/table.js';

/** What was given of an optimizer; the library says which options it does not have. */
export function optimizerOf(values: Values): OptimizerOptions {
  const name = (values.optimizer as OptimizerOptions['name'] | undefined) ?? 'sgd';
  return { ...take<object>(values, optimizerOptions, ['optimizer']), name };
}

/** The same of a schedule, constant where none was given. */
export function scheduleOf(values: Values): ScheduleOptions {
  const { schedule: name = 'constant' } = values;
  return { ...take<object>(values, scheduleOptions, ['schedule']), name } as ScheduleOptions;
}
