import type { RawArgument, RawOutput } from '../../native/exported-program.js';
import type { Json } from './json.js';
import { layout, memoryFormat, scalarType } from './types.js';

/** Puts the names of an inlined graph apart from those around it. */
export type Rename = (name: string) => string;

const none: RawArgument = { kind: 'none' };

/** The union `Argument` of torch/_export/serde/schema.py. */
export function readArgument(json: Json, rename: Rename): RawArgument {
  const value = (name: Json): RawArgument => ({ kind: 'value', text: rename(name.string()) });
  const list = (items: Json, read: (item: Json) => RawArgument): RawArgument => ({
    kind: 'list',
    items: items.list().map(read),
  });
  const int = (item: Json): RawArgument => ({ kind: 'int', number: item.integer() });
  const float = (item: Json): RawArgument => ({ kind: 'float', number: item.number() });
  const bool = (item: Json): RawArgument => ({ kind: 'bool', number: item.boolean() ? 1 : 0 });
  const text = (item: Json): RawArgument => ({ kind: 'string', text: item.string() });
  const tensor = (item: Json) => value(item.get('name'));
  /** A name, or a number in its place. */
  const symbolic = (item: Json): RawArgument => {
    const [kind, inner] = item.union();
    if (kind === 'as_name') return value(inner);
    if (kind === 'as_int') return int(inner);
    return kind === 'as_float' ? float(inner) : bool(inner);
  };
  const optionalTensor = (item: Json): RawArgument => {
    const [kind, inner] = item.union();
    return kind === 'as_none' ? none : tensor(inner);
  };
  const [kind, content] = json.union();
  switch (kind) {
    case 'as_none':
      return none;
    case 'as_tensor':
      return tensor(content);
    case 'as_tensors':
      return list(content, tensor);
    case 'as_int':
      return int(content);
    case 'as_ints':
      return list(content, int);
    case 'as_float':
      return float(content);
    case 'as_floats':
      return list(content, float);
    case 'as_bool':
      return bool(content);
    case 'as_bools':
      return list(content, bool);
    case 'as_string':
      return text(content);
    case 'as_strings':
      return list(content, text);
    case 'as_sym_int':
    case 'as_sym_float':
    case 'as_sym_bool':
      return symbolic(content);
    case 'as_sym_ints':
    case 'as_sym_floats':
    case 'as_sym_bools':
      return list(content, symbolic);
    case 'as_scalar_type':
      return { kind: 'scalarType', number: scalarType(content) };
    case 'as_memory_format':
      return { kind: 'int', number: memoryFormat(content) };
    case 'as_layout':
      return { kind: 'int', number: layout(content) };
    case 'as_device':
      return { kind: 'device' };
    case 'as_optional_tensor':
      return optionalTensor(content);
    case 'as_optional_tensors':
      return list(content, optionalTensor);
    case 'as_complex':
      return {
        kind: 'complex',
        number: content.get('real').number(),
        imaginary: content.get('imag').number(),
      };
    default:
      return json.fail(`an argument that can be run ('${kind}' cannot)`);
  }
}

/** What a node gives, which is written as arguments too. */
export function readOutput(json: Json, rename: Rename): RawOutput {
  const [kind, content] = json.union();
  const named = (item: Json) => rename(item.get('name').string());
  const symbol = () => [rename(content.get('as_name').string())];
  switch (kind) {
    case 'as_none':
      return { kind: 'none', names: [] };
    case 'as_tensor':
      return { kind: 'tensor', names: [named(content)] };
    case 'as_tensors':
      return { kind: 'tensors', names: content.list().map(named) };
    case 'as_optional_tensor': {
      const [which, tensor] = content.union();
      return which === 'as_none' ? { kind: 'none', names: [] } : { kind: 'tensor', names: [named(tensor)] };
    }
    case 'as_sym_int':
      return { kind: 'int', names: symbol() };
    case 'as_sym_float':
      return { kind: 'float', names: symbol() };
    case 'as_sym_bool':
      return { kind: 'bool', names: symbol() };
    default:
      return json.fail(`a result that can be used ('${kind}' cannot)`);
  }
}
