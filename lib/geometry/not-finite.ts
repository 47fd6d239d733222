import { LossAtlasError } from '../errors.js';

/** Of weights around which there is nothing to measure: `problem` says what is not finite, `consequence` what there is not. */
export function notFinite(problem: string, consequence: string): LossAtlasError {
  return new LossAtlasError(
    'ERR_INVALID_DATA',
    `The ${problem}: ${consequence}. Look at the weights and the data (lossatlas evaluate).`,
  );
}
