import type { Estimate, BracketedEstimate } from './estimate.js';
import type { Provenance } from './provenance.js';

/** Whether an operator is what spectral methods take it for. */
export interface OperatorCheck {
  readonly kind: 'operator-check';
  readonly formatVersion: 1;
  /** ‖A − Aᵀ‖_F / ‖A‖_F, estimated from pairs of random vectors. */
  readonly asymmetry: number;
  /** The largest ‖Av − A'v‖ / ‖Av‖ where A' is made by running the model anew. */
  readonly variation: number;
  /** What both may be by rounding. */
  readonly tolerance: number;
  readonly isSymmetric: boolean;
  readonly isRepeatable: boolean;
  /** Of Hessians: vᵀHv and the central difference of gᵀv with this step, for a random unit v; null for others. */
  readonly curvature: {
    readonly quadraticForm: number;
    readonly difference: number;
    readonly step: number;
    readonly agrees: boolean;
  } | null;
  /** Symmetric and repeatable. A central difference that disagrees is a note: kinks make it so. */
  readonly ok: boolean;
  /** What was found, in words: what depends on the mode, and what is wrong. */
  readonly notes: readonly string[];
  readonly provenance: Provenance;
}

export interface Eigenpairs {
  readonly kind: 'eigenpairs';
  readonly formatVersion: 1;
  readonly which: 'largest-magnitude' | 'largest' | 'smallest' | 'both-ends';
  readonly values: Float64Array;
  /** ‖H v − λ v‖₂ of the returned unit vectors. */
  readonly residuals: Float64Array;
  /** Per pair: residual ≤ tolerance · max |λ|. */
  readonly converged: readonly boolean[];
  readonly allConverged: boolean;
  readonly tolerance: number;
  readonly numProducts: number;
  readonly numRestarts: number;
  /** Vectors that the Krylov basis could hold, and the bytes that they would take. */
  readonly basisSize: number;
  readonly basisBytes: number;
  readonly seed: number;
  readonly provenance: Provenance;
}

export type TraceMethod = 'hutchinson' | 'hutch++' | 'xtrace' | 'deflated' | 'gradient';

/** The trace of one parameter tensor's diagonal block; all of them add up to the trace. */
export interface ParameterTrace extends Estimate {
  readonly name: string;
}

export interface TraceEstimate extends Estimate {
  readonly kind: 'trace';
  readonly formatVersion: 1;
  readonly method: TraceMethod;
  /** One estimate of the whole trace from each probe; their mean is the value. Empty where it was computed exactly. */
  readonly samples: Float64Array;
  /** In the order of the operator's parameters, from the same probes. */
  readonly perParameter: readonly ParameterTrace[];
  /** √(mean ‖Hv‖²), by `hutchinson` alone. */
  readonly frobeniusNorm: number | null;
  /** Products with the operator; for `gradient` backward passes over the whole data, where exact of every output of every sample. */
  readonly numProducts: number;
  /** The standard error is the share of |trace| that was asked for, or less. */
  readonly converged: boolean;
  readonly seed: number;
  readonly provenance: Provenance;
}

/** ‖A‖_F = √ΣA_ij². */
export interface FrobeniusNormEstimate extends Estimate {
  readonly kind: 'frobenius-norm';
  readonly formatVersion: 1;
  /** ‖Av‖² of each probe. */
  readonly samples: Float64Array;
  readonly numProducts: number;
  readonly converged: boolean;
  readonly seed: number;
  readonly provenance: Provenance;
}

/** The diagonal of a matrix, in numbers about its vectors. */
export interface DiagonalEstimate {
  readonly kind: 'diagonal';
  readonly formatVersion: 1;
  /** Sum of the entries. */
  readonly trace: number;
  /** ‖diagonal‖₂. */
  readonly norm: number;
  /** ‖standard errors‖₂ / ‖diagonal‖₂. */
  readonly relativeError: number;
  readonly numProducts: number;
  /** False where a `relativeError` was asked for and not reached. */
  readonly converged: boolean;
  readonly seed: number;
  readonly provenance: Provenance;
}

/** KHn (Gabdullin 2024, arXiv 2412.10146, section 3.3) in three figures. */
export interface KhCriterion extends Estimate {
  // The value itself is LLA's: the mean over probes of Σ_{λ<0} (|λ|w)ⁿ / Σ_{λ>0} (λw)ⁿ. It depends on the number of
  // steps and compares only at equal settings.
  readonly n: number;
  /** Σ_{λ<0} |λ|ⁿw / Σ_{λ>0} λⁿw, sums over probes: of the spectrum itself, as far as the steps determine it. */
  readonly ratio: BracketedEstimate;
  /** The same over |λ| ≥ tailThreshold·max|λ|, which Lanczos resolves. */
  readonly tail: BracketedEstimate;
}

/** What the values of criteria depend on besides the matrix. */
export interface CriteriaSettings {
  readonly steps: number;
  readonly probes: number;
  /** Batches whose criteria were averaged; 1 for a single matrix. */
  readonly batches: number;
  readonly confidence: number;
  readonly tailThreshold: number;
}

/**
 * Criteria of Gabdullin 2024 (arXiv 2412.10146, section 3.3) with confidence intervals over probes, and over batches
 * where several were averaged.
 */
export interface Criteria {
  /** mean over probes of |λ_min / λ_max|; the bracket, which the interval includes, from both ends' residual bounds. */
  readonly re: BracketedEstimate;
  readonly kh05: KhCriterion;
  readonly kh1: KhCriterion;
  /** Σ_{λ<0} w. */
  readonly negativeMass: BracketedEstimate;
  /** Σ_{λ<0} |λ|w / Σ |λ|w. */
  readonly negativeCurvatureShare: BracketedEstimate;
  /** Σ w over |λ| < tailThreshold·max|λ|. */
  readonly nearZeroMass: BracketedEstimate;
  readonly settings: CriteriaSettings;
}

/** Of which type a spectrum is, by a rule of our own, and what it was decided by. */
export interface HessianType {
  readonly type: 'mainly-positive' | 'mainly-negative' | 'near-singular' | 'undecided';
  /** Whose rule. */
  readonly rule: 'lossatlas';
  readonly reason: string;
  /** The outermost Ritz values of all probes, with their residual bounds. */
  readonly lowest: number;
  readonly highest: number;
  readonly flatBelow: number;
  readonly re: BracketedEstimate;
  readonly negativeCurvatureShare: BracketedEstimate;
  readonly negativeMass: BracketedEstimate;
  readonly nearZeroMass: BracketedEstimate;
}

/** Raw nodes and weights of stochastic Lanczos quadrature; a density is a rendering of them. */
export interface SpectralDensity {
  readonly kind: 'spectral-density';
  readonly formatVersion: 1;
  /** Number of parameters n. */
  readonly size: number;
  readonly steps: number;
  readonly probes: number;
  readonly seed: number;
  /** Number of the first probe in the seed's sequence. */
  readonly firstProbe: number;
  /** Probes that ran side by side: whether they share products decides the last bits. */
  readonly probesPerPass: number;
  /** nodes[p] ascending Ritz values of probe p, weights[p] their masses (sum 1). */
  readonly nodes: readonly Float64Array[];
  readonly weights: readonly Float64Array[];
  /** residualBounds[p]: ‖Hy − λy‖ of each node's Ritz vector; all 0 where the probe ended in an invariant subspace. */
  readonly residualBounds: readonly Float64Array[];
  /**
   * Student's interval over the probes. Where a few large eigenvalues make up the trace its samples are skewed, and one of 95 %
   * covers about 90 % (example model, 3 to 20 probes, 150 seeds); that of `trace` covers what it says.
   */
  readonly trace: Estimate;
  readonly criteria: Criteria;
  readonly numProducts: number;
  readonly provenance: Provenance;
}

/** Spectral density, eigenpairs and trace of one matrix, from the same products. */
export interface HessianAnalysis {
  readonly kind: 'hessian-analysis';
  readonly formatVersion: 1;
  readonly density: SpectralDensity;
  /** Its `numProducts` are those beyond the density's. */
  readonly eigenpairs: Eigenpairs;
  /** Its `numProducts` are those beyond the density's and the eigenpairs'. */
  readonly trace: TraceEstimate;
  /** Of all three; backward passes of an exact trace are none. */
  readonly numProducts: number;
  readonly seed: number;
  readonly provenance: Provenance;
}
