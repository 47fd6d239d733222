import type { Objective } from '../objective/objective.js';
import { makeCurvature, type CurvatureOperator, type CurvatureOptions } from './curvature-operator.js';

/**
 * The Hessian H of `objective` as an operator: H·v = ∇(gᵀv), reverse over reverse (Pearlmutter 1994), over the whole
 * data set.
 *
 *     using operator = hessian(loss);
 *     const spectrum = await spectralDensity(operator, { probes: 10 });
 *
 * Products throw ERR_NO_DOUBLE_BACKWARD where an operator of the model has no second derivative.
 */
export function hessian(objective: Objective, options: CurvatureOptions = {}): CurvatureOperator {
  return makeCurvature('hessian', objective, { kind: 'hessian' }, options);
}
