import { LossAtlasError } from '../errors.js';
import { flagName, keyName, type OptionTable } from './options/table.js';

/**
 * An error of the library in the spelling of the command line: `option 'stepSize'` is its `option --step-size`. `functions`:
 * names of those that may stand before it, which nobody called.
 */
export function inFlags(error: unknown, options: OptionTable, functions: readonly string[] = []): unknown {
  return rephrased(error, (message) => flagWords(message, options, functions));
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
export function flagWords(message: string, options: OptionTable, functions: readonly string[] = []): string {
  const flags = new Map<string, string>();
  for (const [key, { as }] of Object.entries(options)) if (as !== undefined) flags.set(as, flagName(key));
  // Where two have one name in the library, it is the option of that name.
  for (const key of Object.keys(options)) flags.set(key, flagName(key));
  const flagOf = (name: string) => flags.get(keyName(name));
  const or = (whole: string, name: string, words: (flag: string) => string) => {
    const flag = flagOf(name);
    return flag === undefined ? whole : words(flag);
  };
  // One word could be the name of a data set as well.
  const called = /^[a-z]+[A-Z]\w*(?=: )/.exec(message)?.[0];
  const own = called !== undefined && functions.includes(called) ? message.slice(called.length + 2) : message;
  return (
    own
      // Of an object of options the flag may begin with its name: of `poison` the `batchSize` is `--poison-batch-size`.
      .replace(/\b(\w+): (option) '(\w+)'/g, (whole, group: string, word: string, name: string) => {
        const flag = flagOf(group + name.charAt(0).toUpperCase() + name.slice(1));
        return flag === undefined ? whole : `${word} --${flag}`;
      })
      .replace(/(?<!data )\b(option) '([\w-]+)'/gi, (whole, word: string, name: string) =>
        or(whole, name, (flag) => `${word} --${flag}`),
      )
      .replace(/\b(give|with) ('?)(\w+): (true|false)\2/gi, (whole, word: string, _, name: string, value) =>
        or(whole, name, (flag) => `${word} --${value === 'true' ? '' : 'no-'}${flag}`),
      )
      .replace(
        /\b(give|with) (\w+): (?:'([\w-]+)'|(\d[\d.e+-]*\d|\d))/gi,
        (whole, word: string, name: string, text, number) =>
          or(whole, name, (flag) => `${word} --${flag} ${(text ?? number) as string}`),
      )
      .replace(/\{ (\w+): '([^']*)' \}/g, (whole, name: string, value: string) =>
        or(whole, name, (flag) => `--${flag} ${value}`),
      )
      // Bare, where they can be nothing else, and not in what is quoted.
      .split(/((?<!\w)'[^']*')/)
      .map((part, i) =>
        i % 2 === 1
          ? part
          : part.replace(/(?<=^|[ (])[a-z]+[A-Z]\w*(?=[ ,.;)]|$)/g, (name) =>
              or(name, name, (flag) => `--${flag}`),
            ),
      )
      .join('')
      // The function that said it is nothing that was called.
      .replace(/^(?:[a-z]\w*: )+(?=option --)/, '')
  );
}

function rephrased(error: unknown, words: (message: string) => string): unknown {
  if (!(error instanceof LossAtlasError) || error.code === 'ERR_ABORTED') return error;
  const message = words(error.message);
  return message === error.message ? error : new LossAtlasError(error.code, message, { cause: error });
}
