import type { SpectralDensity } from '../results.js';
import { checkOptions, isInteger, isPositive, isRange } from '../validate.js';
import { meanEstimate } from './statistics.js';

export interface RenderDensityOptions {
  /** Grid points; default 10 000 (LLA). */
  readonly points?: number;
  /**
   * Variance of the Gaussian that each node becomes; default 1e-5·max(1, λ_max − λ_min) (LLA, PyHessian). At least one
   * step of the grid, squared: narrower ones would fall between its points and lose their mass.
   */
  readonly variance?: number;
  /** Of the eigenvalue axis; default the nodes' range and 0.001 on either side, with room for the Gaussians' flanks. */
  readonly range?: readonly [number, number];
}

/** A density over eigenvalues; `low` and `high` are its 95 % band over probes, null for a single probe. */
export interface RenderedDensity {
  readonly x: Float64Array;
  readonly density: Float64Array;
  readonly low: Float64Array | null;
  readonly high: Float64Array | null;
}

/** Gaussians are cut where they are below 1e-20 of their peak. */
const reach = 9.6;

/**
 * A smooth density from raw quadrature nodes: the mean over probes of Σ w·N(λ, variance), integral 1. Only a view:
 * render again with another variance or range at will.
 */
export function renderDensity(
  spectrum: Pick<SpectralDensity, 'nodes' | 'weights'>,
  options: RenderDensityOptions = {},
): RenderedDensity {
  checkOptions('renderDensity', options, { points: isInteger(2), variance: isPositive, range: isRange });
  const smallest = Math.min(...spectrum.nodes.map((nodes) => nodes[0]!));
  const largest = Math.max(...spectrum.nodes.map((nodes) => nodes[nodes.length - 1]!));
  const { points = 10_000, variance = 1e-5 * Math.max(1, largest - smallest) } = options;
  // Without a range the margins grow with σ itself: points − 9 solves σ ≥ (width + 2·(0.001 + 4σ)) / (points − 1).
  const floor =
    options.range === undefined
      ? (largest - smallest + 0.002) / Math.max(1, points - 9)
      : (options.range[1] - options.range[0]) / (points - 1);
  const sigma = Math.max(Math.sqrt(variance), floor);
  const margin = 0.001 + 4 * sigma;
  const [from, to] = options.range ?? [smallest - margin, largest + margin];
  const step = (to - from) / (points - 1);
  const x = Float64Array.from({ length: points }, (_, i) => from + i * step);
  const curves = spectrum.nodes.map((nodes, p) =>
    renderProbe(nodes, spectrum.weights[p]!, { from, step, points, sigma }),
  );
  const density = new Float64Array(points);
  if (curves.length === 1) return { x, density: curves[0]!, low: null, high: null };
  const low = new Float64Array(points);
  const high = new Float64Array(points);
  for (let i = 0; i < points; i++) {
    const estimate = meanEstimate(
      curves.map((curve) => curve[i]!),
      0.95,
    );
    density[i] = estimate.value;
    low[i] = Math.max(0, estimate.low);
    high[i] = estimate.high;
  }
  return { x, density, low, high };
}

interface Grid {
  readonly from: number;
  readonly step: number;
  readonly points: number;
  readonly sigma: number;
}

function renderProbe(
  nodes: Float64Array,
  weights: Float64Array,
  { from, step, points, sigma }: Grid,
): Float64Array {
  const out = new Float64Array(points);
  const peak = 1 / (sigma * Math.sqrt(2 * Math.PI));
  nodes.forEach((node, k) => {
    const first = Math.max(0, Math.ceil((node - reach * sigma - from) / step));
    const last = Math.min(points - 1, Math.floor((node + reach * sigma - from) / step));
    for (let i = first; i <= last; i++) {
      const z = (from + i * step - node) / sigma;
      out[i]! += weights[k]! * peak * Math.exp(-0.5 * z * z);
    }
  });
  return out;
}
