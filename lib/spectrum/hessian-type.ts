import type { BracketedEstimate, Criteria, HessianType, SpectralDensity } from '../results.js';
import { checkOptions, invalidOption, isNumber } from '../validate.js';

export interface HessianTypeOptions {
  /** Curvature, in units of the loss, below which everything counts as none; default 1e-6. */
  readonly flatBelow?: number;
}

/**
 * Of which type a spectrum is, by a rule of our own: that of Gabdullin 2025 (arXiv 2504.17618), whose names these are, is
 * not published. It takes the intervals and brackets of the criteria, and decides only where both lie on one side:
 *
 * 1. `near-singular`: both extremes, with their residual bounds, are at most `flatBelow` in magnitude in every probe;
 * 2. `mainly-positive`: |λ_min / λ_max| is below 1, and the negative share of Σ|λ|w below 1/2, which is where the trace is
 *    positive;
 * 3. `mainly-negative`: both are above;
 * 4. else `undecided`.
 *
 *     const { type, reason } = hessianType(spectrum);
 *
 * Throws ERR_INVALID_OPTION for what is no spectral density.
 */
export function hessianType(spectrum: SpectralDensity, options: HessianTypeOptions = {}): HessianType {
  if ((spectrum as SpectralDensity | null)?.kind !== 'spectral-density')
    throw invalidOption('hessianType: spectrum', 'a spectral density (of spectralDensity)', spectrum);
  checkOptions('hessianType', options, { flatBelow: isNumber(0) });
  const { flatBelow = 1e-6 } = options;
  const { re, negativeCurvatureShare, negativeMass, nearZeroMass } = spectrum.criteria;
  const [low, high] = extremesOf(spectrum);
  const isFlat = Math.max(-low, high) <= flatBelow;
  return Object.freeze({
    type: isFlat ? 'near-singular' : typeOfCriteria(spectrum.criteria),
    rule: 'lossatlas',
    reason: isFlat ? `no curvature is above ${flatBelow}` : reasonOf(sidesOf(spectrum.criteria)),
    lowest: low,
    highest: high,
    flatBelow,
    re,
    negativeCurvatureShare,
    negativeMass,
    nearZeroMass,
  });
}

/** The same from criteria alone, which tell a near-singular spectrum only where both extremes are 0. */
export function typeOfCriteria(criteria: Criteria): HessianType['type'] {
  if (Number.isNaN(criteria.re.value)) return 'near-singular';
  const sides = sidesOf(criteria);
  if (sides.every((side) => side < 0)) return 'mainly-positive';
  return sides.every((side) => side > 0) ? 'mainly-negative' : 'undecided';
}

function sidesOf({ re, negativeCurvatureShare }: Criteria): readonly (-1 | 0 | 1)[] {
  // Of one probe there is no interval: its share of the spectrum is a single draw, its extremes are those of the matrix.
  const isDrawn = Number.isNaN(negativeCurvatureShare.low);
  return [sideOf(re, 1), isDrawn ? 0 : sideOf(negativeCurvatureShare, 0.5)];
}

/** The outermost Ritz values of all probes with their residual bounds. */
function extremesOf({ nodes, residualBounds }: SpectralDensity): readonly [number, number] {
  const lows = nodes.map((list, i) => list[0]! - residualBounds[i]![0]!);
  const highs = nodes.map((list, i) => list[list.length - 1]! + residualBounds[i]!.at(-1)!);
  return [Math.min(...lows), Math.max(...highs)];
}

/** −1 and 1: interval and bracket lie below and above; 0: neither. */
function sideOf({ low, high, bracket }: BracketedEstimate, boundary: number): -1 | 0 | 1 {
  const lowest = Math.min(low, bracket.low);
  const highest = Math.max(high, bracket.high);
  if (highest < boundary) return -1;
  return lowest > boundary ? 1 : 0;
}

function reasonOf([extremes, share]: readonly number[]): string {
  const words = (side: number, what: string, boundary: string) =>
    side === 0
      ? `the interval of ${what} holds ${boundary}`
      : `${what} is ${side < 0 ? 'below' : 'above'} ${boundary}`;
  return [
    words(extremes!, '|λ min / λ max|', '1'),
    words(share!, 'the negative share of curvature', '1/2'),
  ].join(', and ');
}
