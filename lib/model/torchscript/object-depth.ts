import type { PickleFail, PickleValue } from '../../io/pickle.js';
import { ScriptObject } from './globals.js';

const maxDepth = 256;

/** Objects within objects end somewhere, and do not nest deeper than whoever frees them can go. */
export function requireFinite(root: PickleValue, fail: PickleFail): void {
  const open = new Set<PickleValue>();
  const heights = new Map<PickleValue, number>();
  const visit = (value: PickleValue, depth: number): number => {
    const children = childrenOf(value);
    if (children === null) return 0;
    const known = heights.get(value);
    if (known !== undefined) return known;
    if (open.has(value)) return fail('an object contains itself');
    if (depth > maxDepth) return fail(`its objects nest deeper than ${maxDepth}`);
    open.add(value);
    let height = 0;
    for (const child of children) height = Math.max(height, visit(child, depth + 1));
    open.delete(value);
    heights.set(value, height + 1);
    return depth + height > maxDepth ? fail(`its objects nest deeper than ${maxDepth}`) : height + 1;
  };
  visit(root, 0);
}

function childrenOf(value: PickleValue): Iterable<PickleValue> | null {
  if (value instanceof ScriptObject) return [value.state];
  if (value instanceof Map) return value.values();
  return Array.isArray(value) ? value : null;
}
