import { LossAtlasError } from '../../errors.js';
import { isOptimizerState } from './optimizer.js';
import { elementsOf, isTensor, type CheckpointTensor } from './tensor.js';
import { dictsIn, isDict, isList, keyText, shortList, valueAt, type CheckpointValue } from './value.js';

/** Where training scripts put the weights, the most specific name first. */
const usualKeys = [
  ...['state_dict', 'model_state_dict', 'model_state', 'model', 'net', 'network', 'module'],
  ...['params_ema', 'params', 'ema', 'weights'],
];

interface Candidate {
  readonly path: string;
  readonly tensors: Map<string, CheckpointTensor>;
  readonly elements: number;
}

/** The dict of tensors at `key`, or the one that a training script would mean. */
export function findStateDict(
  root: CheckpointValue,
  key: string | undefined,
  path: string,
): Map<string, CheckpointTensor> {
  const found = key === undefined ? preferred(root) : atKey(root, key);
  if (found !== null) return found.tensors;
  const where = key === undefined ? 'holds no dict of tensors' : `has no dict of tensors at '${key}'`;
  throw new LossAtlasError('ERR_CHECKPOINT', `'${path}' ${where}. ${describe(root)}`);
}

function atKey(root: CheckpointValue, key: string): Candidate | null {
  const value = valueAt(root, key);
  if (value !== undefined) return preferred(value, key);
  // `[1]` is another item of the list whose first item would be taken.
  const first = key.startsWith('[') ? preferred(root)?.path : undefined;
  if (first?.endsWith('[0]') !== true) return null;
  const path = `${first.slice(0, -'[0]'.length)}${key}`;
  const item = valueAt(root, path);
  return item === undefined ? null : preferred(item, path);
}

function preferred(value: CheckpointValue, path = ''): Candidate | null {
  if (isList(value)) return value.length === 0 ? largest(value, path) : inList(value, path);
  if (!isDict(value)) return null;
  if (value.size > 0 && [...value.values()].every(isTensor)) return candidateOf(value, path);
  for (const key of usualKeys) {
    const item = value.get(key);
    const isBranch = isList(item) || (isDict(item) && !isOptimizerState(item));
    const found = isBranch ? preferred(item, path === '' ? key : `${path}.${key}`) : null;
    if (found !== null) return found;
  }
  return largest(value, path);
}

function inList(list: readonly CheckpointValue[], path: string): Candidate | null {
  return preferred(list[0]!, `${path}[0]`) ?? largest(list, path);
}

function largest(value: CheckpointValue, path: string): Candidate | null {
  let best: Candidate | null = null;
  for (const candidate of candidates(value, path))
    if (best === null || candidate.elements > best.elements) best = candidate;
  return best;
}

/** Every dict that holds tensors; an optimizer's averages are no weights. */
function candidates(value: CheckpointValue, path = ''): Candidate[] {
  return dictsIn(value, path, (dict) => !isOptimizerState(dict))
    .map(({ path: at, dict }) => candidateOf(dict, at))
    .filter((candidate) => candidate !== null);
}

function candidateOf(dict: ReadonlyMap<CheckpointValue, CheckpointValue>, path: string): Candidate | null {
  const tensors = new Map<string, CheckpointTensor>();
  let elements = 0;
  for (const [key, item] of dict) {
    const name = keyText(key);
    if (name === null || !isTensor(item)) continue;
    tensors.set(name, item);
    elements += elementsOf(item.shape);
  }
  return tensors.size > 0 ? { path, tensors, elements } : null;
}

function describe(root: CheckpointValue): string {
  const found = candidates(root).map(({ path, tensors }) => {
    const at = path === '' ? 'the top level' : `'${path}'`;
    return `${at} (${tensors.size} tensor${tensors.size === 1 ? '' : 's'})`;
  });
  if (found.length > 0) return `Dicts of tensors: ${shortList(found)}.`;
  if (isTensor(root)) return 'It is a single tensor: see checkpoint.value.';
  if (!isDict(root)) return 'See checkpoint.value.';
  const keys = [...root.keys()].map((key) => `'${keyText(key) ?? '…'}'`);
  return keys.length > 0 ? `Its keys: ${shortList(keys)}.` : 'It is empty.';
}
