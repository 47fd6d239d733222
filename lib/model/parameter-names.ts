import { LossAtlasError } from '../errors.js';
import type { ParameterInfo } from '../native/addon.js';
import { invalidOption, isArrayOf, isOneOf, isString, suggest, type Check } from '../validate.js';

/** At least one name or pattern. */
export const isPatterns: Check = (v) =>
  isArrayOf(isString, '')(v) === null && (v as unknown[]).length > 0
    ? null
    : 'an array of at least one parameter name or pattern';

/**
 * Indices of the parameters whose names fit one of `patterns`: names, in which `*` stands for any characters. Throws
 * ERR_INVALID_OPTION for a pattern that fits none.
 */
export function matchParameterNames(
  parameters: readonly ParameterInfo[],
  patterns: readonly string[],
  option: string,
): number[] {
  const names = parameters.map(({ name }) => name);
  const expressions = patterns.map((text) => {
    const expression = new RegExp(`^${text.split('*').map(escape).join('.*')}$`);
    if (names.some((name) => expression.test(name))) return expression;
    throw new LossAtlasError(
      'ERR_INVALID_OPTION',
      `option '${option}': '${text}' fits no parameter. ${suggest(text, names)}`,
    );
  });
  return names.flatMap((name, i) => (expressions.some((expression) => expression.test(name)) ? [i] : []));
}

function escape(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

/** Parameters that belong together, for operators over them alone. */
export interface ParameterBlock {
  /** Of the parameter, or of the module (empty for the model itself). */
  readonly name: string;
  readonly parameters: readonly string[];
}

/**
 * The model's parameters one by one (`parameter`), or together with those of the same module (`module`), in order: the
 * diagonal blocks of a curvature matrix.
 *
 *     for (const { name, parameters } of parameterBlocks(model, 'module')) {
 *       using block = hessian(loss, { parameters });
 *       console.log(name, (await eigenpairs(block, { k: 1 })).values[0]);
 *     }
 */
export function parameterBlocks(
  model: { readonly parameters: readonly ParameterInfo[] },
  by: 'parameter' | 'module' = 'module',
): ParameterBlock[] {
  const expected = isOneOf('parameter', 'module')(by);
  if (expected !== null) throw invalidOption('parameterBlocks: by', expected, by);
  const blocks = new Map<string, string[]>();
  for (const { name } of model.parameters) {
    const key = by === 'parameter' ? name : name.slice(0, Math.max(0, name.lastIndexOf('.')));
    blocks.set(key, [...(blocks.get(key) ?? []), name]);
  }
  return Array.from(blocks, ([name, parameters]) => ({ name, parameters }));
}
