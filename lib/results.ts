/**
 * Results are plain frozen objects of typed arrays, scalars and strings. They hold raw values as computed;
 * capping, log scale and smoothing happen when they are drawn.
 */

export type Mode = 'eval' | 'train';

/** Everything that is needed to repeat a result. */
export interface Provenance {
  readonly model: string;
  readonly data: string;
  readonly numSamples: number;
  readonly numBatches: number;
  readonly numParameters: number;
  /** What was done to the inputs, for example `scale 0.0625`; empty for nothing. */
  readonly preprocessing: string;
  readonly criterion: string;
  readonly options: {
    readonly batchSize: number;
    readonly labelSmoothing: number;
    readonly ignoreIndex: number;
    readonly delta: number;
    /** Of dropout. */
    readonly seed: number;
  };
  /** Where: at the model's own parameters, or at a vector that was given. */
  readonly point: 'model' | 'given vector';
  readonly mode: Mode;
  readonly dtype: 'float32' | 'float64';
  readonly device: string;
  readonly numThreads: number;
  readonly versions: { readonly lossatlas: string; readonly libtorch: string; readonly node: string };
  /** ISO 8601, UTC. */
  readonly startedAt: string;
  readonly durationSeconds: number;
}

/** How one axis of a landscape was made. */
export interface AxisDescription {
  /** Short text for axis labels, for example `filter-normalised Gaussian direction`. */
  readonly label: string;
  readonly kind: 'gaussian' | 'uniform' | 'rademacher' | 'hessian-eigenvector' | 'custom';
  readonly seed: number | null;
  readonly eigenvalue: number | null;
  readonly normalization: 'filter' | 'layer' | 'model' | 'weight' | 'none';
  readonly order: 1 | 2;
  /** Parameter roles whose entries of the direction are zero. */
  readonly ignored: readonly ('bias' | 'norm')[];
  /** Groups (filters, tensors) that were zero in the direction or in the model and stay zero. */
  readonly numZeroGroups: number;
  /** ‖d‖₂ and ‖d‖₂ / ‖θ*‖₂ after normalisation. */
  readonly norm: number;
  readonly relativeNorm: number;
}

export interface SelfChecks {
  /** |loss at the centre cell − loss of the model itself|; null if no cell is the centre. */
  readonly centerDifference: number | null;
  /** Cosine of the two directions; null for a line. */
  readonly cosine: number | null;
  readonly numNonFinite: number;
  readonly shareNonFinite: number;
  /** max finite loss / loss of the model. */
  readonly maxToCenterRatio: number;
}

/** Loss (and accuracy) along θ* + t·d. */
export interface LossLine {
  readonly kind: 'loss-line';
  readonly formatVersion: 1;
  readonly coordinates: Float64Array;
  /** loss[i] at coordinates[i]; NaN and infinities are kept. */
  readonly loss: Float64Array;
  /** Share of right answers in [0, 1]; null where the criterion has no accuracy. */
  readonly accuracy: Float64Array | null;
  readonly modelLoss: number;
  readonly modelAccuracy: number | null;
  readonly axis: AxisDescription;
  readonly checks: SelfChecks;
  readonly provenance: Provenance;
}

/** Loss (and accuracy) on the plane θ* + x·d1 + y·d2. */
export interface LossSurface {
  readonly kind: 'loss-surface';
  readonly formatVersion: 1;
  readonly x: Float64Array;
  readonly y: Float64Array;
  /** loss[j * x.length + i] is the loss at (x[i], y[j]); NaN and infinities are kept. */
  readonly loss: Float64Array;
  readonly accuracy: Float64Array | null;
  readonly modelLoss: number;
  readonly modelAccuracy: number | null;
  readonly axes: readonly [AxisDescription, AxisDescription];
  readonly checks: SelfChecks;
  readonly provenance: Provenance;
}

/** A value with its two-sided confidence interval (95 % unless the result says otherwise). */
export interface Estimate {
  readonly value: number;
  readonly low: number;
  readonly high: number;
  readonly standardError: number;
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
  readonly seed: number;
  readonly provenance: Provenance;
}

export interface TraceEstimate extends Estimate {
  readonly kind: 'trace';
  readonly formatVersion: 1;
  /** vᵀHv of each probe. */
  readonly samples: Float64Array;
  readonly frobeniusNorm: number;
  readonly numProducts: number;
  readonly converged: boolean;
  readonly seed: number;
  readonly provenance: Provenance;
}

export interface CriteriaSettings {
  readonly steps: number;
  readonly probes: number;
  readonly confidence: number;
}

/** Criteria of Gabdullin 2024 (arXiv 2412.10146, section 3.3) with confidence intervals over probes. */
export interface Criteria {
  /** mean over probes of |λ_min / λ_max|. */
  readonly re: Estimate;
  /** KHn for n = 0.5 and n = 1: mean over probes of Σ_{λ<0} (|λ|w)ⁿ / Σ_{λ>0} (λw)ⁿ. */
  readonly kh05: Estimate;
  readonly kh1: Estimate;
  /** Σ_{λ<0} w. */
  readonly negativeMass: Estimate;
  /** Σ_{λ<0} |λ|w / Σ |λ|w. */
  readonly negativeCurvatureShare: Estimate;
  readonly settings: CriteriaSettings;
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
  /** nodes[p] ascending Ritz values of probe p, weights[p] their masses (sum 1). */
  readonly nodes: readonly Float64Array[];
  readonly weights: readonly Float64Array[];
  readonly trace: Estimate;
  readonly criteria: Criteria;
  readonly numProducts: number;
  readonly provenance: Provenance;
}
