import type { RawArgument } from '../../native/exported-program.js';
import { Json } from './json.js';

/**
 * How Python nests flat values, as torch.utils._pytree writes it: `[1, { type, context, children_spec }]`. Whatever
 * has names for its children (dict, OrderedDict, a model output of transformers) is a dictionary here.
 */
export interface Tree {
  readonly kind: 'leaf' | 'tuple' | 'dict';
  readonly keys: readonly string[];
  readonly children: readonly Tree[];
}

const maxDepth = 32;

export function readTree(text: Json): Tree {
  const parts = Json.parse(text.string(), text.place).list();
  return parts.length === 2 ? readNode(parts[1]!, 0) : text.fail('a tree of values');
}

function readNode(json: Json, depth: number): Tree {
  if (depth > maxDepth) json.fail('nested less deeply');
  if (json.get('type').isNull) return { kind: 'leaf', keys: [], children: [] };
  const children = json
    .get('children_spec')
    .list()
    .map((child) => readNode(child, depth + 1));
  const keys = keysOf(json.get('context'), children.length);
  return keys === null ? { kind: 'tuple', keys: [], children } : { kind: 'dict', keys, children };
}

/** The context of a dictionary is the list of its keys. */
function keysOf(context: Json, count: number): readonly string[] | null {
  if (context.isNull) return null;
  let value: unknown;
  try {
    value = JSON.parse(context.string());
  } catch {
    return null;
  }
  if (!Array.isArray(value) || value.length !== count || count === 0) return null;
  return value.every((key) => typeof key === 'string') ? value : null;
}

export function numLeaves(tree: Tree): number {
  return tree.kind === 'leaf' ? 1 : tree.children.reduce((sum, child) => sum + numLeaves(child), 0);
}

/** The flat values in their places. */
export function nest(tree: Tree, values: readonly RawArgument[]): RawArgument {
  let next = 0;
  const visit = (node: Tree): RawArgument => {
    if (node.kind === 'leaf') return values[next++] ?? { kind: 'none' };
    const items = node.children.map(visit);
    return node.kind === 'dict' ? { kind: 'dict', keys: node.keys, items } : { kind: 'tuple', items };
  };
  return visit(tree);
}

/** For every leaf the nearest key around it; null where there is none. */
export function leafKeys(tree: Tree, key: string | null = null): (string | null)[] {
  if (tree.kind === 'leaf') return [key];
  return tree.children.flatMap((child, i) => leafKeys(child, tree.keys[i] ?? key));
}
