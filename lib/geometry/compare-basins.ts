import { LossAtlasError } from '../errors.js';
import type { BasinDifference, BasinVolume } from '../results.js';
import { differenceEstimate } from '../spectrum/statistics.js';
import { invalidOption } from '../validate.js';

/**
 * How much larger the second basin is than the first: the difference of log-volumes with Welch's interval, and the ratio
 * of median radii (Huang et al. 2019, arXiv 1906.03291). A volume depends on how it was measured: throws ERR_SETTINGS that
 * names what differs.
 *
 *     const { logVolume } = basinDifference(poisoned, clean);
 */
export function basinDifference(before: BasinVolume, after: BasinVolume): BasinDifference {
  for (const basin of [before, after]) {
    if ((basin as BasinVolume | null)?.kind !== 'basin-volume')
      throw invalidOption('basinDifference', 'two results of basinVolume', basin);
  }
  const [a, b] = [settingsOf(before), settingsOf(after)];
  const differing = Object.keys(a).filter((key) => a[key] !== b[key]);
  if (differing.length > 0) {
    const words = differing.map((key) => `${key} (${a[key]!} and ${b[key]!})`).join(', ');
    throw new LossAtlasError(
      'ERR_SETTINGS',
      `The basins were measured differently, and their volumes depend on it: ${words}. Measure both alike.`,
    );
  }
  return Object.freeze({
    logVolume: differenceEstimate(
      before.logVolume,
      before.radii.length - 1,
      after.logVolume,
      after.radii.length - 1,
      before.confidence,
    ),
    medianRadiusRatio: after.medianRadius / before.medianRadius,
    isBound: before.numCensored + after.numCensored > 0,
  });
}

function settingsOf(basin: BasinVolume): Record<string, string> {
  const { quantity, cutoff, dimension, normalization, order, ignored, frozen, confidence } = basin;
  const { mode, criterion, dataHash, options } = basin.provenance;
  return {
    quantity,
    cutoff: String(cutoff),
    dimension: String(dimension),
    normalization,
    order: String(order),
    ignored: ignored.join(' and '),
    frozen: frozen.join(' '),
    confidence: String(confidence),
    mode,
    loss: criterion,
    data: dataHash.slice(0, 16),
    labelSmoothing: String(options.labelSmoothing),
  };
}
