import type { OpaqueObject } from '../pickle.js';
import { isTensor, type CheckpointTensor, type StoredTensor } from './tensor.js';

/**
 * What a checkpoint holds. Dicts are Maps; lists and tuples are arrays; integers beyond 2^53 are bigints. Objects
 * of classes that are not read are OpaqueObjects, where these were asked for.
 */
export type CheckpointValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | CheckpointTensor
  | OpaqueObject
  | readonly CheckpointValue[]
  | ReadonlyMap<CheckpointValue, CheckpointValue>
  | ReadonlySet<CheckpointValue>;

export type CheckpointDict = ReadonlyMap<CheckpointValue, CheckpointValue>;

/** A tensor of a file, or one of the caller's own. */
export function isTensorLike(value: unknown): value is CheckpointTensor {
  if (isTensor(value)) return true;
  return (
    typeof value === 'object' && value !== null && 'dtype' in value && 'shape' in value && 'data' in value
  );
}

export function isDict(value: CheckpointValue | undefined): value is CheckpointDict {
  return value instanceof Map;
}

export function isList(value: CheckpointValue | undefined): value is readonly CheckpointValue[] {
  return Array.isArray(value);
}

/**
 * The value at a path such as `state_dict`, `a.b` or `models[1].weights`, or undefined. Keys may have dots
 * themselves, so that each key that begins the path is tried.
 */
export function valueAt(value: CheckpointValue, path: string): CheckpointValue | undefined {
  if (path === '') return value;
  const rest = path.startsWith('.') ? path.slice(1) : path;
  if (isList(value)) {
    const index = /^\[(\d{1,9})\]/.exec(path);
    const item = index === null ? undefined : value[Number(index[1])];
    return item === undefined ? undefined : valueAt(item, path.slice(index![0].length));
  }
  if (!isDict(value) || rest === '') return undefined;
  for (const [key, item] of value) {
    const name = keyText(key);
    if (name === null || name === '' || !rest.startsWith(name)) continue;
    const after = rest.slice(name.length);
    if (after !== '' && !/^[.[]/.test(after)) continue;
    const found = valueAt(item, after);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** A dict within the tree, and the path to it. */
export interface FoundDict {
  readonly path: string;
  readonly dict: CheckpointDict;
}

/** Every dict below a value, itself included, once each, outer ones first; `enter` may keep it out of one. */
export function dictsIn(
  root: CheckpointValue,
  rootPath = '',
  enter: (dict: CheckpointDict) => boolean = () => true,
): FoundDict[] {
  const found: FoundDict[] = [];
  const seen = new Set<CheckpointValue>();
  const visit = (value: CheckpointValue, path: string): void => {
    const isBranch = isDict(value) || isList(value);
    if (!isBranch || seen.has(value)) return;
    seen.add(value);
    if (isList(value)) {
      value.forEach((item, i) => visit(item, `${path}[${i}]`));
      return;
    }
    if (!enter(value)) return;
    found.push({ path, dict: value });
    for (const [key, item] of value) {
      if (isTensor(item)) continue;
      const name = keyText(key);
      if (name !== null) visit(item, path === '' ? name : `${path}.${name}`);
    }
  };
  visit(root, rootPath);
  return found;
}

/** Every tensor of a tree, once each. */
export function tensorsIn(root: CheckpointValue): Set<StoredTensor> {
  const tensors = new Set<StoredTensor>();
  const seen = new Set<CheckpointValue>();
  const visit = (value: CheckpointValue): void => {
    if (isTensor(value)) tensors.add(value);
    if (!isDict(value) && !isList(value)) return;
    // Sets hold no tensors: these are compared by identity.
    if (seen.has(value)) return;
    seen.add(value);
    for (const item of value.values()) visit(item);
  };
  visit(root);
  return tensors;
}

export function keyText(key: CheckpointValue): string | null {
  if (typeof key === 'string') return key;
  return typeof key === 'number' || typeof key === 'bigint' ? String(key) : null;
}

/** Up to eight items, and how many more there are. */
export function shortList(items: readonly string[]): string {
  const shown = items.slice(0, 8).join(', ');
  return items.length > 8 ? `${shown} and ${items.length - 8} more` : shown;
}
