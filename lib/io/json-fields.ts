import type { Field, Shape } from './shapes/shape.js';

/** Called for a value that does not fit its field; throws the error that names the file. */
export type Refuse = (key: string, expected: string) => never;

/** Where the numbers of arrays go: into the JSON itself, or beside it. */
export interface ArrayStore {
  encode(values: Float64Array, key: string, shape: readonly number[]): unknown;
  /** Refuses what is no array. */
  decode(value: unknown, key: string, refuse: Refuse): Float64Array;
}

export interface Codec {
  readonly refuse: Refuse;
  readonly arrays: ArrayStore;
}

type JsonNumber = number | string;

/** Arrays as lists of numbers. */
export const inlineArrays: ArrayStore = {
  encode: (values) => Array.from(values, encodeNumber),
  decode(value, key, refuse) {
    if (!Array.isArray(value)) return refuse(key, 'a list of numbers');
    const list: readonly unknown[] = value;
    return Float64Array.from(list, (item, i) => decodeNumber(item, `${key}[${i}]`, refuse));
  },
};

/** Numbers that JSON cannot hold, as strings. */
const specialNumbers: ReadonlyMap<unknown, number> = new Map([
  ['NaN', NaN],
  ['Infinity', Infinity],
  ['-Infinity', -Infinity],
  ['-0', -0],
]);

/** The value of one field as plain JSON data; `key` is its path for messages, `within` the object that it is of. */
export function encodeField(
  field: Field,
  value: unknown,
  key: string,
  codec: Codec,
  within?: Fields,
): unknown {
  if (typeof field === 'object') return mapStructure(field, value, key, codec, encodeField, within);
  switch (field) {
    case 'float64':
    case 'grid':
      if (!(value instanceof Float64Array)) return codec.refuse(key, 'a Float64Array');
      return codec.arrays.encode(value, key, field === 'grid' ? gridOf(within) : [value.length]);
    case 'float64|null':
    case 'grid|null':
      return value === null ? null : encodeField(withoutNull(field), value, key, codec, within);
    case 'float64[]':
      return mapList(value, key, codec, (item, at) => encodeField('float64', item, at, codec));
    case 'number':
      return typeof value === 'number' ? encodeNumber(value) : codec.refuse(key, 'a number');
    case 'number|null':
      return value === null ? null : encodeField('number', value, key, codec);
    default:
      return plainField(field, value, key, codec);
  }
}

/** The inverse of `encodeField`; objects and lists come frozen, numbers bit for bit. */
export function decodeField(field: Field, value: unknown, key: string, codec: Codec): unknown {
  if (typeof field === 'object') {
    return Object.freeze(mapStructure(field, value, key, codec, decodeField));
  }
  switch (field) {
    case 'float64':
    case 'grid':
      return codec.arrays.decode(value, key, codec.refuse);
    case 'float64|null':
    case 'grid|null':
      return value === null ? null : codec.arrays.decode(value, key, codec.refuse);
    case 'float64[]':
      return Object.freeze(
        mapList(value, key, codec, (item, at) => codec.arrays.decode(item, at, codec.refuse)),
      );
    case 'number':
      return decodeNumber(value, key, codec.refuse);
    case 'number|null':
      return value === null ? null : decodeNumber(value, key, codec.refuse);
    default:
      return Object.freeze(plainField(field, value, key, codec));
  }
}

type Fields = Readonly<Record<string, unknown>>;

/** The shape in C order, so that x runs fastest. */
function gridOf(within: Fields | undefined): readonly number[] {
  const { x, y } = within as { readonly x: Float64Array; readonly y: Float64Array };
  return [y.length, x.length];
}

function withoutNull(field: 'float64|null' | 'grid|null'): 'float64' | 'grid' {
  return field === 'grid|null' ? 'grid' : 'float64';
}

function plainField(
  field: 'string' | 'string|null' | 'string[]' | 'boolean' | 'boolean[]',
  value: unknown,
  key: string,
  codec: Codec,
): unknown {
  if (field === 'boolean[]' || field === 'string[]') {
    const item = field === 'boolean[]' ? 'boolean' : 'string';
    return mapList(value, key, codec, (element, at) => plainField(item, element, at, codec));
  }
  if (field === 'string|null') return value === null ? null : plainField('string', value, key, codec);
  return typeof value === field ? value : codec.refuse(key, `a ${field}`);
}

function mapStructure(
  field: Exclude<Field, string>,
  value: unknown,
  key: string,
  codec: Codec,
  convert: typeof encodeField,
  within?: Fields,
): unknown {
  if ('addedLater' in field) return convert(field.addedLater, value ?? null, key, codec);
  if ('object' in field) return mapObject(field.object, value, key, codec, convert);
  if ('tuple' in field) {
    const shapes = field.tuple;
    if (!Array.isArray(value) || value.length !== shapes.length) {
      return codec.refuse(key, `a list of ${shapes.length} objects`);
    }
    return mapList(value, key, codec, (item, at, i) => convert({ object: shapes[i]! }, item, at, codec));
  }
  if ('objects' in field) {
    const object = { object: field.objects };
    return mapList(value, key, codec, (item, at) => convert(object, item, at, codec));
  }
  if ('nullable' in field) {
    return value === null ? null : mapObject(field.nullable, value, key, codec, convert);
  }
  if ('recordOf' in field) return mapRecord(field.recordOf, value, key, codec, convert, within);
  if ('listOf' in field) {
    return mapList(value, key, codec, (item, at) => oneOf(field.listOf, item, at, codec));
  }
  return oneOf(field.oneOf, value, key, codec);
}

function mapObject(
  shape: Shape,
  value: unknown,
  key: string,
  codec: Codec,
  convert: typeof encodeField,
): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return codec.refuse(key, 'an object');
  const record = value as Fields;
  const prefix = key === '' ? '' : `${key}.`;
  // A result in memory may hold more (eigenvectors on the device, methods): that is left out. A file may not.
  for (const name of convert === decodeField ? Object.keys(record) : []) {
    if (!Object.hasOwn(shape, name))
      codec.refuse(prefix + name, 'absent (it is no key of this format version)');
  }
  const entries = Object.entries(shape).map(([name, field]) => {
    const isOld = typeof field === 'object' && 'addedLater' in field;
    if (!isOld && !Object.hasOwn(record, name)) codec.refuse(prefix + name, 'present');
    return [name, convert(field, record[name], prefix + name, codec, record)] as const;
  });
  return Object.fromEntries(entries);
}

/** Any keys, values of one kind. */
function mapRecord(
  field: Field,
  value: unknown,
  key: string,
  codec: Codec,
  convert: typeof encodeField,
  within?: Fields,
): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return codec.refuse(key, 'an object');
  const entries = Object.entries(value).map(
    ([name, item]) => [name, convert(field, item, `${key}.${name}`, codec, within)] as const,
  );
  return Object.fromEntries(entries);
}

function mapList(
  value: unknown,
  key: string,
  codec: Codec,
  convert: (item: unknown, key: string, index: number) => unknown,
): unknown[] {
  if (!Array.isArray(value)) return codec.refuse(key, 'a list');
  return value.map((item: unknown, i) => convert(item, `${key}[${i}]`, i));
}

function oneOf(
  allowed: readonly (string | number | null)[],
  value: unknown,
  key: string,
  codec: Codec,
): unknown {
  if (allowed.some((item) => item === value)) return value;
  return codec.refuse(key, allowed.map((item) => JSON.stringify(item)).join(' or '));
}

function encodeNumber(value: number): JsonNumber {
  return Object.is(value, -0) ? '-0' : Number.isFinite(value) ? value : String(value);
}

function decodeNumber(value: unknown, key: string, refuse: Refuse): number {
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  return specialNumbers.get(value) ?? refuse(key, 'a number, "NaN", "Infinity" or "-Infinity"');
}
