import type { BracketedEstimate, EigenvalueCount, Eigenpairs, SpectralDensity } from '../results.js';
import { spectralMass } from '../spectrum/criteria.js';
import { massAbove, massBelow } from '../spectrum/quadrature.js';
import { checkOptions, invalidOption, isArrayOf, isConfidence, isNumber, type Check } from '../validate.js';

export interface EigenvalueCountOptions {
  /** Where to count; default [0]. */
  readonly thresholds?: readonly number[];
  /** Estimates all counts. */
  readonly density?: SpectralDensity;
  /** Known eigenvalues: counts that they settle are exact. */
  readonly eigenpairs?: Eigenpairs;
  /** Of the intervals; default 0.95. */
  readonly confidence?: number;
}

const isKind =
  (kind: string, words: string): Check =>
  (v) =>
    (v as { kind?: string } | null)?.kind === kind ? null : words;

export const countChecks = {
  thresholds: isArrayOf(isNumber(), 'an array of finite numbers'),
  density: isKind('spectral-density', 'a spectral density (of spectralDensity)'),
  eigenpairs: isKind('eigenpairs', 'eigenpairs (of eigenpairs)'),
  confidence: isConfidence,
};

/**
 * How many eigenvalues are above and below thresholds: n times the mass of a spectral density, with Student's interval over
 * its probes and the bracket that its Lanczos steps certify; exactly, where known eigenvalues reach across the threshold
 * (on both sides then: all that are not on the one are on the other).
 *
 *     const [flat] = countEigenvalues({ density, eigenpairs: pairs, thresholds: [1] });
 */
export function countEigenvalues(options: EigenvalueCountOptions): readonly EigenvalueCount[] {
  checkOptions('countEigenvalues', options, countChecks);
  const { thresholds = [0], density, eigenpairs, confidence = 0.95 } = options;
  if (density === undefined && eigenpairs === undefined)
    throw invalidOption('countEigenvalues', "given 'density' or 'eigenpairs'", options);
  return Object.freeze(
    thresholds.map((threshold) => {
      const massOf = (f: typeof massAbove) =>
        density === undefined ? null : spectralMass(density, f(threshold), confidence);
      const [above, below] = [massOf(massAbove), massOf(massBelow)];
      const settled = (sign: 1 | -1) =>
        eigenpairs === undefined ? null : settledBy(eigenpairs, threshold, sign);
      // What settles one side has no eigenvalue at the threshold: all others are on the other.
      const known = (sign: 1 | -1) => {
        const other = density === undefined ? null : settled(sign === 1 ? -1 : 1);
        return settled(sign) ?? (other === null ? null : density!.size - other);
      };
      return Object.freeze({
        threshold,
        massAbove: above,
        massBelow: below,
        above: density === undefined ? null : scaled(above!, density.size),
        below: density === undefined ? null : scaled(below!, density.size),
        knownAbove: known(1),
        knownBelow: known(-1),
      });
    }),
  );
}

function scaled(mass: BracketedEstimate, n: number): BracketedEstimate {
  const { value, low, high, standardError, bracket, determined } = mass;
  return Object.freeze({
    value: n * value,
    low: n * low,
    high: n * high,
    standardError: n * standardError,
    bracket: Object.freeze({ low: n * bracket.low, high: n * bracket.high }),
    determined,
  });
}

/**
 * Eigenvalues beyond the threshold, upwards for a sign of 1: known where the list goes on from that end to beyond the
 * threshold, and no residual leaves open on which side a value is. Multiple eigenvalues count as often as they were found.
 */
function settledBy(pairs: Eigenpairs, threshold: number, sign: 1 | -1): number | null {
  const { which, values, residuals } = pairs;
  const isOpen = Array.from(values).some((value, i) => !(Math.abs(value - threshold) > residuals[i]!));
  if (isOpen) return null;
  const numBeyond = values.reduce((count, value) => count + (sign * (value - threshold) > 0 ? 1 : 0), 0);
  const hasEnd = which === 'both-ends' || which === (sign > 0 ? 'largest' : 'smallest');
  if (hasEnd) {
    const numTop = Math.ceil(values.length / 2);
    const end =
      which !== 'both-ends' ? values : sign > 0 ? values.subarray(0, numTop) : values.subarray(numTop);
    const isAcross = end.some((value) => sign * (value - threshold) < 0);
    return isAcross ? numBeyond : null;
  }
  // All that are larger than the smallest of the list are in it.
  if (which === 'largest-magnitude' && sign * threshold >= 0)
    return values.some((value) => Math.abs(value) < Math.abs(threshold)) ? numBeyond : null;
  return null;
}
