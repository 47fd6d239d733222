import { LossAtlasError } from '../errors.js';
import { isArrayOf, isInteger } from '../validate.js';

/** Option `shape` of readers: the shape of one sample, where the file holds it flat. */
export const isSampleShape = isArrayOf(isInteger(1), 'an array of sizes');

/** The shape of all samples with each of them in the shape asked for. */
export function shaped(
  stored: readonly number[],
  sample: readonly number[] | undefined,
  source: string,
): readonly number[] {
  if (sample === undefined) return stored;
  const [numSamples = 0, ...sizes] = stored;
  const count = (dims: readonly number[]) => dims.reduce((product, dim) => product * dim, 1);
  if (count(sample) !== count(sizes)) {
    throw new LossAtlasError(
      'ERR_INVALID_DATA',
      `${source}: samples of [${sizes.join(', ')}] do not fit the shape [${sample.join(', ')}].`,
    );
  }
  return [numSamples, ...sample];
}

export function shapeDone(sample: readonly number[] | undefined): readonly string[] {
  return sample === undefined ? [] : [`samples of shape [${sample.join(', ')}]`];
}
