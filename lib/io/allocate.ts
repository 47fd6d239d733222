import { LossAtlasError } from '../errors.js';

/** What `make` allocates for so many values or bytes; where there is no memory, ERR_OUT_OF_MEMORY. */
export function allocated<T>(make: () => T, source: string, what: string): T {
  try {
    return make();
  } catch (cause) {
    throw new LossAtlasError('ERR_OUT_OF_MEMORY', `${source}: there is no memory for ${what}.`, { cause });
  }
}
