import type { ConnectionPath } from '../results.js';

export type CurveKind = ConnectionPath['kind'];

/**
 * Weights cₖ(t) of the control points P₀ = w1, P₁ … P_m, P_{m+1} = w2 in φ(t) = Σ cₖ(t)·Pₖ. Of a Bezier curve the Bernstein
 * polynomials of degree m + 1; of a chain those of the piecewise linear path that reaches Pₖ at k/(m + 1) (Garipov et al.
 * 2018, section 3).
 */
export function curveWeights(kind: CurveKind, numBends: number, t: number): Float64Array {
  const degree = kind === 'linear' ? 1 : numBends + 1;
  if (kind !== 'chain') return bernstein(degree, t);
  return Float64Array.from({ length: degree + 1 }, (_, k) => Math.max(0, 1 - Math.abs(degree * t - k)));
}

/** c′ₖ(t); at the bends of a chain those of the piece that begins there. */
export function curveSlopes(kind: CurveKind, numBends: number, t: number): Float64Array {
  const degree = kind === 'linear' ? 1 : numBends + 1;
  if (kind === 'chain') {
    const piece = Math.min(degree - 1, Math.floor(degree * t));
    return Float64Array.from({ length: degree + 1 }, (_, k) =>
      k === piece ? -degree : k === piece + 1 ? degree : 0,
    );
  }
  const lower = bernstein(degree - 1, t);
  return Float64Array.from(
    { length: degree + 1 },
    (_, k) => degree * ((lower[k - 1] ?? 0) - (lower[k] ?? 0)),
  );
}

/** By de Casteljau's recurrence: exact 0 and 1 at the ends, a sum of 1 to rounding. */
function bernstein(degree: number, t: number): Float64Array {
  const values = new Float64Array(degree + 1);
  values[0] = 1;
  for (let n = 1; n <= degree; n++) {
    for (let k = n; k > 0; k--) values[k] = (1 - t) * values[k]! + t * values[k - 1]!;
    values[0] *= 1 - t;
  }
  return values;
}
