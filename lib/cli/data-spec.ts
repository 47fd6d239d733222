import { InvalidArgumentError } from 'commander';
import { LossAtlasError } from '../errors.js';
import type { LoadDatasetOptions } from '../index.js';
import { isString, suggest, type Check } from '../validate.js';
import { dataOptions } from './options/setting-options.js';
import { flagName, keyName, option, take, type OptionTable, type Values } from './options/table.js';
import type { ValueType } from './options/value-type.js';

/** A data set of the command line. */
export interface DataSpec {
  readonly path: string;
  /** Of `loadDataset`. */
  readonly options: LoadDatasetOptions;
}

const table: OptionTable = dataOptions;

/** `scale=1/255,mean=0.4,0.5`: a comma belongs to the value unless a name follows. */
function parseOptions(text: string): Values {
  const entries = text.split(/,(?=[a-zA-Z-]+=)/).map((entry) => {
    const at = entry.indexOf('=');
    if (at < 1) throw new InvalidArgumentError(`'${entry}' is no option: they are written name=value.`);
    const [name, value] = [entry.slice(0, at), entry.slice(at + 1)];
    return [keyOf(name), typeOf(name).parse(value)] as const;
  });
  return onceEach(entries);
}

/** Of two values it is not for us to choose. */
function onceEach(entries: readonly (readonly [key: string, value: unknown])[]): Values {
  const values = new Map<string, unknown>();
  for (const [key, value] of entries) {
    if (values.has(key)) throw new InvalidArgumentError(`The data option '${flagName(key)}' is given twice.`);
    values.set(key, value);
  }
  return Object.fromEntries(values);
}

function keyOf(name: string): string {
  const key = keyName(name);
  if (Object.hasOwn(table, key)) return key;
  throw new InvalidArgumentError(
    `There is no data option '${name}'. ${suggest(name, Object.keys(table).map(flagName))}`,
  );
}

const typeOf = (name: string): ValueType => table[keyOf(name)]!.type;

/** Of a configuration file: an object with the same names. */
function readOptions(...values: readonly Values[]): Values {
  const entries = values.flatMap(Object.entries<unknown>).map(([name, item]) => {
    const { check, parse } = typeOf(name);
    const expected = check(item);
    if (expected === null) return [keyOf(name), item] as const;
    if (typeof item !== 'string')
      throw new InvalidArgumentError(`Data option '${name}' must be ${expected}.`);
    return [keyOf(name), parse(item)] as const;
  });
  return onceEach(entries);
}

/** `test.npz`, or `test.npz:inputs=x,targets=y,mean=0.4,0.5`. */
export function parseData(argument: string): DataSpec {
  const parts = /^(.+?):([a-zA-Z-]+=[^]*)$/.exec(argument);
  if (parts === null) return { path: argument, options: {} };
  return { path: parts[1]!, options: take(parseOptions(parts[2]!), table) };
}

/** Data sets as commands and configuration files give them, with the options of all. Throws ERR_INVALID_OPTION. */
export function dataSpecs(values: Values): DataSpec[] {
  const { data, dataOptions: shared = {} } = values;
  const list = Array.isArray(data) ? (data as readonly unknown[]) : data === undefined ? [] : [data];
  try {
    const common = readOptions(shared as Values);
    return list.map((item) => {
      const { path, options } = specOf(item);
      return { path, options: { ...take<LoadDatasetOptions>(common, table), ...options } };
    });
  } catch (cause) {
    if (!(cause instanceof InvalidArgumentError)) throw cause;
    throw new LossAtlasError('ERR_INVALID_OPTION', `data: ${cause.message}`, { cause });
  }
}

/** Data sets of another option, with the shared options of all. */
export function dataSpecsOf(values: Values, key: string): DataSpec[] {
  const { dataOptions: shared } = values;
  return dataSpecs({ data: values[key], ...(shared === undefined ? {} : { dataOptions: shared }) });
}

function specOf(item: unknown): DataSpec {
  if (typeof item === 'string') return parseData(item);
  const { path, options = {}, ...others } = (item ?? {}) as Values;
  if (isString(path) !== null) throw new InvalidArgumentError("a data set needs a 'path'.");
  // `options` of the command line are read already, which nothing changes.
  if (!isMap(options)) throw new InvalidArgumentError("'options' must be a map of data options.");
  return { path: path as string, options: take(readOptions(options, others), table) };
}

const isMap = (value: unknown): value is Values =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isSpec: Check = (value) =>
  typeof value === 'object' && value !== null
    ? null
    : 'a path, path:options, an object with a path, or a list of them';

export const dataType: ValueType<DataSpec> = {
  placeholder: 'path[:options]',
  parse: parseData,
  check: isSpec,
};
const sharedType: ValueType<Values> = {
  placeholder: 'name=value,…',
  parse: parseOptions,
  check: (value) => (isMap(value) ? null : 'a map of data options'),
};

/** `data` may come several times. */
export const dataTable = {
  data: option(dataType, 'data set, may come several times: test.npz:inputs=x,limit=100', { short: 'd' }),
  dataOptions: option(sharedType, 'for all data sets: scale=1/255,mean=0.1307'),
} satisfies OptionTable;

/** For help texts. */
export const dataHelp = [
  '',
  'Data options, after the path of a data set or in --data-options, as name=value,name=value:',
  ...Object.entries(table).map(([key, { help }]) => `  ${flagName(key).padEnd(14)} ${help}`),
].join('\n');
