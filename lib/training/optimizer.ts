import { LossAtlasError } from '../errors.js';
import type { CheckpointDict, CheckpointValue } from '../io/checkpoint/value.js';
import type { TrainingOptimizer } from '../results.js';
import { checkOptions, invalidOption, isBoolean, isNumber, isOneOf } from '../validate.js';

/** `torch.optim.SGD`, with its names and defaults. */
export interface SgdOptions {
  readonly name: 'sgd';
  /** Default 0.001. */
  readonly lr?: number;
  /** Default 0. */
  readonly momentum?: number;
  /** Of the momentum; default 0. */
  readonly dampening?: number;
  /** Default 0. */
  readonly weightDecay?: number;
  /** Default false; wants a momentum without dampening. */
  readonly nesterov?: boolean;
}

/** `torch.optim.Adam` and `torch.optim.AdamW`, with their names and defaults. */
export interface AdamOptions {
  readonly name: 'adam' | 'adamw';
  /** Default 0.001. */
  readonly lr?: number;
  /** Of the averages of gradient and square; default [0.9, 0.999]. */
  readonly betas?: readonly [number, number];
  /** Default 1e-8. */
  readonly eps?: number;
  /** Default 0, of `adamw` 0.01. */
  readonly weightDecay?: number;
  /** Default false. */
  readonly amsgrad?: boolean;
}

export type OptimizerOptions = SgdOptions | AdamOptions;

const isRate = isNumber(0);
const isShare = (v: unknown) =>
  typeof v === 'number' && v >= 0 && v < 1 ? null : 'a number from 0 to below 1';
const isBetas = (v: unknown) =>
  Array.isArray(v) && v.length === 2 && v.every((beta) => isShare(beta) === null)
    ? null
    : 'a pair of numbers from 0 to below 1';

const common = { name: isOneOf('sgd', 'adam', 'adamw'), lr: isRate, weightDecay: isRate };
const checks = {
  sgd: { ...common, momentum: isRate, dampening: isNumber(), nesterov: isBoolean },
  adam: { ...common, betas: isBetas, eps: isRate, amsgrad: isBoolean },
};

/** Names of the options that an optimizer has. */
export function optimizerKeys(name: TrainingOptimizer['name']): readonly string[] {
  return Object.keys(name === 'sgd' ? checks.sgd : checks.adam);
}

/** All options of an optimizer. Throws ERR_INVALID_OPTION. */
export function completeOptimizer(caller: string, options: OptimizerOptions): TrainingOptimizer {
  const name: unknown = (options as OptimizerOptions | null | undefined)?.name;
  const expected = common.name(name);
  if (expected !== null)
    throw invalidOption(`${caller}: option 'optimizer'`, `an object whose name is ${expected}`, options);
  checkOptions(`${caller}: optimizer`, options, name === 'sgd' ? checks.sgd : checks.adam);
  if (options.name === 'sgd') {
    const { lr = 1e-3, momentum = 0, dampening = 0, weightDecay = 0, nesterov = false } = options;
    if (nesterov && (momentum === 0 || dampening !== 0)) {
      throw new LossAtlasError(
        'ERR_INVALID_OPTION',
        `${caller}: optimizer: nesterov wants a momentum above 0 and no dampening.`,
      );
    }
    const others = { beta1: null, beta2: null, eps: null, amsgrad: false };
    return Object.freeze({ name: 'sgd', lr, weightDecay, momentum, dampening, nesterov, ...others });
  }
  const { lr = 1e-3, betas = [0.9, 0.999], eps = 1e-8, amsgrad = false } = options;
  const { weightDecay = options.name === 'adamw' ? 1e-2 : 0 } = options;
  const others = { momentum: null, dampening: null, nesterov: false };
  const [beta1, beta2] = betas;
  return Object.freeze({ name: options.name, lr, weightDecay, ...others, beta1, beta2, eps, amsgrad });
}

/** As the addon takes them. */
export function optimizerNumbers(optimizer: TrainingOptimizer): Float64Array {
  const { weightDecay, momentum, dampening, nesterov, beta1, beta2, eps, amsgrad } = optimizer;
  return Float64Array.of(
    weightDecay,
    momentum ?? 0,
    dampening ?? 0,
    Number(nesterov),
    beta1 ?? 0.9,
    beta2 ?? 0.999,
    eps ?? 1e-8,
    Number(amsgrad),
  );
}

/** PyTorch's names for the vectors of an optimizer's state, in the addon's order. */
export function momentNames({ name, momentum, amsgrad }: TrainingOptimizer): readonly string[] {
  if (name === 'sgd') return momentum === 0 ? [] : ['momentum_buffer'];
  return amsgrad ? ['exp_avg', 'exp_avg_sq', 'max_exp_avg_sq'] : ['exp_avg', 'exp_avg_sq'];
}

/** The one entry of `param_groups` in PyTorch's `optimizer.state_dict()`, at this learning rate. */
export function parameterGroup(
  optimizer: TrainingOptimizer,
  learningRate: number,
  numParameters: number,
): CheckpointDict {
  const { name, lr, weightDecay, momentum, dampening, nesterov, beta1, beta2, eps, amsgrad } = optimizer;
  const own: [string, CheckpointValue][] =
    name === 'sgd'
      ? [
          ['momentum', momentum],
          ['dampening', dampening],
          ['weight_decay', weightDecay],
          ['nesterov', nesterov],
        ]
      : [
          ['betas', [beta1, beta2]],
          ['eps', eps],
          ['weight_decay', weightDecay],
          ['amsgrad', amsgrad],
          ['capturable', false],
          ['decoupled_weight_decay', name === 'adamw'],
        ];
  return new Map<CheckpointValue, CheckpointValue>([
    ['lr', learningRate],
    ...own,
    ['maximize', false],
    ['foreach', null],
    ['differentiable', false],
    ['fused', null],
    ['initial_lr', lr],
    ['params', Array.from({ length: numParameters }, (_, i) => i)],
  ]);
}
