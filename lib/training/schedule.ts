import type { TrainingSchedule } from '../results.js';
import { checkOptions, invalidOption, isInteger, isNumber, isOneOf } from '../validate.js';

/** How the learning rate of an epoch follows from the optimizer's `lr`. */
export type ScheduleOptions =
  /** Always the same. */
  | { readonly name: 'constant' }
  /** `torch.optim.lr_scheduler.StepLR`: times `gamma` (default 0.1) after every `stepSize` epochs. */
  | { readonly name: 'step'; readonly stepSize: number; readonly gamma?: number }
  /**
   * `torch.optim.lr_scheduler.CosineAnnealingLR`: half a cosine over `epochs` (default those of the run) down to `minimum`
   * (default 0).
   */
  | { readonly name: 'cosine'; readonly epochs?: number; readonly minimum?: number };

const name = isOneOf('constant', 'step', 'cosine');
const checks = {
  constant: { name },
  step: { name, stepSize: isInteger(1), gamma: isNumber(0) },
  cosine: { name, epochs: isInteger(1), minimum: isNumber(0) },
};

/** Names of the options that a schedule has. */
export function scheduleKeys(schedule: TrainingSchedule['name']): readonly string[] {
  return Object.keys(checks[schedule]);
}

/** Throws ERR_INVALID_OPTION. `epochs`: of the run. */
export function completeSchedule(
  caller: string,
  options: ScheduleOptions | undefined,
  epochs: number,
): TrainingSchedule {
  const none = { stepSize: null, gamma: null, epochs: null, minimum: null };
  if (options === undefined) return Object.freeze({ name: 'constant', ...none });
  const given: unknown = (options as ScheduleOptions | null)?.name;
  const expected = name(given);
  if (expected !== null)
    throw invalidOption(`${caller}: option 'schedule'`, `an object whose name is ${expected}`, options);
  checkOptions(`${caller}: schedule`, options, checks[options.name]);
  switch (options.name) {
    case 'constant':
      return Object.freeze({ name: 'constant', ...none });
    case 'step': {
      const { stepSize, gamma = 0.1 } = options as { stepSize?: number; gamma?: number };
      if (stepSize === undefined)
        throw invalidOption(`${caller}: schedule: option 'stepSize'`, 'a number of epochs', stepSize);
      return Object.freeze({ ...none, name: 'step', stepSize, gamma });
    }
    case 'cosine':
      return Object.freeze({
        ...none,
        name: 'cosine',
        epochs: options.epochs ?? epochs,
        minimum: options.minimum ?? 0,
      });
  }
}

/**
 * The learning rate of an epoch, counted from 0: lr·γ^⌊e/s⌋, or min + (lr − min)·(1 + cos(πe/E))/2 (Loshchilov and Hutter
 * 2017, arXiv 1608.03983).
 */
export function learningRateOf(lr: number, schedule: TrainingSchedule, epoch: number): number {
  switch (schedule.name) {
    case 'constant':
      return lr;
    case 'step':
      return lr * schedule.gamma! ** Math.floor(epoch / schedule.stepSize!);
    case 'cosine': {
      const { minimum, epochs } = schedule;
      return minimum! + ((lr - minimum!) * (1 + Math.cos((Math.PI * epoch) / epochs!))) / 2;
    }
  }
}
