import type { ParameterInfo } from '../model/model.js';
import { matchParameterNames } from '../model/parameter-names.js';
import { invalidOption, isArrayOf, isInteger, isString } from '../validate.js';

/**
 * Parameters that stay where they are: names, or patterns in which `*` stands for any characters; or LLA's layer index
 * k over the list of parameter tensors: from the k-th on for k > 0, the first |k| for k < 0.
 */
export type Freeze = readonly string[] | number;

const isNames = isArrayOf(isString, '');

export function isFreeze(value: unknown): string | null {
  const isIndex = isInteger(-1e9, 1e9)(value) === null && value !== 0;
  return isIndex || isNames(value) === null
    ? null
    : 'an array of parameter names or patterns, or an integer other than 0 (LLA’s layer index)';
}

/** Indices of the frozen parameters. Throws ERR_INVALID_OPTION for a pattern that fits none. */
export function frozenParameters(parameters: readonly ParameterInfo[], freeze: Freeze | undefined): number[] {
  if (freeze === undefined) return [];
  if (typeof freeze === 'number') {
    if (Math.abs(freeze) >= parameters.length)
      throw invalidOption("option 'freeze'", `a layer index within ±${parameters.length - 1}`, freeze);
    const all = parameters.map((_, i) => i);
    return freeze > 0 ? all.slice(freeze) : all.slice(0, -freeze);
  }
  return matchParameterNames(parameters, freeze, 'freeze');
}
