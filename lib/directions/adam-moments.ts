import { readCheckpoint } from '../io/checkpoint/checkpoint.js';
import { matchOptimizer, optimizerState } from '../io/checkpoint/optimizer.js';
import { LossAtlasError } from '../errors.js';
import type { Model } from '../model/model.js';
import { flatten } from '../model/tensor-values.js';
import { checkOptions, isOneOf, isString } from '../validate.js';
import type { AdamMoments } from './adam.js';

/** Moments that belong to the caller. */
export type LoadedMoments = AdamMoments & Disposable & { dispose(): void };

export interface LoadMomentsOptions {
  /** Where the optimizer's state dict is; default found by itself. */
  readonly key?: string | undefined;
  /** See `readCheckpoint`. */
  readonly unknown?: 'refuse' | 'opaque' | undefined;
}

/**
 * Adam's moments (`exp_avg`, `exp_avg_sq`) from an optimizer's state in a checkpoint, in the order of the model's
 * parameters, which is that of `torch.optim.Adam(model.parameters())`. Parameters without state get zeros.
 *
 *     using moments = await loadMoments(model, 'checkpoint.pth');
 *     using plane = await adamPlane(moments, { update: 'adam' });
 *
 * Throws ERR_FILE_NOT_FOUND, ERR_FILE_UNREADABLE, ERR_CHECKPOINT (no Adam state), ERR_CHECKPOINT_MISMATCH.
 */
export async function loadMoments(
  model: Model,
  path: string,
  options: LoadMomentsOptions = {},
): Promise<LoadedMoments> {
  checkOptions('loadMoments', options, { key: isString, unknown: isOneOf('refuse', 'opaque') });
  const { key, unknown } = options;
  const { kind, entries } = optimizerState(await readCheckpoint(path, { unknown }), { key });
  if (kind !== 'adam') {
    throw new LossAtlasError(
      'ERR_CHECKPOINT',
      `The optimizer's state in '${path}' has no exp_avg and exp_avg_sq: it is not Adam's (or AdamW's).`,
    );
  }
  const { mapping } = matchOptimizer(entries, model.parameters, path);
  const states = new Map(mapping.map(({ name, entry }) => [name, entry]));
  const expAvg = await model.vector(await flatten(model, (name) => states.get(name)?.expAvg));
  try {
    const expAvgSq = await model.vector(await flatten(model, (name) => states.get(name)?.expAvgSq));
    const dispose = () => {
      expAvg.dispose();
      expAvgSq.dispose();
    };
    return { expAvg, expAvgSq, dispose, [Symbol.dispose]: dispose };
  } catch (error) {
    expAvg.dispose();
    throw error;
  }
}
