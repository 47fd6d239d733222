import type { OptimizerOptions, ScheduleOptions } from '../index.js';
import { optimizerKeys } from '../training/optimizer.js';
import { scheduleKeys } from '../training/schedule.js';
import { optimizerOptions, scheduleOptions } from './options/training-options.js';
import { take, type OptionTable, type Values } from './options/table.js';
import { refuseOptions } from './refuse-options.js';

/** What was given of an optimizer. Throws ERR_INVALID_OPTION for an option of another one. */
export function optimizerOf(values: Values): OptimizerOptions {
  const name = (values.optimizer as OptimizerOptions['name'] | undefined) ?? 'sgd';
  const { optimizer: _, ...table } = optimizerOptions;
  refuseForeign(values, table, optimizerKeys(name), (key) =>
    optimizerKeys('sgd').includes(key) ? 'for --optimizer sgd' : 'for --optimizer adam',
  );
  return { ...take<object>(values, table), name };
}

/** The same of a schedule, constant where none was given; `options`: what a command has of it. */
export function scheduleOf(values: Values, options: OptionTable = scheduleOptions): ScheduleOptions {
  const name = (values.schedule as ScheduleOptions['name'] | undefined) ?? 'constant';
  const { schedule: _, ...table } = options;
  refuseForeign(values, table, scheduleKeys(name), (key) =>
    scheduleKeys('step').includes(key) ? 'for --schedule step' : 'for --schedule cosine',
  );
  return { ...take<object>(values, table), name } as ScheduleOptions;
}

/** Refuses what was given of a table but is not among the library's `keys`. */
function refuseForeign(
  values: Values,
  table: OptionTable,
  keys: readonly string[],
  reason: (key: string) => string,
): void {
  for (const [key, { as = key }] of Object.entries(table))
    if (!keys.includes(as)) refuseOptions(values, [key], reason(as));
}
