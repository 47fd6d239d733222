import { isArrayOf, isString, type Check } from '../validate.js';

/**
 * Which array of a file is the input: its name; or several names for a model with several inputs; or, for a model
 * whose inputs have names, the array's name by the input's: `{ input_ids: 'ids', attention_mask: 'mask' }`.
 */
export type InputChoice = string | readonly string[] | Readonly<Record<string, string>>;

export const isInputChoice: Check = (v) => {
  const words = 'a name, an array of names, or an object of names by input';
  if (typeof v === 'string') return isString(v);
  const list: unknown = typeof v === 'object' && v !== null && !Array.isArray(v) ? Object.values(v) : v;
  return Array.isArray(list) && list.length > 0 ? isArrayOf(isString, words)(list) : words;
};

/** The arrays' names as a list, and the inputs' names where they have some. */
export function listChoice(choice: InputChoice): {
  list: readonly string[];
  names: readonly string[] | null;
} {
  if (typeof choice === 'string') return { list: [choice], names: null };
  if (Array.isArray(choice)) return { list: choice as readonly string[], names: null };
  return { list: Object.values(choice), names: Object.freeze(Object.keys(choice)) };
}
