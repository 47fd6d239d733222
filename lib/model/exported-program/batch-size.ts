import { LossAtlasError } from '../../errors.js';
import type { Model } from '../model.js';

/**
 * Throws ERR_FORWARD where a program was exported for batches of other sizes than one of these; of TorchScript never. `where`
 * says what has so many samples, `advice` what to do.
 */
export function requireBatchSizes(
  model: Model,
  sizes: Iterable<number>,
  where: string,
  advice: string,
): void {
  const wanted = model.inputs?.[0]?.shape[0];
  if (wanted === undefined) return;
  const [low, high] = typeof wanted === 'number' ? [wanted, wanted] : [wanted.low, wanted.high];
  for (const size of sizes) {
    if (low <= size && size <= high) continue;
    const range = low === high ? `exactly ${low}` : `${low} to ${high}`;
    throw new LossAtlasError(
      'ERR_FORWARD',
      `${model.name} was exported for batches of ${range} samples, and ${where} has ${size}: ${advice}.`,
    );
  }
}
