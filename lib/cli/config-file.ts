import { extname } from 'node:path';
import { InvalidArgumentError } from 'commander';
import { LossAtlasError } from '../errors.js';
import { readWholeFile } from '../io/read-file.js';
import { isArrayOf, isString, suggest } from '../validate.js';
import type { ArgumentSpec } from './command.js';
import { keyName, type OptionSpec, type OptionTable, type Values } from './options/table.js';

/**
 * Options from a YAML or JSON file, under the names of `options` (or as the command line writes them: `batch-size`), and
 * the command's arguments under theirs. Text is read as on the command line, so `1/255` is a number. Throws
 * ERR_INVALID_OPTION that names file and key, ERR_FILE_NOT_FOUND, ERR_INVALID_DATA.
 */
export async function readConfigFile(
  path: string,
  options: OptionTable,
  others: readonly ArgumentSpec[],
): Promise<Values> {
  const text = (await readWholeFile(path)).toString('utf8');
  const content = await parse(path, text);
  // An empty file.
  if (content === null) return {};
  if (typeof content !== 'object' || Array.isArray(content)) {
    throw new LossAtlasError(
      'ERR_INVALID_DATA',
      `'${path}' should be a map of options, such as 'points: 51'.`,
    );
  }
  // A file that names another would have it ignored.
  const known = [...Object.keys(options), ...others.map(({ name }) => name)].filter(
    (key) => key !== 'config',
  );
  const seen = new Set<string>();
  const entries = Object.entries(content).map(([written, value]) => {
    const key = keyName(written);
    if (!known.includes(key)) {
      throw new LossAtlasError(
        'ERR_INVALID_OPTION',
        `'${path}': unknown key '${written}'. ${suggest(key, known)}`,
      );
    }
    if (seen.has(key))
      throw new LossAtlasError('ERR_INVALID_OPTION', `'${path}': key '${key}' is there twice.`);
    seen.add(key);
    const fail = (expected: string): never => {
      throw new LossAtlasError('ERR_INVALID_OPTION', `'${path}': key '${written}' must be ${expected}.`);
    };
    const read = Object.hasOwn(options, key)
      ? optionValue(options[key]!, value, fail)
      : argumentValue(
          others.find(({ name }) => name === key)!,
          value,
          fail,
        );
    return [key, read] as const;
  });
  return Object.fromEntries(entries);
}

async function parse(path: string, text: string): Promise<unknown> {
  try {
    if (extname(path).toLowerCase() === '.json') return JSON.parse(text) as unknown;
    const yaml = await import('yaml');
    // A file of a few lines needs few aliases; a bomb of them would fill the memory.
    return yaml.parse(text, { maxAliasCount: 20 }) as unknown;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    // The reason quotes the file, which may be anything.
    const words = reason
      .replace(/[^\p{L}\p{N}\p{P}\p{S}\p{Z}\n]/gu, '·')
      .trim()
      .slice(0, 400);
    throw new LossAtlasError('ERR_INVALID_DATA', `'${path}' cannot be read: ${words}`, { cause });
  }
}

type Fail = (expected: string) => never;

function optionValue({ type, isNegatable }: OptionSpec, value: unknown, fail: Fail): unknown {
  // As `--no-resume`.
  if (isNegatable === true && value === false) return value;
  const expected = type.check(value);
  if (expected === null) return value;
  if (typeof value !== 'string' && typeof value !== 'number') return fail(expected);
  try {
    return type.parse(String(value));
  } catch (cause) {
    if (!(cause instanceof InvalidArgumentError)) throw cause;
    return fail(`${expected} (${cause.message.replace(/\.$/, '')})`);
  }
}

/** A path, or a list of them; of one path the list that it is. */
function argumentValue({ count }: ArgumentSpec, value: unknown, fail: Fail): unknown {
  if (count !== 'many' && count !== 'some') return isString(value) === null ? value : fail('a path');
  const list: unknown = typeof value === 'string' ? [value] : value;
  const isList = isArrayOf(isString, '')(list) === null && (list as readonly unknown[]).length > 0;
  return isList ? list : fail('a path, or a list of paths');
}
