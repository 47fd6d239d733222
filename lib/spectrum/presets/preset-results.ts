import type { ParameterVector } from '../../model/parameter-vector.js';
import type { LlaCriteria, PresetEigenpairs, PresetSpectralDensity } from '../../results.js';

/** Eigenpairs of a preset with their vectors, which live on the model's device until `dispose()`. */
export interface PresetEigenpairsWithVectors extends PresetEigenpairs {
  /** One product later than the values; of norm 1 − 1e-6/‖Av‖, nearly. */
  readonly vectors: readonly ParameterVector[];
  dispose(): void;
  [Symbol.dispose](): void;
}

export interface LlaSpectralDensity extends PresetSpectralDensity {
  readonly criteria: LlaCriteria;
}
