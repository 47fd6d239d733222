import { InvalidArgumentError } from 'commander';
import type { LoadDatasetOptions } from '../index.js';

/** A data set of the command line. */
export interface DataSpec {
  readonly path: string;
  /** Of `loadDataset`. */
  readonly options: LoadDatasetOptions;
}

type Parse = (text: string) => unknown;

/** `1/255` too. */
export const number: Parse = (text) => {
  const [top, bottom, ...rest] = text.split('/');
  const value = rest.length > 0 || text.trim() === '' ? NaN : Number(top) / Number(bottom ?? 1);
  if (!Number.isFinite(value)) throw new InvalidArgumentError(`'${text}' is no number.`);
  return value;
};

export const count = (text: string): number => {
  if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError(`'${text}' is no whole number.`);
  return Number(text);
};

const text: Parse = (value) => value;
const list: Parse = (value) => value.split(',').map(number);
const shape: Parse = (value) => value.split(/[x,]/).map(count);
const names: Parse = (value) => (value.includes(',') ? value.split(',') : value);
const column: Parse = (value) => (/^-?\d+$/.test(value) ? Number(value) : value === 'none' ? null : value);
const flag: Parse = (value) => {
  if (value !== 'true' && value !== 'false')
    throw new InvalidArgumentError(`'${value}' is not true or false.`);
  return value === 'true';
};

/** By the name on the command line: the name of `loadDataset`'s option, and how its value is written. */
const dataOptions: Readonly<Record<string, readonly [option: keyof LoadDatasetOptions, parse: Parse]>> = {
  format: ['format', text],
  inputs: ['inputs', names],
  targets: ['targets', text],
  'targets-file': ['targetsPath', text],
  target: ['target', column],
  shape: ['shape', shape],
  classes: ['classes', count],
  labels: ['labels', text],
  name: ['name', text],
  limit: ['limit', count],
  shuffle: ['shuffle', count],
  'per-class': ['perClass', count],
  grayscale: ['grayscale', flag],
  resize: ['resize', shape],
  pad: ['pad', count],
  scale: ['scale', number],
  mean: ['mean', list],
  std: ['std', list],
};

export const dataOptionNames = Object.keys(dataOptions);

/** `scale` and its value as an option of `loadDataset`. Throws InvalidArgumentError. */
export function dataOption(name: string, value: string): LoadDatasetOptions {
  const known = Object.hasOwn(dataOptions, name) ? dataOptions[name] : undefined;
  if (known === undefined)
    throw new InvalidArgumentError(
      `There is no data option '${name}'. There are: ${dataOptionNames.join(', ')}.`,
    );
  const [option, parse] = known;
  return { [option]: parse(value) };
}

/** `test.npz`, or `test.npz:inputs=x,targets=y,mean=0.4,0.5`: a comma belongs to the value unless a name follows. */
export function parseData(argument: string): DataSpec {
  const parts = /^(.+?):([a-z-]+=[^]*)$/.exec(argument);
  if (parts === null) return { path: argument, options: {} };
  const [, path, given] = parts;
  const options = given!.split(/,(?=[a-z-]+=)/).map((entry) => {
    const at = entry.indexOf('=');
    return dataOption(entry.slice(0, at), entry.slice(at + 1));
  });
  return { path: path!, options: Object.assign({}, ...options) as LoadDatasetOptions };
}
