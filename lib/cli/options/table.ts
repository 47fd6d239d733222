import type { ValueType } from './value-type.js';

/** One option of commands and configuration files. */
export interface OptionSpec {
  readonly type: ValueType;
  /** A line for the help text, with the default. */
  readonly help: string;
  /** The library's name where another option has taken it. */
  readonly as?: string;
  /** A letter for the command line. */
  readonly short?: string;
  /** Of switches: on unless `--no-name` is given. */
  readonly isOn?: true;
  /** `--no-name` too; switches always have it. */
  readonly isNegatable?: true;
}

/** Options by their names in the library: `batchSize` is `--batch-size`, and `batchSize` in a configuration file. */
export type OptionTable = Readonly<Record<string, OptionSpec>>;

export interface OptionGroup {
  readonly title: string;
  readonly options: OptionTable;
}

/** Values of options by name. */
export type Values = Readonly<Record<string, unknown>>;

export function option(
  type: ValueType,
  help: string,
  more: Omit<OptionSpec, 'type' | 'help'> = {},
): OptionSpec {
  return { type, help, ...more };
}

/** `batchSize` → `batch-size`. */
export function flagName(key: string): string {
  return key.replace(/[A-Z]|\d+$/g, (part) => (/\d/.test(part) ? part : `-${part.toLowerCase()}`));
}

/** `batch-size` → `batchSize`. */
export function keyName(flag: string): string {
  return flag.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

/** The values that were given for the options of a table, under the library's names. */
// The caller says which options of the library the table stands for.
// eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters
export function take<T>(values: Values, table: OptionTable, without: readonly string[] = []): T {
  const entries = Object.entries(table)
    .filter(([key]) => values[key] !== undefined && !without.includes(key))
    .map(([key, { as = key }]) => [as, values[key]]);
  // The library checks what it gets.
  return Object.fromEntries(entries) as T;
}

/** The number that was given for an option, or else its default. */
export function numberOf(values: Values, key: string, standard: number): number {
  return (values[key] as number | undefined) ?? standard;
}
