import { LossAtlasError } from '../errors.js';
import type {
  Criteria,
  CriteriaChange,
  CriteriaDifference,
  CriteriaRow,
  Provenance,
  SpectralDensity,
} from '../results.js';
import { requireEqualSettings } from '../spectrum/criteria.js';
import { typeOfCriteria } from '../spectrum/hessian-type.js';
import { differenceEstimate } from '../spectrum/statistics.js';
import { invalidOption } from '../validate.js';

/**
 * How the criteria of two spectral densities differ, `after` minus `before`. Criteria depend on how they were computed, so
 * anything but the point, the model and the data must be equal: throws ERR_SETTINGS that names what is not.
 *
 *     const { kh05 } = criteriaDifference(onMnist, onUsps);
 *     console.log(kh05.value, kh05.low, kh05.high);
 */
export function criteriaDifference(before: SpectralDensity, after: SpectralDensity): CriteriaDifference {
  for (const spectrum of [before, after]) {
    if ((spectrum as SpectralDensity | null)?.kind !== 'spectral-density')
      throw invalidOption('criteriaDifference', 'two results of spectralDensity', spectrum);
  }
  requireEqualSettings(before.criteria.settings, after.criteria.settings);
  const [a, b] = [settingsOf(before.provenance), settingsOf(after.provenance)];
  const differing = Object.keys(a).filter((key) => a[key] !== b[key]);
  if (differing.length > 0) {
    const words = differing.map((key) => `${key} (${a[key]!} and ${b[key]!})`).join(', ');
    throw new LossAtlasError(
      'ERR_SETTINGS',
      `The spectra were made differently, and their criteria depend on it: ${words}. Compute both alike.`,
    );
  }
  return Object.freeze(difference(before.criteria, after.criteria));
}

function settingsOf({ operator, mode, criterion, numSamples, options }: Provenance): Record<string, string> {
  return {
    operator: operator ?? '',
    mode,
    loss: criterion,
    'number of samples': String(numSamples),
    batchSize: String(options.batchSize),
    labelSmoothing: String(options.labelSmoothing),
    delta: String(options.delta),
  };
}

function difference(before: Criteria, after: Criteria): CriteriaDifference {
  const freedom = freedomOf(before);
  const { confidence } = before.settings;
  const of = (key: 're' | 'kh05' | 'kh1') =>
    differenceEstimate(before[key], freedom, after[key], freedom, confidence);
  return { re: of('re'), kh05: of('kh05'), kh1: of('kh1') };
}

type Measured = Pick<CriteriaRow, 'loss' | 'accuracy' | 'criteria' | 'data'>;

/** Of one model in one mode, from a data set to another. */
export function changeBetween(before: Measured, after: Measured): CriteriaChange {
  const accuracy =
    before.accuracy === null || after.accuracy === null ? null : after.accuracy - before.accuracy;
  const criteria = difference(before.criteria, after.criteria);
  const { kh05 } = criteria;
  const isRead = [before, after].every((row) => typeOfCriteria(row.criteria) === 'mainly-positive');
  const isDecided = accuracy !== null && accuracy !== 0 && (kh05.low > 0 || kh05.high < 0);
  const isOpposite = accuracy !== null && Math.sign(kh05.value) === -Math.sign(accuracy);
  return Object.freeze({
    from: before.data,
    loss: after.loss - before.loss,
    accuracy,
    ...criteria,
    paperReading: !isRead ? 'not-read' : !isDecided ? 'undecided' : isOpposite ? 'agrees' : 'disagrees',
  });
}

/** Of the standard errors: over batches where there are several, else over probes. */
function freedomOf({ settings: { batches, probes } }: Criteria): number {
  return Math.max(1, (batches > 1 ? batches : probes) - 1);
}
