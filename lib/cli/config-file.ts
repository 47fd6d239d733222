import { extname } from 'node:path';
import { InvalidArgumentError } from 'commander';
import { LossAtlasError } from '../errors.js';
import { readWholeFile } from '../io/read-file.js';
import { suggest } from '../validate.js';
import { keyName, type OptionTable, type Values } from './options/table.js';

/**
 * Options from a YAML or JSON file, under the names of `options` (or as the command line writes them: `batch-size`), and
 * the command's arguments under theirs. Text is read as on the command line, so `1/255` is a number. Throws
 * ERR_INVALID_OPTION that names file and key, ERR_FILE_NOT_FOUND, ERR_INVALID_DATA.
 */
export async function readConfigFile(
  path: string,
  options: OptionTable,
  others: readonly string[],
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
  const known = [...Object.keys(options), ...others];
  const entries = Object.entries(content).map(([written, value]) => {
    const key = keyName(written);
    if (!known.includes(key)) {
      throw new LossAtlasError(
        'ERR_INVALID_OPTION',
        `'${path}': unknown key '${written}'. ${suggest(key, known)}`,
      );
    }
    return [key, valueOf(path, written, value, Object.hasOwn(options, key) ? options : {}, key)] as const;
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
    throw new LossAtlasError('ERR_INVALID_DATA', `'${path}' cannot be read: ${reason.trim()}`, { cause });
  }
}

/** Of arguments and data sets, which have no type here, as it is. */
function valueOf(path: string, written: string, value: unknown, options: OptionTable, key: string): unknown {
  const type = options[key]?.type;
  if (type === undefined) return value;
  const fail = (expected: string): never => {
    throw new LossAtlasError('ERR_INVALID_OPTION', `'${path}': key '${written}' must be ${expected}.`);
  };
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
