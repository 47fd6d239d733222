import { LossAtlasError } from '../errors.js';
import type { Solution } from '../model/solution.js';

/** From a weight that is not finite no step leads anywhere: throws ERR_INVALID_DATA, naming the first one. */
export async function requireFiniteStart({ label, theta, model }: Solution): Promise<void> {
  const values = await theta.toArray();
  const place = values.findIndex((value) => !Number.isFinite(value));
  if (place < 0) return;
  const { name } = model.parameters.find(({ offset, numel }) => place < offset + numel)!;
  throw new LossAtlasError(
    'ERR_INVALID_DATA',
    `The weights to start from, '${label}', are not finite: '${name}' holds ${values[place]!}. Start from others.`,
  );
}
