import { InvalidArgumentError } from 'commander';
import {
  isArrayOf,
  isBoolean,
  isInteger,
  isNumber,
  isOneOf,
  isRange,
  isString,
  type Check,
} from '../../validate.js';
import { isPlanChoice } from '../../operators/product-plan.js';
import { isSnapshots } from '../../tracks/snapshots.js';

/** How a value is written on the command line, and what it may be in a configuration file. */
export interface ValueType<T = unknown> {
  /** In help texts; '' for switches. */
  readonly placeholder: string;
  /** Throws InvalidArgumentError. */
  readonly parse: (text: string) => T;
  /** Of values that are no text. */
  readonly check: Check;
}

function refuse(text: string, expected: string): never {
  throw new InvalidArgumentError(`'${text}' is not ${expected}.`);
}

function parseNumber(text: string): number {
  const [top, bottom, ...rest] = text.split('/');
  const value = rest.length > 0 || text.trim() === '' ? NaN : Number(top) / Number(bottom ?? 1);
  return Number.isFinite(value) ? value : refuse(text, 'a number');
}

function parseCount(text: string): number {
  return /^\d{1,15}$/.test(text) ? Number(text) : refuse(text, 'a whole number of at least 0');
}

const splitList = (text: string) => (text.trim() === '' ? [] : text.split(',').map((part) => part.trim()));

/** A type whose values are read by `parse` alone. */
function typeOf<T>(placeholder: string, parse: (text: string) => T, check: Check): ValueType<T> {
  return { placeholder, parse, check };
}

export const text = typeOf('text', (value) => value, isString);
const parsePath = (value: string) => (value === '' ? refuse(value, 'a path') : value);
export const path = typeOf('file', parsePath, isString);
export const folder = typeOf('folder', parsePath, isString);
export const fileName = typeOf(
  'name',
  (value) => (value === '' ? refuse(value, 'a name of files') : value),
  isString,
);
/** `1/255` too. */
export const number = typeOf('x', parseNumber, isNumber());
export const count = typeOf('n', parseCount, isInteger(0));
export const numbers = typeOf(
  'x,…',
  (value) => splitList(value).map(parseNumber),
  isArrayOf(isNumber(), 'a list of numbers'),
);
export const counts = typeOf(
  'n,…',
  (value) => splitList(value).map(parseCount),
  isArrayOf(isInteger(0), 'a list of whole numbers'),
);
export const names = typeOf('name,…', splitList, isArrayOf(isString, 'a list of names'));

export const flag = typeOf(
  '',
  (value) => (value === 'true' ? true : value === 'false' ? false : refuse(value, 'true or false')),
  isBoolean,
);

export const range = typeOf(
  'low,high',
  (value) => {
    const ends = splitList(value).map(parseNumber);
    return isRange(ends) === null ? ends : refuse(value, 'two numbers, the lower first, as in -1,1');
  },
  isRange,
);

export const shape = typeOf(
  'AxB',
  (value) => value.split(/[x,]/).map(parseCount),
  isArrayOf(isInteger(0), 'a list of sizes'),
);

export function choice<T extends string | number>(...values: readonly T[]): ValueType<T> {
  return {
    placeholder: values.join('|'),
    parse: (value) =>
      values.find((item) => String(item) === value) ?? refuse(value, `one of ${values.join(', ')}`),
    check: isOneOf(...values),
  };
}

export function choices<T extends string>(...values: readonly T[]): ValueType<T[]> {
  const one = choice(...values);
  return {
    placeholder: `${values[0]},…`,
    parse: (value) => splitList(value).map(one.parse),
    check: isArrayOf(one.check, `a list of ${values.join(', ')}`),
  };
}

/** A list that is not empty. */
export function atLeastOne<T>(type: ValueType<T[]>): ValueType<T[]> {
  const isEmpty = (value: unknown) => Array.isArray(value) && value.length === 0;
  return {
    ...type,
    parse: (value) => {
      const list = type.parse(value);
      return isEmpty(list) ? refuse(value, 'at least one') : list;
    },
    check: (value) => (isEmpty(value) ? 'at least one' : type.check(value)),
  };
}

/** A name, or several. */
export const nameOrNames = typeOf(
  'name',
  (value) => (value.includes(',') ? splitList(value) : value),
  (value) =>
    isString(value) === null || typeof value === 'object' ? null : 'a name, a list or a map of names',
);

/** A column by its name or number, or `none`. */
export const column = typeOf(
  'column',
  (value) => (/^-?\d+$/.test(value) ? Number(value) : value === 'none' ? null : value),
  (value) =>
    value === null || isString(value) === null || Number.isInteger(value)
      ? null
      : 'a name or number, or null',
);
export const columns = typeOf(
  'column,…',
  (value) => splitList(value).map(column.parse),
  isArrayOf(column.check, 'a list of columns'),
);

/** Names and patterns of parameters, or LLA's layer index. */
export const freeze = typeOf(
  'name,…|k',
  (value) => (/^-?\d+$/.test(value) ? Number(value) : splitList(value)),
  (value) => (Number.isInteger(value) || Array.isArray(value) ? null : 'a list of names, or a layer index'),
);

/** An index, or a name. */
export const indexOrName = typeOf(
  'output',
  (value) => (/^\d+$/.test(value) ? Number(value) : value),
  (value) => (isString(value) === null || isInteger(0)(value) === null ? null : 'a name or an index'),
);

/** `3=0,5=1`. */
export const labelMap = typeOf(
  'old=new,…',
  (value) =>
    Object.fromEntries(
      splitList(value).map((entry) => {
        const parts = entry.split('=').map(parseNumber);
        return parts.length === 2 ? (parts as [number, number]) : refuse(entry, 'a pair old=new');
      }),
    ),
  (value) =>
    typeof value === 'object' && value !== null && !Array.isArray(value) ? null : 'a map of labels',
);

/** `200@1`: so many samples drawn by a seed. */
export const sample = typeOf(
  'count@seed',
  (value) => {
    const parts = value.split('@').map(parseCount);
    return parts.length === 2
      ? { count: parts[0]!, seed: parts[1]! }
      : refuse(value, 'count@seed, as in 200@1');
  },
  (value) => (typeof value === 'object' && value !== null ? null : '{ count, seed }'),
);

/** `auto`, `true` or `false`. */
export const autoFlag = typeOf(
  'auto|true|false',
  (value) => (value === 'auto' ? value : flag.parse(value)),
  (value) => (value === 'auto' || typeof value === 'boolean' ? null : "'auto', true or false"),
);

/** `default`, `trial`, or samples and graphs at once: `256@2`. */
export const plan = typeOf(
  'default|trial|chunk@workers',
  (value) => {
    if (value === 'default' || value === 'trial') return value;
    const numbers = /^([1-9]\d{0,14})@([1-9]\d{0,8})$/.exec(value);
    return numbers === null
      ? refuse(value, 'default, trial or samples@graphs, as in 256@2')
      : { chunk: Number(numbers[1]), workers: Number(numbers[2]) };
  },
  isPlanChoice,
);

/** `ends`, `all`, `none`, one number, or a list of them (of one: `5,`). */
export const snapshots = typeOf(
  'ends|all|none|k|epoch,…',
  (value) => {
    if (value === 'ends' || value === 'all' || value === 'none') return value;
    if (!value.includes(',')) return parseCount(value);
    return splitList(value.replace(/,$/, '')).map(parseCount);
  },
  isSnapshots,
);
