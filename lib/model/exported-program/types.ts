import type { Json } from './json.js';

/** c10::ScalarType and PyTorch's name by the number in torch/_export/serde/schema.py. */
const types: Readonly<Record<number, readonly [code: number, name: string]>> = {
  1: [0, 'uint8'],
  2: [1, 'int8'],
  3: [2, 'int16'],
  4: [3, 'int32'],
  5: [4, 'int64'],
  6: [5, 'float16'],
  7: [6, 'float32'],
  8: [7, 'float64'],
  9: [8, 'complex32'],
  10: [9, 'complex64'],
  11: [10, 'complex128'],
  12: [11, 'bool'],
  13: [15, 'bfloat16'],
  28: [27, 'uint16'],
  34: [28, 'uint32'],
  35: [29, 'uint64'],
};

export function scalarType(json: Json): number {
  return (types[json.integer()] ?? json.fail('a dtype that is known'))[0];
}

export function dtypeName(json: Json): string {
  return (types[json.integer()] ?? json.fail('a dtype that is known'))[1];
}

/** c10::MemoryFormat. */
export function memoryFormat(json: Json): number {
  const codes: Readonly<Record<number, number>> = { 1: 0, 2: 2, 3: 3, 4: 1 };
  return codes[json.integer()] ?? json.fail('a memory format that is known');
}

/** c10::Layout: dense tensors only. */
export function layout(json: Json): number {
  const strided = 7;
  return json.integer() === strided ? 0 : json.fail('the layout of dense tensors');
}
