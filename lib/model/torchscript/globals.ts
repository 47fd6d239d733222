import { pythonGlobals } from '../../io/pickle-globals.js';
import { PickleGlobal, PickleObject, type PickleFail, type PickleValue } from '../../io/pickle.js';
import { torchGlobals } from '../../io/checkpoint/storages.js';
import { isTensor } from '../../io/checkpoint/tensor.js';
import { requireShallow } from './nesting.js';

/** A module, or another object of a class whose code lies in the archive. */
export class ScriptObject extends PickleObject {
  state: PickleValue = null;

  /** @param className as Python names it, `torch.nn.modules.conv.Conv2d`. */
  constructor(readonly className: string) {
    super();
  }

  override setState(state: PickleValue): boolean {
    this.state = state;
    return true;
  }
}

const listsOf: Readonly<Record<string, (item: PickleValue) => boolean>> = {
  build_intlist: (item) => typeof item === 'number' || typeof item === 'bigint',
  build_doublelist: (item) => typeof item === 'number',
  build_boollist: (item) => typeof item === 'boolean',
  build_tensorlist: isTensor,
};

/** What the pickles of a TorchScript archive may refer to: tensors, containers and the archive's own classes. */
export function scriptGlobals(fail: PickleFail): { get: (name: string) => PickleValue | undefined } {
  const known = new Map([...torchGlobals(), ...pythonGlobals()]);
  const add = (name: string, construct: PickleGlobal['construct']) =>
    known.set(`torch.jit._pickle.${name}`, new PickleGlobal(`torch.jit._pickle.${name}`, construct));
  for (const [name, isItem] of Object.entries(listsOf)) {
    add(name, ([list]) =>
      Array.isArray(list) && list.every(isItem) ? list : fail(`the pickle makes a list of what is none`),
    );
  }
  add('restore_type_tag', ([value, type]) => {
    if (typeof type !== 'string' || value === undefined) return fail('the pickle has a type that is no text');
    requireShallow(type, 'a type', fail);
    return value;
  });
  return {
    get: (name) => {
      if (!name.startsWith('__torch__.')) return known.get(name);
      // Classes of libtorch's extensions restore themselves by native code.
      if (name.startsWith('__torch__.torch.classes.')) return undefined;
      return new PickleGlobal(name, () => new ScriptObject(pythonName(name)));
    },
  };
}

/** Archives put classes under `__torch__`, and variants of one under `___torch_mangle_N`. */
function pythonName(name: string): string {
  return name
    .split('.')
    .filter((part) => part !== '__torch__' && !part.startsWith('___torch_mangle_'))
    .join('.');
}
