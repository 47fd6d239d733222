import { PickleGlobal, type PickleFail, type PickleValue } from './pickle.js';

/** The harmless part of Python's own library: containers, and the encoding that protocol 2 gives to bytes. */
export function pythonGlobals(): Map<string, PickleValue> {
  const globals = new Map<string, PickleValue>();
  const add = (name: string, construct?: PickleGlobal['construct']) =>
    globals.set(name, new PickleGlobal(name, construct));
  add('collections.OrderedDict', ([items], fail) => dict(items, fail));
  add('collections.Counter', ([items], fail) => dict(items, fail));
  // The factory makes default values, which a file that is only read does not need.
  add('collections.defaultdict', ([, items], fail) => dict(items, fail));
  for (const module of ['builtins', '__builtin__']) {
    add(`${module}.set`, ([items], fail) => new Set(list(items, fail)));
    add(`${module}.frozenset`, ([items], fail) => new Set(list(items, fail)));
    for (const factory of ['dict', 'list', 'int', 'float']) add(`${module}.${factory}`);
  }
  add('_codecs.encode', ([text, encoding], fail) => {
    const isLatin = encoding === 'latin1' || encoding === 'latin-1';
    if (typeof text !== 'string' || !isLatin) return fail('the pickle encodes bytes in an unknown way');
    return new Uint8Array(Buffer.from(text, 'latin1'));
  });
  return globals;
}

function dict(items: PickleValue | undefined, fail: PickleFail): PickleValue {
  if (items === undefined) return new Map();
  if (items instanceof Map) return new Map(items);
  return new Map(
    list(items, fail).map((pair): [PickleValue, PickleValue] => {
      if (!Array.isArray(pair) || pair.length !== 2)
        return fail('the pickle makes a dict of what are no pairs');
      return [pair[0]!, pair[1]!];
    }),
  );
}

function list(items: PickleValue | undefined, fail: PickleFail): PickleValue[] {
  if (items === undefined) return [];
  return Array.isArray(items) ? items : fail('the pickle makes a container of what is no list');
}
