import type { ParameterVector } from '../../model/parameter-vector.js';
import type { Provenance } from '../../results.js';

/** Whose recipe was followed, and what about it is peculiar. */
export interface SpectralRecipe {
  readonly name: 'lla' | 'pyhessian';
  readonly notes: readonly string[];
}

interface PresetResult {
  readonly formatVersion: 1;
  readonly numProducts: number;
  /** Null where all start vectors were given. */
  readonly seed: number | null;
  readonly recipe: SpectralRecipe;
  readonly provenance: Provenance;
}

/** What deflated power iteration returns. Its vectors live on the model's device until `dispose()`. */
export interface PresetEigenpairs extends PresetResult {
  readonly kind: 'preset-eigenpairs';
  /** In the order found. */
  readonly values: Float64Array;
  /** One product later than the values; of norm 1 − 1e-6/‖Av‖, nearly. */
  readonly vectors: readonly ParameterVector[];
  readonly numIterations: readonly number[];
  /** Per pair: the stop rule was met. That says nothing about the residual. */
  readonly stopped: readonly boolean[];
  readonly tolerance: number;
  dispose(): void;
  [Symbol.dispose](): void;
}

/** What Hutchinson's estimator returns when it stops on its running mean. */
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

/** What stochastic Lanczos quadrature returns, with T of every probe. */
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
}

/** LLA's criteria: means over probes (Gabdullin 2024, arXiv 2412.10146, section 3.3). */
export interface LlaCriteria {
  readonly re: number;
  readonly kh05: number;
  readonly kh1: number;
}

export interface LlaSpectralDensity extends PresetSpectralDensity {
  readonly criteria: LlaCriteria;
}
