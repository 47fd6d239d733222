import type { ScaleKind } from '../plot/value-scale.js';
import type { LossSurface } from '../results.js';

/** The scale on which losses are shown first: logarithmic where one grows or explodes and all are positive. */
export function defaultScale(surfaces: readonly Pick<LossSurface, 'loss' | 'explosion'>[]): ScaleKind {
  const isSteep = surfaces.some(({ explosion }) => explosion !== null && explosion.verdict !== 'none');
  const isPositive = surfaces.every(({ loss }) => loss.every((value) => !(value <= 0)));
  return isSteep && isPositive ? 'log' : 'linear';
}
