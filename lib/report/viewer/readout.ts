import { formatNumber } from '../../plot/number-format.js';
import type { LossSurface } from '../../results.js';

/** The columns of a surface's values beside α and β, accuracy in per cent. */
export function columnsOf(surface: LossSurface): readonly (readonly [name: string, values: Float64Array])[] {
  const { loss, accuracy, gradientNorm, metrics } = surface;
  return [
    ['loss', loss],
    ...(accuracy === null ? [] : [['accuracy, %', accuracy.map((share) => 100 * share)] as const]),
    ...(gradientNorm === null ? [] : [['gradient norm', gradientNorm] as const]),
    ...Object.entries(metrics),
  ];
}

/** What is known at a point of the grid, as it was computed. */
export function describePoint(surface: LossSurface, point: number): string {
  const nx = surface.x.length;
  const facts = columnsOf(surface).map(([name, values]) => `${name} ${formatNumber(values[point]!, 6)}`);
  const alpha = formatNumber(surface.x[point % nx]!);
  const beta = formatNumber(surface.y[Math.floor(point / nx)]!);
  return `α = ${alpha}, β = ${beta}: ${facts.join(', ')}`;
}
