import type { Provenance, Recipe } from './provenance.js';

interface PresetResult {
  readonly formatVersion: 1;
  readonly numProducts: number;
  /** Null where all start vectors were given. */
  readonly seed: number | null;
  readonly recipe: Recipe;
  readonly provenance: Provenance;
}

/** What deflated power iteration finds, as LLA and PyHessian run it. */
export interface PresetEigenpairs extends PresetResult {
  readonly kind: 'preset-eigenpairs';
  /** In the order found. */
  readonly values: Float64Array;
  /** Products that each took. */
  readonly numIterations: Float64Array;
  /** Per pair: the stop rule was met. That says nothing about the residual. */
  readonly stopped: readonly boolean[];
  readonly tolerance: number;
}

/** What Hutchinson's estimator gives when it stops on its running mean. */
export interface PresetTrace extends PresetResult {
  readonly kind: 'preset-trace';
  /** Mean of the samples. */
  readonly value: number;
  /** vᵀAv of each probe. */
  readonly samples: Float64Array;
  /** The stop rule was met. That says nothing about the error. */
  readonly stopped: boolean;
  readonly tolerance: number;
}

/** LLA's criteria: means over probes (Gabdullin 2024, arXiv 2412.10146, section 3.3). */
export interface LlaCriteria {
  readonly re: number;
  readonly kh05: number;
  readonly kh1: number;
}

/** Stochastic Lanczos quadrature as LLA and PyHessian run it, with T of every probe. */
export interface PresetSpectralDensity extends PresetResult {
  readonly kind: 'preset-spectral-density';
  /** Number of parameters n. */
  readonly size: number;
  readonly steps: number;
  readonly probes: number;
  /** LLA's max_v: each new vector is made orthogonal to this many and one more before it; null: to all. */
  readonly window: number | null;
  /** Diagonal (steps) and off-diagonal (steps − 1) of T of each probe. */
  readonly alpha: readonly Float64Array[];
  readonly beta: readonly Float64Array[];
  /** Eigenvalues of T, ascending, and the squared first entries of its eigenvectors. */
  readonly nodes: readonly Float64Array[];
  readonly weights: readonly Float64Array[];
  /** Of LLA; null for PyHessian, which has none. */
  readonly criteria: LlaCriteria | null;
}
