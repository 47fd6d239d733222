interface Module {
  readonly own: string[];
  readonly children: Map<string, Module>;
}

/**
 * The names in the order of PyTorch's `state_dict()`: of each module its parameters, its buffers, then its submodules.
 * Both lists come in the order of the modules; a submodule that only one of them knows stands behind its predecessor
 * there.
 */
export function stateDictOrder(parameters: readonly string[], buffers: readonly string[]): string[] {
  const root: Module = { own: [], children: new Map() };
  for (const names of [parameters, buffers]) addAll(root, names, '');
  return namesIn(root);
}

function addAll(module: Module, names: readonly string[], prefix: string): void {
  const byChild = new Map<string, string[]>();
  for (const name of names) {
    const dot = name.indexOf('.', prefix.length);
    if (dot < 0) module.own.push(name);
    else {
      const child = name.slice(prefix.length, dot);
      byChild.set(child, [...(byChild.get(child) ?? []), name]);
    }
  }
  let before: string | null = null;
  for (const [child, inside] of byChild) {
    if (!module.children.has(child)) insertAfter(module.children, before, child);
    addAll(module.children.get(child)!, inside, `${prefix}${child}.`);
    before = child;
  }
}

function insertAfter(children: Map<string, Module>, before: string | null, name: string): void {
  const all = [...children];
  const at = before === null ? 0 : 1 + all.findIndex(([other]) => other === before);
  all.splice(at, 0, [name, { own: [], children: new Map() }]);
  children.clear();
  for (const [key, module] of all) children.set(key, module);
}

function namesIn({ own, children }: Module): string[] {
  const all = [...children];
  // Sequential and ModuleList number theirs.
  if (all.every(([name]) => /^\d+$/.test(name))) all.sort(([a], [b]) => Number(a) - Number(b));
  return [...own, ...all.flatMap(([, module]) => namesIn(module))];
}
