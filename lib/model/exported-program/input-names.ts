import type { RawArgument, RawNode, RawProgram } from '../../native/exported-program.js';
import type { ProgramInput } from './inputs.js';
import type { Json } from './json.js';
import { leafKeys, readTree } from './tree.js';

/** By the keyword or the key of a dictionary where there is one, or the name in the graph. */
export function inputNames(values: readonly string[], call: Json | undefined): string[] {
  if (call === undefined || call.isNull) return [...values];
  const keys = leafKeys(readTree(call.get('in_spec')));
  if (keys.length !== values.length) return [...values];
  const names = values.map((value, i) => keys[i] ?? value);
  const isPlain = names.every((name) => /^[A-Za-z_]\w*$/.test(name) && name !== 'self');
  return isPlain && new Set(names).size === names.length ? names : [...values];
}

/** The same program, whose inputs are called otherwise; a value of the graph that is called so already makes room. */
export function renameInputs(raw: RawProgram, names: ReadonlyMap<string, string>): RawProgram {
  const inner = [...raw.nodes.flatMap(({ outputs }) => outputs.flatMap((output) => output.names))];
  const taken = new Set([...inner, ...raw.tensors.map(({ value }) => value)]);
  const all = new Map(names);
  for (const [value, name] of names) if (value !== name && taken.has(name)) all.set(name, `/${name}`);
  const rename = (name: string) => all.get(name) ?? name;
  const argument = (arg: RawArgument): RawArgument => {
    if (arg.kind === 'value') return { ...arg, text: rename(arg.text) };
    return 'items' in arg ? { ...arg, items: arg.items.map(argument) } : arg;
  };
  return {
    ...raw,
    tensors: raw.tensors.map((tensor) => ({ ...tensor, value: rename(tensor.value) })),
    inputs: raw.inputs.map(rename),
    nodes: raw.nodes.map((node) => ({
      ...node,
      inputs: node.inputs.map(([name, arg]) => [name, argument(arg)] as const),
      outputs: node.outputs.map((output) => ({ ...output, names: output.names.map(rename) })),
    })),
    output: argument(raw.output),
  };
}

/** Data has bytes where the program wants truth values. */
export function withBooleans(raw: RawProgram, inputs: readonly ProgramInput[]): RawProgram {
  const given = raw.inputs.filter((_, i) => inputs[i]!.dtype === 'bool');
  if (given.length === 0) return raw;
  const inner = renameInputs(raw, new Map(given.map((name) => [name, `${name}/bool`])));
  const casts = given.map((name): RawNode => ({
    name: 'aten::ne',
    overload: 'Scalar',
    isScalar: false,
    inputs: [
      ['self', { kind: 'value', text: name }],
      ['other', { kind: 'int', number: 0 }],
    ],
    outputs: [{ kind: 'tensor', names: [`${name}/bool`] }],
    outputType: null,
  }));
  return { ...inner, inputs: raw.inputs, nodes: [...casts, ...inner.nodes] };
}
