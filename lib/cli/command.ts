import { Command, Option } from 'commander';
import { LossAtlasError } from '../errors.js';
import { readConfigFile } from './config-file.js';
import { dataHelp } from './data-spec.js';
import { exitCodeText } from './exit-codes.js';
import { inFlags } from './flag-words.js';
import { interruptSignal } from './interrupt.js';
import {
  flagName,
  type OptionGroup,
  type OptionSpec,
  type OptionTable,
  type Values,
} from './options/table.js';

export interface ArgumentSpec {
  /** The name in help texts and configuration files. */
  readonly name: string;
  readonly help: string;
  /** `many`: a list. */
  readonly count?: 'one' | 'optional' | 'many' | 'some';
}

/** What a command is run with. */
export interface Invocation {
  /** Of options, and of arguments by their names. */
  readonly values: Values;
  /** Ends with the first Ctrl-C, or SIGTERM. */
  readonly signal: AbortSignal;
}

export interface CommandSpec {
  readonly name: string;
  readonly summary: string;
  /** More for its own help text. */
  readonly details?: string;
  readonly arguments: readonly ArgumentSpec[];
  readonly groups: readonly OptionGroup[];
  readonly isDefault?: true;
  readonly run: (invocation: Invocation) => Promise<void>;
}

/** Adds a command that reads its options from the command line and from `--config`. */
export function addCommand(parent: Command, spec: CommandSpec): void {
  const command = parent
    .command(spec.name, spec.isDefault === undefined ? {} : { isDefault: true })
    .description(spec.details === undefined ? spec.summary : `${spec.summary}\n\n${spec.details}`)
    .summary(spec.summary)
    .configureHelp({ sortOptions: false });
  for (const { name, help, count = 'one' } of spec.arguments) {
    // All may come from a configuration file.
    command.argument(count === 'many' || count === 'some' ? `[${name}...]` : `[${name}]`, help);
  }
  for (const { title, options } of spec.groups) {
    for (const [key, spec] of Object.entries(options)) {
      command.addOption(optionOf(key, spec).helpGroup(title));
      if (isSwitch(spec) || spec.isNegatable === true)
        command.addOption(new Option(`--no-${flagName(key)}`).hideHelp());
    }
  }
  command.addHelpOption(new Option('-h, --help', 'this text').helpGroup('Run:'));
  const help = Object.hasOwn(tableOf(spec.groups), 'data') ? `${dataHelp}\n${exitCodeText}` : exitCodeText;
  command.addHelpText('after', help).action(async () => {
    const all = tableOf(spec.groups);
    const given = givenOptions(command, all);
    const config =
      typeof given.config === 'string' ? await readConfigFile(given.config, all, spec.arguments) : {};
    const values = { ...config, ...given, ...givenArguments(command, spec.arguments) };
    requireArguments(spec, values);
    try {
      await spec.run({ values, signal: interruptSignal() });
    } catch (error) {
      throw inFlags(error, all, Object.keys(await import('../index.js')));
    }
  });
}

/** All options of the groups. */
function tableOf(groups: readonly OptionGroup[]): OptionTable {
  return Object.assign({}, ...groups.map(({ options }) => options)) as OptionTable;
}

/** Switches have no text to parse. */
function isSwitch({ type }: OptionSpec): boolean {
  return type.placeholder === '';
}

function optionOf(key: string, spec: OptionSpec): Option {
  const { type, help, short, isOn = false, isNegatable = isOn } = spec;
  const flags = `${short === undefined ? '' : `-${short}, `}--${flagName(key)}`;
  const words = `${help}${isOn ? '; default true' : ''}${isNegatable ? ` (also --no-${flagName(key)})` : ''}`;
  if (isSwitch(spec)) return new Option(flags, words);
  return new Option(`${flags} <${type.placeholder}>`, words).argParser(parserOf(key, type.parse));
}

/** Data sets come several times, and are gathered. */
function parserOf(key: string, parse: (text: string) => unknown) {
  return (text: string, before: unknown): unknown =>
    key === 'data' || key === 'test'
      ? [...((before as unknown[] | undefined) ?? []), parse(text)]
      : parse(text);
}

/** By their keys; commander has its own way to write them. */
function givenOptions(command: Command, all: OptionTable): Values {
  const stored = command.options.filter(({ long }) => long?.startsWith('--no-') !== true);
  const entries = stored.flatMap((option) => {
    const key = Object.keys(all).find((name) => `--${flagName(name)}` === option.long);
    const value: unknown = command.getOptionValue(option.attributeName());
    const isGiven = command.getOptionValueSource(option.attributeName()) === 'cli';
    return key === undefined || !isGiven ? [] : [[key, value] as const];
  });
  return Object.fromEntries(entries);
}

function givenArguments(command: Command, specs: readonly ArgumentSpec[]): Values {
  const entries = specs.flatMap(({ name }, i) => {
    const value: unknown = command.processedArgs[i];
    const isAbsent = value === undefined || (Array.isArray(value) && value.length === 0);
    return isAbsent ? [] : [[name, value] as const];
  });
  return Object.fromEntries(entries);
}

function requireArguments({ name, arguments: specs }: CommandSpec, values: Values): void {
  for (const { name: argument, help, count = 'one' } of specs) {
    if ([values[argument]].flat().includes(''))
      throw new LossAtlasError('ERR_INVALID_OPTION', `${name}: <${argument}> is empty: ${help}.`);
    if (count === 'optional' || count === 'some' || values[argument] !== undefined) continue;
    throw new LossAtlasError('ERR_INVALID_OPTION', `${name}: <${argument}> is missing: ${help}.`);
  }
}
