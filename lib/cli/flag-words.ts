import { LossAtlasError } from '../errors.js';
import { flagName, keyName, type OptionTable } from './options/table.js';

/** An error of the library in the spelling of the command line: `option 'stepSize'` is its `option --step-size`. */
export function inFlags(error: unknown, options: OptionTable): unknown {
  return rephrased(error, (message) => flagWords(message, options));
}

/** An error of the readers: their options are written behind the path of a data set. */
export function inDataOptions(error: unknown): unknown {
  return rephrased(error, (message) =>
    message
      .replace(/\boption '(\w+)'/g, (_, key: string) => `data option '${flagName(key)}'`)
      .replace(/^\w+: (?=data option)/, ''),
  );
}

/** Exported for tests. */
export function flagWords(message: string, options: OptionTable): string {
  const flags = new Map<string, string>();
  for (const [key, { as }] of Object.entries(options)) if (as !== undefined) flags.set(as, flagName(key));
  // Where two have one name in the library, it is the option of that name.
  for (const key of Object.keys(options)) flags.set(key, flagName(key));
  const flagOf = (name: string) => flags.get(keyName(name));
  const or = (whole: string, name: string, words: (flag: string) => string) => {
    const flag = flagOf(name);
    return flag === undefined ? whole : words(flag);
  };
  return (
    message
      .replace(/(?<!data )\b(option) '([\w-]+)'/gi, (whole, word: string, name: string) =>
        or(whole, name, (flag) => `${word} --${flag}`),
      )
      .replace(/\b(give|with) ('?)(\w+): (true|false)\2/gi, (whole, word: string, _, name: string, value) =>
        or(whole, name, (flag) => `${word} --${value === 'true' ? '' : 'no-'}${flag}`),
      )
      .replace(/\{ (\w+): '([^']*)' \}/g, (whole, name: string, value: string) =>
        or(whole, name, (flag) => `--${flag} ${value}`),
      )
      // The function that said it is nothing that was called.
      .replace(/^(?:[a-z]\w*: )+(?=option --)/, '')
  );
}

function rephrased(error: unknown, words: (message: string) => string): unknown {
  if (!(error instanceof LossAtlasError) || error.code === 'ERR_ABORTED') return error;
  const message = words(error.message);
  return message === error.message ? error : new LossAtlasError(error.code, message, { cause: error });
}
