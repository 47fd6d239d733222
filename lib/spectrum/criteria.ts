import type { Criteria, Estimate } from '../results.js';
import { meanEstimate } from './statistics.js';

/** Nodes (Ritz values, ascending) and weights (sum 1) of one quadrature probe. */
export interface ProbeQuadrature {
  readonly nodes: Float64Array;
  readonly weights: Float64Array;
}

/**
 * KHn of one probe by LLA's formula: Σ_{λ<0} (|λ|w)ⁿ / Σ_{λ>0} (λw)ⁿ (Gabdullin 2024, arXiv 2412.10146, section 3.3).
 * Infinite where nothing is positive. For n ≠ 1 it depends on the number of Lanczos steps, not only on H.
 */
export function khCriterion({ nodes, weights }: ProbeQuadrature, n: number): number {
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
export function eigenvalueRatio({ nodes }: ProbeQuadrature): number {
  return Math.abs(nodes[0]! / nodes[nodes.length - 1]!);
}

function negativeMass({ nodes, weights }: ProbeQuadrature): number {
  return nodes.reduce((sum, node, i) => sum + (node < 0 ? weights[i]! : 0), 0);
}

function negativeCurvatureShare({ nodes, weights }: ProbeQuadrature): number {
  const total = nodes.reduce((sum, node, i) => sum + Math.abs(node) * weights[i]!, 0);
  const negative = nodes.reduce((sum, node, i) => sum + Math.max(0, -node) * weights[i]!, 0);
  return total === 0 ? 0 : negative / total;
}

/**
 * The criteria of Gabdullin 2024 as means over probes with Student intervals. Two results compare only at equal
 * numbers of steps and probes, which therefore stand in `settings`.
 */
export function criteria(probes: readonly ProbeQuadrature[], steps: number, confidence = 0.95): Criteria {
  // None of these can be negative, so neither can the interval.
  const estimate = (figure: (probe: ProbeQuadrature) => number): Estimate => {
    const result = meanEstimate(probes.map(figure), confidence);
    return Object.freeze({ ...result, low: Math.max(0, result.low) });
  };
  return Object.freeze({
    re: estimate(eigenvalueRatio),
    kh05: estimate((probe) => khCriterion(probe, 0.5)),
    kh1: estimate((probe) => khCriterion(probe, 1)),
    negativeMass: estimate(negativeMass),
    negativeCurvatureShare: estimate(negativeCurvatureShare),
    settings: Object.freeze({ steps, probes: probes.length, confidence }),
  });
}
