import type { Objective } from '../objective/objective.js';
import { makeCurvature, type CurvatureOperator, type CurvatureOptions } from './curvature-operator.js';

/**
 * The generalised Gauss–Newton matrix Jᵀ (∂²L/∂z²) J, J the Jacobian of the model's output z (Schraudolph 2002; Martens
 * 2020, arXiv 1412.1193): positive semidefinite for convex losses, and the Hessian itself where z is linear in θ. For
 * `nll` z are the log-probabilities, taken as logits.
 *
 *     using operator = gaussNewton(loss, { parameters: ['layer4.*'] });
 *
 * Products throw ERR_CRITERION where the model returns its loss, ERR_NO_DOUBLE_BACKWARD.
 */
export function gaussNewton(objective: Objective, options: CurvatureOptions = {}): CurvatureOperator {
  return makeCurvature('gaussNewton', objective, { kind: 'gauss-newton' }, options);
}
