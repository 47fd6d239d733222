import type { AxisDescription, Recipe } from '../../results.js';

/** Of a file that says nothing of its axes. */
export const unknownAxis: AxisDescription = Object.freeze({
  label: '',
  kind: 'unknown',
  seed: null,
  eigenvalue: null,
  normalization: 'unknown',
  order: null,
  ignored: Object.freeze([]),
  frozen: Object.freeze([]),
  numZeroGroups: NaN,
  norm: NaN,
  relativeNorm: NaN,
});

export const unknownRecipe: Recipe = Object.freeze({ name: 'unknown', notes: Object.freeze([]) });
