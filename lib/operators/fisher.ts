import type { Objective } from '../objective/objective.js';
import { isInteger, isSeed } from '../validate.js';
import { makeCurvature, type CurvatureOperator, type CurvatureOptions } from './curvature-operator.js';

/**
 * The empirical Fisher matrix (1/N) Σ ∇ℓ_t ∇ℓ_tᵀ over the data's own targets t (Kunstner 2019, arXiv 1905.12558, on what
 * it is not). One ℓ_t a target for classification; for losses over elements one a sample, summed over its elements; N is
 * what the loss is a mean over.
 *
 *     using operator = empiricalFisher(loss);
 *
 * Products throw ERR_CRITERION where the model returns its loss, ERR_NO_DOUBLE_BACKWARD.
 */
export function empiricalFisher(objective: Objective, options: CurvatureOptions = {}): CurvatureOperator {
  return makeCurvature('empiricalFisher', objective, { kind: 'empirical-fisher' }, options);
}

export interface MonteCarloFisherOptions extends CurvatureOptions {
  /** Targets drawn for every sample; default 1. */
  readonly samples?: number;
  readonly seed?: number;
}

/**
 * The Fisher matrix (1/N) Σ E[∇ℓ_t ∇ℓ_tᵀ] with targets drawn from the model's own distribution: softmax for
 * cross-entropy and nll, N(z, ½) for mse, Bernoulli for bce-with-logits. Its expectation is the Gauss–Newton matrix
 * (Martens 2020, arXiv 1412.1193, section 9).
 *
 *     using operator = monteCarloFisher(loss, { samples: 8, seed: 1 });
 *
 * Products throw ERR_CRITERION for other losses, ERR_NO_DOUBLE_BACKWARD.
 */
export function monteCarloFisher(
  objective: Objective,
  options: MonteCarloFisherOptions = {},
): CurvatureOperator {
  const { samples = 1, seed = 0 } = (options as MonteCarloFisherOptions | null) ?? {};
  const matrix = { kind: 'monte-carlo-fisher', samples, seed } as const;
  return makeCurvature('monteCarloFisher', objective, matrix, options, {
    samples: isInteger(1),
    seed: isSeed,
  });
}
