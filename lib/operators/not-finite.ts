import { LossAtlasError } from '../errors.js';

/** What a product with NaN or infinity means. */
export function notFinite(): LossAtlasError {
  return new LossAtlasError(
    'ERR_INVALID_DATA',
    'A product with the operator is not finite: the parameters hold NaN, or the loss overflows there. Evaluate the loss first; float64 has more range.',
  );
}
