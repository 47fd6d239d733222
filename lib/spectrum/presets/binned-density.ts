import type { SpectralDensity } from '../../results.js';
import { checkOptions, isInteger } from '../../validate.js';
import type { RenderedDensity } from '../density.js';

export interface PresetRenderOptions {
  /** Grid points; default 10 000. */
  readonly points?: number;
}

/**
 * The curve of LLA and PyHessian: Gaussians of variance 1e-5·max(1, width) on a grid from the mean over probes of the
 * smallest node − margin to that of the largest + margin, scaled so that the sum over the grid, times its step, is 1.
 */
export function binnedDensity(
  caller: string,
  { nodes, weights }: Pick<SpectralDensity, 'nodes' | 'weights'>,
  options: PresetRenderOptions,
  margin: number,
): RenderedDensity {
  checkOptions(caller, options, { points: isInteger(2) });
  const { points = 10_000 } = options;
  const mean = (end: (probe: Float64Array) => number) =>
    nodes.reduce((sum, probe) => sum + end(probe), 0) / nodes.length;
  const from = mean((probe) => probe[0]!) - margin;
  const to = mean((probe) => probe[probe.length - 1]!) + margin;
  const variance = 1e-5 * Math.max(1, to - from);
  const step = (to - from) / (points - 1);
  const x = Float64Array.from({ length: points }, (_, i) => (i === points - 1 ? to : from + i * step));
  const density = x.map((value) =>
    nodes.reduce(
      (total, probe, p) =>
        total +
        probe.reduce(
          (sum, node, i) => sum + weights[p]![i]! * Math.exp(-((node - value) ** 2) / (2 * variance)),
          0,
        ),
      0,
    ),
  );
  const scale = density.reduce((sum, value) => sum + value, 0) * (x[1]! - x[0]!);
  return { x, density: density.map((value) => value / scale), low: null, high: null };
}
