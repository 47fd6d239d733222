import type { Field, Shape } from './shapes/shape.js';

/** Called for a value that does not fit its field; throws the error that names the file. */
export type Refuse = (key: string, expected: string) => never;

type JsonNumber = number | string;

/** Numbers that JSON cannot hold, as strings. */
const specialNumbers: ReadonlyMap<unknown, number> = new Map([
  ['NaN', NaN],
  ['Infinity', Infinity],
  ['-Infinity', -Infinity],
  ['-0', -0],
]);

/** The value of one field as plain JSON data; `key` is its path for messages. */
export function encodeField(field: Field, value: unknown, key: string, refuse: Refuse): unknown {
  if (typeof field === 'object') return mapStructure(field, value, key, refuse, encodeField);
  switch (field) {
    case 'float64':
      return value instanceof Float64Array ? Array.from(value, encodeNumber) : refuse(key, 'a Float64Array');
    case 'float64|null':
      return value === null ? null : encodeField('float64', value, key, refuse);
    case 'float64[]':
      return mapList(value, key, refuse, (item, at) => encodeField('float64', item, at, refuse));
    case 'number':
      return typeof value === 'number' ? encodeNumber(value) : refuse(key, 'a number');
    case 'number|null':
      return value === null ? null : encodeField('number', value, key, refuse);
    default:
      return plainField(field, value, key, refuse);
  }
}

/** The inverse of `encodeField`; objects and lists come frozen, numbers bit for bit. */
export function decodeField(field: Field, value: unknown, key: string, refuse: Refuse): unknown {
  if (typeof field === 'object') {
    return Object.freeze(mapStructure(field, value, key, refuse, decodeField));
  }
  switch (field) {
    case 'float64': {
      if (!Array.isArray(value)) return refuse(key, 'a list of numbers');
      const list: readonly unknown[] = value;
      return Float64Array.from(list, (item, i) => decodeNumber(item, `${key}[${i}]`, refuse));
    }
    case 'float64|null':
      return value === null ? null : decodeField('float64', value, key, refuse);
    case 'float64[]':
      return Object.freeze(
        mapList(value, key, refuse, (item, at) => decodeField('float64', item, at, refuse)),
      );
    case 'number':
      return decodeNumber(value, key, refuse);
    case 'number|null':
      return value === null ? null : decodeNumber(value, key, refuse);
    default:
      return Object.freeze(plainField(field, value, key, refuse));
  }
}

function plainField(
  field: 'string' | 'string|null' | 'string[]' | 'boolean' | 'boolean[]',
  value: unknown,
  key: string,
  refuse: Refuse,
): unknown {
  if (field === 'boolean[]' || field === 'string[]') {
    const item = field === 'boolean[]' ? 'boolean' : 'string';
    return mapList(value, key, refuse, (element, at) => plainField(item, element, at, refuse));
  }
  if (field === 'string|null') return value === null ? null : plainField('string', value, key, refuse);
  return typeof value === field ? value : refuse(key, `a ${field}`);
}

function mapStructure(
  field: Exclude<Field, string>,
  value: unknown,
  key: string,
  refuse: Refuse,
  convert: typeof encodeField,
): unknown {
  if ('object' in field) return mapObject(field.object, value, key, refuse, convert);
  if ('tuple' in field) {
    const shapes = field.tuple;
    if (!Array.isArray(value) || value.length !== shapes.length) {
      return refuse(key, `a list of ${shapes.length} objects`);
    }
    return mapList(value, key, refuse, (item, at, i) => convert({ object: shapes[i]! }, item, at, refuse));
  }
  if ('objects' in field) {
    const object = { object: field.objects };
    return mapList(value, key, refuse, (item, at) => convert(object, item, at, refuse));
  }
  if ('nullable' in field) {
    return value === null ? null : mapObject(field.nullable, value, key, refuse, convert);
  }
  if ('recordOf' in field) return mapRecord(field.recordOf, value, key, refuse, convert);
  if ('listOf' in field) {
    return mapList(value, key, refuse, (item, at) => oneOf(field.listOf, item, at, refuse));
  }
  return oneOf(field.oneOf, value, key, refuse);
}

function mapObject(
  shape: Shape,
  value: unknown,
  key: string,
  refuse: Refuse,
  convert: typeof encodeField,
): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return refuse(key, 'an object');
  const record = value as Readonly<Record<string, unknown>>;
  const prefix = key === '' ? '' : `${key}.`;
  // A result in memory may hold more (eigenvectors on the device, methods): that is left out. A file may not.
  for (const name of convert === decodeField ? Object.keys(record) : []) {
    if (!Object.hasOwn(shape, name)) refuse(prefix + name, 'absent (it is no key of this format version)');
  }
  const entries = Object.entries(shape).map(([name, field]) => {
    if (!Object.hasOwn(record, name)) refuse(prefix + name, 'present');
    return [name, convert(field, record[name], prefix + name, refuse)] as const;
  });
  return Object.fromEntries(entries);
}

/** Any keys, values of one kind. */
function mapRecord(
  field: Field,
  value: unknown,
  key: string,
  refuse: Refuse,
  convert: typeof encodeField,
): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return refuse(key, 'an object');
  const entries = Object.entries(value).map(
    ([name, item]) => [name, convert(field, item, `${key}.${name}`, refuse)] as const,
  );
  return Object.fromEntries(entries);
}

function mapList(
  value: unknown,
  key: string,
  refuse: Refuse,
  convert: (item: unknown, key: string, index: number) => unknown,
): unknown[] {
  if (!Array.isArray(value)) return refuse(key, 'a list');
  return value.map((item: unknown, i) => convert(item, `${key}[${i}]`, i));
}

function oneOf(allowed: readonly (string | number)[], value: unknown, key: string, refuse: Refuse): unknown {
  const found = allowed.find((item) => item === value);
  return found ?? refuse(key, allowed.map((item) => JSON.stringify(item)).join(' or '));
}

function encodeNumber(value: number): JsonNumber {
  return Object.is(value, -0) ? '-0' : Number.isFinite(value) ? value : String(value);
}

function decodeNumber(value: unknown, key: string, refuse: Refuse): number {
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  return specialNumbers.get(value) ?? refuse(key, 'a number, "NaN", "Infinity" or "-Infinity"');
}
