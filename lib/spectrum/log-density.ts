import type { Estimate, SpectralDensity } from '../results.js';
import { checkOptions, isInteger, isPositive } from '../validate.js';
import { meanEstimate } from './statistics.js';

export interface RenderLogDensityOptions {
  /** Grid points; default 1000. */
  readonly points?: number;
  /**
   * Standard deviation in decades of the Gaussian that each node becomes; default 0.1. At least one step of the grid:
   * narrower ones would fall between its points and lose their mass.
   */
  readonly width?: number;
  /**
   * The least |λ| of the grid; default 1e-7·max|λ|, about what rounding in float32 leaves of a product. What is smaller
   * counts as `below`.
   */
  readonly floor?: number;
}

/** The eigenvalues of one sign. `low` and `high` are the 95 % band over probes, null for a single probe. */
export interface LogDensitySide {
  /** Per decade of |λ|. */
  readonly density: Float64Array;
  readonly low: Float64Array | null;
  readonly high: Float64Array | null;
  /** The mass of this sign that the curve does not hold: that of |λ| below the grid. */
  readonly below: Estimate;
}

/** A spectral density over log₁₀|λ|: the two sides' integrals over log₁₀ x, their `below` and `zero` add up to 1. */
export interface RenderedLogDensity {
  /** |λ|, evenly spaced in its logarithm. */
  readonly x: Float64Array;
  readonly positive: LogDensitySide;
  readonly negative: LogDensitySide;
  /** The mass of nodes that are exactly 0: an invariant subspace in the kernel. */
  readonly zero: Estimate;
}

const confidence = 0.95;

/** In standard deviations: beyond the largest node the grid ends, and Gaussians are cut where they are below 1e-20. */
const [margin, reach] = [6, 9.6];

/**
 * A smooth density over log₁₀|λ| from raw quadrature nodes, positive and negative eigenvalues apart: the mean over probes
 * of Σ w·N(log₁₀|λ|, width²), per decade. It shows what a linear axis hides in one column at zero: whether the two sides
 * mirror each other, and how many decades lie between the bulk and the outliers. Only a view, as `renderDensity` is.
 *
 *     const { positive, negative } = renderLogDensity(spectrum, { floor: 1e-6 });
 *     console.log(positive.below.value, negative.below.value); // masses in (0, 1e-6) and (−1e-6, 0)
 *
 * Where Ritz values next to zero fall, and on which side, is an accident of the steps: read the masses below the resolved
 * range together. Throws ERR_INVALID_OPTION.
 */
export function renderLogDensity(
  spectrum: Pick<SpectralDensity, 'nodes' | 'weights'>,
  options: RenderLogDensityOptions = {},
): RenderedLogDensity {
  checkOptions('renderLogDensity', options, { points: isInteger(2), width: isPositive, floor: isPositive });
  const { nodes, weights } = spectrum;
  const ends = nodes.flatMap((list) => [Math.abs(list[0]!), Math.abs(list[list.length - 1]!)]);
  const largest = Math.max(...ends) || 1;
  const { points = 1000, width = 0.1, floor = 1e-7 * largest } = options;
  const from = Math.log10(floor);
  const decades = Math.max(0, Math.log10(largest) - from);
  // The margin grows with σ itself, which is at least a step: points − 1 − margin solves σ ≥ (decades + margin·σ) / (points − 1).
  const sigma = Math.max(width, decades / Math.max(1, points - 1 - margin));
  const step = (decades + margin * sigma) / (points - 1);
  const grid = { from, step, points, sigma };
  const sides = (sign: 1 | -1) =>
    sideOf(
      nodes.map((list, p) => renderSide(list, weights[p]!, sign, grid)),
      points,
    );
  const zeros = nodes.map((list, p) =>
    list.reduce((sum, node, i) => sum + (node === 0 ? weights[p]![i]! : 0), 0),
  );
  return Object.freeze({
    x: Float64Array.from({ length: points }, (_, i) => 10 ** (from + i * step)),
    positive: sides(1),
    negative: sides(-1),
    zero: massEstimate(zeros),
  });
}

interface Grid {
  /** log₁₀ of the floor. */
  readonly from: number;
  readonly step: number;
  readonly points: number;
  readonly sigma: number;
}

interface ProbeSide {
  readonly density: Float64Array;
  readonly below: number;
}

function renderSide(
  nodes: Float64Array,
  weights: Float64Array,
  sign: 1 | -1,
  { from, step, points, sigma }: Grid,
): ProbeSide {
  const density = new Float64Array(points);
  const peak = 1 / (sigma * Math.sqrt(2 * Math.PI));
  let mass = 0;
  nodes.forEach((node, k) => {
    if (Math.sign(node) !== sign) return;
    mass += weights[k]!;
    const center = Math.log10(Math.abs(node)) - from;
    const first = Math.max(0, Math.ceil((center - reach * sigma) / step));
    const last = Math.min(points - 1, Math.floor((center + reach * sigma) / step));
    for (let i = first; i <= last; i++) {
      const z = (i * step - center) / sigma;
      density[i]! += weights[k]! * peak * Math.exp(-0.5 * z * z);
    }
  });
  const shown = step * density.reduce((sum, value) => sum + value, (-density[0]! - density[points - 1]!) / 2);
  return { density, below: Math.max(0, mass - shown) };
}

function sideOf(probes: readonly ProbeSide[], points: number): LogDensitySide {
  const below = massEstimate(probes.map((probe) => probe.below));
  if (probes.length === 1)
    return Object.freeze({ density: probes[0]!.density, low: null, high: null, below });
  const [density, low, high] = [0, 1, 2].map(() => new Float64Array(points)) as [
    Float64Array,
    Float64Array,
    Float64Array,
  ];
  for (let i = 0; i < points; i++) {
    const at = estimate(probes.map((probe) => probe.density[i]!));
    density[i] = at.value;
    low[i] = at.low;
    high[i] = at.high;
  }
  return Object.freeze({ density, low, high, below });
}

/** Densities cannot be negative, so neither can their intervals. */
function estimate(samples: readonly number[]): Estimate {
  const { value, low, high, standardError } = meanEstimate(samples, confidence);
  return Object.freeze({ value, low: Math.max(0, low), high, standardError });
}

/** Nor can a mass be more than 1. */
function massEstimate(samples: readonly number[]): Estimate {
  const { value, low, high, standardError } = estimate(samples);
  return Object.freeze({ value, low, high: Math.min(1, high), standardError });
}
