import { LossAtlasError } from '../../errors.js';
import { checkOptions, isString } from '../../validate.js';
import type { Checkpoint } from './checkpoint.js';
import { sameShape, shapeText, type WantedTensor } from './match.js';
import { elementsOf, isTensor, type CheckpointTensor } from './tensor.js';
import { dictsIn, isDict, isList, shortList, valueAt } from './value.js';
import type { CheckpointDict, CheckpointValue } from './value.js';

export interface OptimizerEntry {
  /** Place of the parameter in the order of the parameter groups. */
  readonly index: number;
  /** Steps done; null where the optimizer counts none. */
  readonly step: number | null;
  /** Adam's averages of the gradient and of its square. */
  readonly expAvg?: CheckpointTensor;
  readonly expAvgSq?: CheckpointTensor;
  readonly momentumBuffer?: CheckpointTensor;
}

export interface OptimizerState {
  readonly kind: 'adam' | 'sgd-momentum' | 'other';
  /** One per parameter, in the order of the parameter groups. */
  readonly entries: readonly OptimizerEntry[];
  /** Of the first group; null where it has none. */
  readonly learningRate: number | null;
}

export interface OptimizerStateOptions {
  /** Where the optimizer's state dict is; default: found. */
  readonly key?: string | undefined;
}

const usualPaths = ['', 'optimizer_state_dict', 'optimizer', 'optimizer_states[0]', 'optim'];
const maxEntries = 1_000_000;

/** Whether a dict is what `optimizer.state_dict()` returns. */
export function isOptimizerState(dict: CheckpointDict): boolean {
  return isDict(dict.get('state')) && isList(dict.get('param_groups'));
}

/** The state of an optimizer that was saved beside the model. Throws ERR_CHECKPOINT, ERR_INVALID_OPTION. */
export function optimizerState(checkpoint: Checkpoint, options: OptimizerStateOptions = {}): OptimizerState {
  checkOptions('optimizerState', options, { key: isString });
  const dict = find(checkpoint, options.key);
  const states = dict.get('state') as CheckpointDict;
  const groups = (dict.get('param_groups') as readonly CheckpointValue[]).filter(isDict);
  const ids: CheckpointValue[] = [];
  for (const group of groups) {
    const params = group.get('params');
    if (!isList(params) || ids.length + params.length > maxEntries)
      return fail(checkpoint, 'has an optimizer whose param_groups are damaged');
    ids.push(...params.slice());
  }
  const entries = ids.map((id, index) => entryOf(states.get(id), index));
  const rate = groups[0]?.get('lr');
  return { kind: kindOf(entries), entries, learningRate: numberOf(rate) };
}

function find(checkpoint: Checkpoint, key: string | undefined): CheckpointDict {
  const { value } = checkpoint;
  for (const path of key === undefined ? usualPaths : [key]) {
    const found = valueAt(value, path);
    const dict = isList(found) ? found[0] : found;
    if (isDict(dict) && isOptimizerState(dict)) return dict;
  }
  const others = dictsIn(value).filter(({ dict }) => isOptimizerState(dict));
  if (key === undefined && others[0] !== undefined) return others[0].dict;
  const places = others.map(({ path }) => (path === '' ? 'the top level' : `'${path}'`));
  const known = places.length > 0 ? ` It has one at ${shortList(places)}.` : '';
  return fail(
    checkpoint,
    `has no state of an optimizer${key === undefined ? '' : ` at '${key}'`} (a dict with 'state' and 'param_groups').${known}`,
  );
}

function entryOf(state: CheckpointValue | undefined, index: number): OptimizerEntry {
  if (!isDict(state)) return { index, step: null };
  const tensor = (name: string) => {
    const value = state.get(name);
    return isTensor(value) ? value : undefined;
  };
  const expAvg = tensor('exp_avg');
  const expAvgSq = tensor('exp_avg_sq');
  const momentumBuffer = tensor('momentum_buffer');
  return {
    index,
    step: numberOf(state.get('step')),
    ...(expAvg && { expAvg }),
    ...(expAvgSq && { expAvgSq }),
    ...(momentumBuffer && { momentumBuffer }),
  };
}

function kindOf(entries: readonly OptimizerEntry[]): OptimizerState['kind'] {
  if (entries.some(({ expAvg, expAvgSq }) => expAvg !== undefined && expAvgSq !== undefined)) return 'adam';
  return entries.some(({ momentumBuffer }) => momentumBuffer !== undefined) ? 'sgd-momentum' : 'other';
}

/** PyTorch has saved steps and rates as numbers and as tensors of one element. */
function numberOf(value: CheckpointValue | undefined): number | null {
  if (typeof value === 'number') return value;
  return isTensor(value) && elementsOf(value.shape) === 1 ? Number(value.data[0]) : null;
}

export interface OptimizerMatch {
  readonly mapping: readonly { readonly name: string; readonly entry: OptimizerEntry }[];
  /** Parameters for which the optimizer holds nothing: they were frozen, or it made no step. */
  readonly withoutState: readonly string[];
}

/**
 * Gives entry i to parameter i: an optimizer knows its parameters by their order only, so that the shapes must fit.
 * Throws ERR_CHECKPOINT_MISMATCH, which names `path`.
 */
export function matchOptimizer(
  entries: readonly OptimizerEntry[],
  wanted: readonly WantedTensor[],
  path?: string,
): OptimizerMatch {
  const whose = path === undefined ? 'The optimizer' : `The optimizer in '${path}'`;
  if (entries.length !== wanted.length) {
    throw new LossAtlasError(
      'ERR_CHECKPOINT_MISMATCH',
      `${whose} has ${entries.length} parameters, the model ${wanted.length}.`,
    );
  }
  const mapping: { name: string; entry: OptimizerEntry }[] = [];
  const withoutState: string[] = [];
  const wrong: string[] = [];
  wanted.forEach(({ name, shape }, i) => {
    const entry = entries[i]!;
    const tensors = [entry.expAvg, entry.expAvgSq, entry.momentumBuffer].filter((t) => t !== undefined);
    if (tensors.length === 0) return withoutState.push(name);
    const other = tensors.find((tensor) => !sameShape(tensor.shape, shape));
    if (other !== undefined) wrong.push(`${name} ${shapeText(shape)}, found ${shapeText(other.shape)}`);
    return mapping.push({ name, entry });
  });
  if (wrong.length > 0) {
    throw new LossAtlasError(
      'ERR_CHECKPOINT_MISMATCH',
      `${whose} has a state that does not fit the model's parameters in their order: ${shortList(wrong)}.`,
    );
  }
  return { mapping, withoutState };
}

function fail(checkpoint: Checkpoint, problem: string): never {
  throw new LossAtlasError('ERR_CHECKPOINT', `'${checkpoint.path}' ${problem}`);
}
