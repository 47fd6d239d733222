import type { Objective } from '../objective/objective.js';
import { checkOptions } from '../validate.js';
import {
  makeDirection,
  normalizationChecks,
  type Direction,
  type NormalizationOptions,
} from './direction.js';

/** ∇L at the model's own parameters (or at `at`), not normalised by default. It points uphill. */
export async function gradientDirection(
  objective: Objective,
  options: NormalizationOptions = {},
): Promise<Direction> {
  checkOptions('gradientDirection', options, normalizationChecks);
  const { gradient } = await objective.gradient(options.at?.theta, undefined, options.at?.buffers);
  using raw = gradient;
  return await makeDirection(raw, { kind: 'gradient', options, defaultNormalization: 'none' });
}
