import { LossAtlasError } from '../errors.js';
import { flagName, type Values } from './options/table.js';

/** An option that would do nothing is a misunderstanding. `reason` says what it is for. Throws ERR_INVALID_OPTION. */
export function refuseOptions(values: Values, keys: readonly string[], reason: string): void {
  const given = keys.find((key) => values[key] !== undefined);
  if (given === undefined) return;
  throw new LossAtlasError('ERR_INVALID_OPTION', `Option --${flagName(given)} is ${reason}.`);
}
