/** Nodes (Ritz values, ascending) and weights (sum 1) of one quadrature probe. */
export interface Quadrature {
  readonly nodes: Float64Array;
  readonly weights: Float64Array;
}

export interface ProbeQuadrature extends Quadrature {
  /** ‖A·y − λy‖ of each node's Ritz vector; all 0 where the probe ended in an invariant subspace. */
  readonly residualBounds: Float64Array;
}

export interface Bracket {
  readonly low: number;
  readonly high: number;
}

/** A non-negative function of λ by its extremes over closed intervals. */
export interface IntegrandBounds {
  readonly at: (lambda: number) => number;
  readonly min: (from: number, to: number) => number;
  readonly max: (from: number, to: number) => number;
}

/** Σ w·f(λ) */
export function integrate({ nodes, weights }: Quadrature, f: IntegrandBounds): number {
  return nodes.reduce((sum, node, i) => sum + weights[i]! * f.at(node), 0);
}

/**
 * What the nodes and weights certify of ∫ f dμ for the probe's own spectral measure μ. By the Chebyshev–Markov–Stieltjes
 * separation theorem (Szegő 1939, §3.41) the mass wᵢ lies between the neighbours λᵢ₋₁ and λᵢ₊₁; beyond the outermost
 * nodes the spectrum is taken to end at their residual bounds. An exact quadrature gives its value.
 */
export function certify(probe: ProbeQuadrature, f: IntegrandBounds): Bracket {
  const { nodes, weights, residualBounds } = probe;
  if (isExact(probe)) {
    const value = integrate(probe, f);
    return { low: value, high: value };
  }
  const last = nodes.length - 1;
  let [low, high] = [0, 0];
  weights.forEach((weight, i) => {
    const from = i > 0 ? nodes[i - 1]! : nodes[0]! - residualBounds[0]!;
    const to = i < last ? nodes[i + 1]! : nodes[last]! + residualBounds[last]!;
    low += weight * f.min(from, to);
    high += weight * f.max(from, to);
  });
  return { low, high };
}

/** Whether the Lanczos process ended in an invariant subspace: the nodes are eigenvalues. */
export function isExact({ residualBounds }: ProbeQuadrature): boolean {
  return residualBounds.every((bound) => bound === 0);
}

/** |λ|ⁿ for λ < −threshold: what the numerators of the criteria integrate. */
export function negativePower(n: number, threshold = 0): IntegrandBounds {
  const at = (x: number) => (isBelow(x, threshold) ? (-x) ** n : 0);
  return { at, min: (_, to) => at(to), max: (from) => at(from) };
}

/** λⁿ for λ > threshold. */
export function positivePower(n: number, threshold = 0): IntegrandBounds {
  const at = (x: number) => (isBelow(-x, threshold) ? x ** n : 0);
  return { at, min: (from) => at(from), max: (_, to) => at(to) };
}

/** 1 for λ > threshold. */
export function massAbove(threshold: number): IntegrandBounds {
  const at = (x: number) => (x > threshold ? 1 : 0);
  return { at, min: (from) => at(from), max: (_, to) => at(to) };
}

/** 1 for λ < threshold. */
export function massBelow(threshold: number): IntegrandBounds {
  const at = (x: number) => (x < threshold ? 1 : 0);
  return { at, min: (_, to) => at(to), max: (from) => at(from) };
}

/** 1 for |λ| < threshold. */
export function nearZero(threshold: number): IntegrandBounds {
  const at = (x: number) => (Math.abs(x) < threshold ? 1 : 0);
  return {
    at,
    min: (from, to) => Math.min(at(from), at(to)),
    max: (from, to) => (from < threshold && to > -threshold ? 1 : 0),
  };
}

/** With a threshold the boundary belongs to the tail; without one zero is neither positive nor negative. */
function isBelow(x: number, threshold: number): boolean {
  return threshold === 0 ? x < 0 : x <= -threshold;
}
