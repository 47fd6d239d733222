import { LossAtlasError } from '../errors.js';
import type { BracketedEstimate, Criteria, CriteriaSettings, Estimate, KhCriterion } from '../results.js';
import { checkOptions, invalidOption, isConfidence, isNumber, isPositive } from '../validate.js';
import {
  certify,
  integrate,
  nearZero,
  negativePower,
  positivePower,
  type Bracket,
  type IntegrandBounds,
  type ProbeQuadrature,
  type Quadrature,
} from './quadrature.js';
import { jackknifeRatio, meanEstimate } from './statistics.js';

export interface SpectrumCriteriaOptions {
  /** Confidence of the intervals; default 0.95. */
  readonly confidence?: number;
  /** τ: the tail of the spectrum is |λ| ≥ τ·max|λ|, and what is not in it is near zero. Default 0.01. */
  readonly tailThreshold?: number;
}

export const criteriaChecks = { confidence: isConfidence, tailThreshold: isNumber(0, 1) };

/**
 * KHn of one probe by LLA's formula: Σ_{λ<0} (|λ|w)ⁿ / Σ_{λ>0} (λw)ⁿ (Gabdullin 2024, arXiv 2412.10146, section 3.3).
 * Infinite where nothing is positive. For n ≠ 1 it depends on the number of Lanczos steps, not only on H.
 */
export function khCriterion({ nodes, weights }: Quadrature, n: number): number {
  let negative = 0;
  let positive = 0;
  nodes.forEach((node, i) => {
    const term = (Math.abs(node) * weights[i]!) ** n;
    if (node < 0) negative += term;
    if (node > 0) positive += term;
  });
  return negative === 0 ? 0 : negative / positive;
}

/** |λ_min / λ_max| of one probe: the ratio of its extreme Ritz values. */
export function eigenvalueRatio({ nodes }: Pick<Quadrature, 'nodes'>): number {
  return Math.abs(nodes[0]! / nodes[nodes.length - 1]!);
}

/**
 * KHn in its three figures, for any n > 0.
 *
 *     const kh2 = kh(spectrum, 2);
 *     console.log(kh2.ratio.value, kh2.ratio.bracket, kh2.ratio.determined);
 */
export function kh(spectrum: ProbeSet, n: number, options: SpectrumCriteriaOptions = {}): KhCriterion {
  requireProbes('kh', spectrum);
  checkOptions('kh', { n, ...options }, { n: isPositive, ...criteriaChecks });
  return new Figures(probesOf(spectrum), options).kh(n);
}

/** The criteria of a spectral density, for other confidence or tail than it was made with. */
export function criteria(spectrum: ProbeSet, options: SpectrumCriteriaOptions = {}): Criteria {
  requireProbes('criteria', spectrum);
  checkOptions('criteria', options, criteriaChecks);
  const settings = { steps: spectrum.steps, probes: spectrum.nodes.length, batches: 1 };
  return new Figures(probesOf(spectrum), options).all(settings);
}

/** The share of the spectrum where f is 1, as the mean over probes, with what their steps certify. */
export function spectralMass(spectrum: ProbeSet, f: IntegrandBounds, confidence: number): BracketedEstimate {
  return new Figures(probesOf(spectrum), { confidence }).mass(f);
}

/** What a spectral density holds of its probes. */
export interface ProbeSet {
  readonly steps: number;
  readonly nodes: readonly Float64Array[];
  readonly weights: readonly Float64Array[];
  readonly residualBounds: readonly Float64Array[];
}

function requireProbes(caller: string, spectrum: unknown): void {
  const { nodes, weights, residualBounds } = (spectrum ?? {}) as Partial<ProbeSet>;
  const lists = [nodes, weights, residualBounds];
  const isRight = lists.every(
    (list) => Array.isArray(list) && list.length > 0 && list.length === nodes?.length,
  );
  if (!isRight)
    throw invalidOption(`${caller}: spectrum`, 'a spectral density (of spectralDensity)', spectrum);
}

function probesOf({ nodes, weights, residualBounds }: ProbeSet): ProbeQuadrature[] {
  return nodes.map((list, i) => ({ nodes: list, weights: weights[i]!, residualBounds: residualBounds[i]! }));
}

class Figures {
  readonly probes: readonly ProbeQuadrature[];
  readonly confidence: number;
  readonly tailThreshold: number;
  /** τ·max|λ| */
  readonly threshold: number;

  constructor(probes: readonly ProbeQuadrature[], options: SpectrumCriteriaOptions) {
    const { confidence = 0.95, tailThreshold = 0.01 } = options;
    this.probes = probes;
    this.confidence = confidence;
    this.tailThreshold = tailThreshold;
    const ends = probes.flatMap(({ nodes }) => [Math.abs(nodes[0]!), Math.abs(nodes[nodes.length - 1]!)]);
    this.threshold = tailThreshold * Math.max(...ends);
  }

  all(counts: Pick<CriteriaSettings, 'steps' | 'probes' | 'batches'>): Criteria {
    const { confidence, tailThreshold } = this;
    return Object.freeze({
      re: this.re(),
      kh05: this.kh(0.5),
      kh1: this.kh(1),
      negativeMass: this.mass(negativePower(0)),
      negativeCurvatureShare: this.share(),
      nearZeroMass: this.mass(nearZero(this.threshold)),
      settings: Object.freeze({ ...counts, confidence, tailThreshold }),
    });
  }

  kh(n: number): KhCriterion {
    const lla = meanEstimate(
      this.probes.map((probe) => khCriterion(probe, n)),
      this.confidence,
    );
    const ratio = this.ratio(negativePower(n), positivePower(n));
    const tail = this.ratio(negativePower(n, this.threshold), positivePower(n, this.threshold));
    return Object.freeze({ ...notNegative(lla), n, ratio, tail });
  }

  re(): BracketedEstimate {
    const brackets = this.probes.map(({ nodes, residualBounds }) => {
      const last = nodes.length - 1;
      const [bottom, top] = [Math.abs(nodes[0]!), Math.abs(nodes[last]!)];
      const [below, above] = [residualBounds[0]!, residualBounds[last]!];
      return {
        low: Math.max(0, bottom - below) / (top + above),
        high: (bottom + below) / Math.max(0, top - above),
      };
    });
    const estimate = meanEstimate(this.probes.map(eigenvalueRatio), this.confidence);
    return includingBracket(bracketed(estimate, meanBracket(brackets)));
  }

  /** The mean over probes of ∫ f dμ, f at most 1. */
  mass(f: IntegrandBounds): BracketedEstimate {
    const samples = this.probes.map((probe) => integrate(probe, f));
    const bracket = meanBracket(this.probes.map((probe) => certify(probe, f)));
    const estimate = meanEstimate(samples, this.confidence);
    return bracketed(atMostOne(estimate), bracket);
  }

  /** Σ over probes of the numerators by that of the denominators. */
  ratio(numerator: IntegrandBounds, denominator: IntegrandBounds): BracketedEstimate {
    const parts = (f: IntegrandBounds) => this.probes.map((probe) => integrate(probe, f));
    const above = meanBracket(this.probes.map((probe) => certify(probe, numerator)));
    const below = meanBracket(this.probes.map((probe) => certify(probe, denominator)));
    const bracket = {
      low: above.low === 0 ? 0 : above.low / below.high,
      high: above.high === 0 ? 0 : above.high / below.low,
    };
    return bracketed(jackknifeRatio(parts(numerator), parts(denominator), this.confidence), bracket);
  }

  /** A / (A + B), which rises with A and falls with B. */
  share(): BracketedEstimate {
    const negative = this.ratio(negativePower(1), positivePower(1));
    const share = (q: number) => (q === Infinity ? 1 : q / (1 + q));
    const estimate = {
      value: share(negative.value),
      low: share(Math.max(0, negative.low)),
      high: share(negative.high),
      standardError: negative.standardError / (1 + negative.value) ** 2,
    };
    const apart = { low: share(negative.bracket.low), high: share(negative.bracket.high) };
    return bracketed(estimate, this.shareOfTrace(apart));
  }

  /**
   * A sharper bracket of A / (A + B), since their difference B − A = T, the mean eigenvalue, is exact but for rounding after
   * a single step: A / (T + 2A), which never crosses 1/2. `apart`: what bounds of A and B alone give. It is all that there is
   * of one probe, and of probes that lie on one side of zero and leave the sign of T open: the sign of a draw would settle
   * the side by itself.
   */
  shareOfTrace(apart: Bracket): Bracket {
    if (this.probes.length === 1) return apart;
    const [negative, positive] = [negativePower(1), positivePower(1)];
    const sums = [negative, positive].map((f) => this.probes.map((probe) => integrate(probe, f)));
    const traces = sums[1]!.map((sum, i) => sum - sums[0]![i]!);
    const { value: trace, low, high } = meanEstimate(traces, this.confidence);
    // Then the ratio of A and B does not vary from probe to probe, whatever their difference does.
    const isOneSided = sums.some((list) => list.every((sum) => sum === 0));
    if (isOneSided && low <= 0 && high >= 0) return apart;
    const below = meanBracket(this.probes.map((probe) => certify(probe, negative)));
    const above = meanBracket(this.probes.map((probe) => certify(probe, positive)));
    const ends = [Math.max(below.low, above.low - trace), Math.min(below.high, above.high - trace)];
    const [from, to] = ends.map((mass) => mass / (trace + 2 * mass)).sort((x, y) => x - y);
    const bracket = { low: Math.max(apart.low, from!), high: Math.min(apart.high, to!) };
    // Exact quadratures differ by rounding alone.
    return bracket.low <= bracket.high ? bracket : apart;
  }
}

function meanBracket(brackets: readonly Bracket[]): Bracket {
  const mean = (key: keyof Bracket) => brackets.reduce((sum, b) => sum + b[key], 0) / brackets.length;
  return { low: mean('low'), high: mean('high') };
}

/** None of the criteria can be negative, so neither can its interval. */
function notNegative(estimate: Estimate): Estimate {
  return { ...estimate, low: Math.max(0, estimate.low) };
}

/** Of shares, whose intervals by Student's t know no end. */
function atMostOne(estimate: Estimate): Estimate {
  return { ...estimate, high: Math.min(1, estimate.high) };
}

/** A bracket below this share of its value determines it, however small the statistical error is. */
const sharp = 0.01;

function bracketed(estimate: Estimate, bracket: Bracket): BracketedEstimate {
  const { value, low, high, standardError } = notNegative(estimate);
  const width = bracket.high - bracket.low;
  return Object.freeze({
    value,
    low,
    high,
    standardError,
    bracket: Object.freeze({ low: bracket.low, high: bracket.high }),
    determined: Number.isFinite(width) && (width <= high - low || width <= sharp * value),
  });
}

/**
 * For re. Ritz values fall short of the extremes, most probes by next to nothing and one in a thousand by much: Student's
 * interval alone holds neither their mean nor the ratio of the extremes. With the residual bounds it holds the ratio.
 */
function includingBracket(estimate: BracketedEstimate): BracketedEstimate {
  const { low, high, bracket } = estimate;
  // Of a single probe there is no other.
  const union = {
    low: Number.isNaN(low) ? bracket.low : Math.min(low, bracket.low),
    high: Number.isNaN(high) ? bracket.high : Math.max(high, bracket.high),
  };
  return Object.freeze({ ...estimate, ...union });
}

/**
 * The mean of several batches' criteria: the intervals are Student's over the batches, which hold what varies between
 * probes too; that of re includes its bracket. `confidence`: default theirs. Only criteria of the same matrix, mode and loss
 * mean anything together. Throws ERR_SETTINGS unless their settings are equal, ERR_EMPTY_DATA, ERR_INVALID_OPTION.
 */
export function averageCriteria(list: readonly Criteria[], confidence?: number): Criteria {
  const given: unknown = list;
  if (!Array.isArray(given)) throw invalidOption('averageCriteria: list', 'an array of criteria', list);
  return averageAt(list, confidence ?? list[0]?.settings.confidence ?? 0.95);
}

function averageAt(list: readonly Criteria[], confidence: number): Criteria {
  const [first] = list;
  if (first === undefined) throw new LossAtlasError('ERR_EMPTY_DATA', 'There are no criteria to average.');
  const expected = isConfidence(confidence);
  if (expected !== null) throw invalidOption('averageCriteria: confidence', expected, confidence);
  for (const other of list) requireEqualSettings(first.settings, other.settings);
  const mean = (pick: (criteria: Criteria) => Estimate) =>
    notNegative(
      meanEstimate(
        list.map((item) => pick(item).value),
        confidence,
      ),
    );
  const bracket = (pick: (criteria: Criteria) => BracketedEstimate) =>
    bracketed(mean(pick), meanBracket(list.map((item) => pick(item).bracket)));
  const share = (pick: (criteria: Criteria) => BracketedEstimate) =>
    bracketed(atMostOne(mean(pick)), meanBracket(list.map((item) => pick(item).bracket)));
  const average = (pick: (criteria: Criteria) => KhCriterion): KhCriterion =>
    Object.freeze({
      ...mean(pick),
      n: pick(first).n,
      ratio: bracket((item) => pick(item).ratio),
      tail: bracket((item) => pick(item).tail),
    });
  const batches = list.reduce((sum, { settings }) => sum + settings.batches, 0);
  return Object.freeze({
    re: includingBracket(bracket((item) => item.re)),
    kh05: average((item) => item.kh05),
    kh1: average((item) => item.kh1),
    negativeMass: share((item) => item.negativeMass),
    negativeCurvatureShare: share((item) => item.negativeCurvatureShare),
    nearZeroMass: share((item) => item.nearZeroMass),
    settings: Object.freeze({ ...first.settings, batches, confidence }),
  });
}

/** Throws ERR_SETTINGS that names what differs. */
export function requireEqualSettings(a: CriteriaSettings, b: CriteriaSettings): void {
  const keys = Object.keys(a) as (keyof CriteriaSettings)[];
  const differing = keys.filter((key) => a[key] !== b[key]);
  if (differing.length === 0) return;
  const words = differing.map((key) => `${key} (${a[key]} and ${b[key]})`).join(', ');
  throw new LossAtlasError(
    'ERR_SETTINGS',
    `The criteria were made at different settings, and their values depend on them: ${words}. Compute both alike.`,
  );
}
