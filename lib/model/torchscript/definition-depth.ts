import type { PickleFail } from '../../io/pickle.js';

/** Measured: chains of 1000 load, and chains of 3000 overflow 8 MB of stack. Modules nest 20 deep. */
const maxDepth = 256;

interface Definition {
  readonly name: string;
  /** What it names of the archive. */
  readonly uses: readonly string[];
}

/**
 * Refuses source text whose classes and functions build on each other deeper than libtorch's importer can go: it imports
 * what a definition names before it is done with the definition. `code` by file, as in `__torch__/net.py`.
 */
export function requireShallowDefinitions(code: ReadonlyMap<string, string>, fail: PickleFail): void {
  const definitions = new Map<string, Definition>();
  for (const [file, text] of code) {
    const space = file.slice(0, -'.py'.length).replaceAll('/', '.');
    for (const part of text.split(/^(?=class |def )/m)) {
      const name = /^(?:class|def) (\w+)/.exec(part)?.[1];
      if (name === undefined) continue;
      const uses = [...new Set(part.match(/__torch__(?:\s*\.\s*\w+)+/g))];
      definitions.set(`${space}.${name}`, { name: `${space}.${name}`, uses });
    }
  }
  const heights = new Map<string, number>();
  const open = new Set<string>();
  const visit = (definition: Definition, depth: number): number => {
    const known = heights.get(definition.name);
    if (known !== undefined && depth + known <= maxDepth) return known;
    if (open.has(definition.name)) return 0;
    if (depth > maxDepth || known !== undefined)
      return fail(`its classes and functions build on each other deeper than ${maxDepth}`);
    open.add(definition.name);
    let height = 0;
    for (const use of definition.uses) {
      const used = find(use.replace(/\s/g, ''), definitions);
      if (used !== null) height = Math.max(height, 1 + visit(used, depth + 1));
    }
    open.delete(definition.name);
    heights.set(definition.name, height);
    return height;
  };
  for (const definition of definitions.values()) visit(definition, 0);
}

/** `__torch__.net.Net` of `__torch__.net.Net.forward` too. */
function find(use: string, definitions: ReadonlyMap<string, Definition>): Definition | null {
  for (let name = use; name.includes('.'); name = name.slice(0, name.lastIndexOf('.'))) {
    const found = definitions.get(name);
    if (found !== undefined) return found;
  }
  return null;
}
