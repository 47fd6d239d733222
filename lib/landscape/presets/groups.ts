import type { ParameterInfo } from '../../model/model.js';

/**
 * Normalisations as published programs compute them, mistakes included, over plain arrays. What lossatlas itself does is
 * in directions/normalize.
 */
export type GroupRule = (direction: Float64Array, reference: Float64Array) => void;

/** Applies `rule` to the same tensor of both vectors, tensor by tensor. */
export function eachTensor(
  parameters: readonly ParameterInfo[],
  direction: Float64Array,
  reference: Float64Array,
  rule: (d: Float64Array, w: Float64Array, parameter: ParameterInfo) => void,
): void {
  for (const parameter of parameters) {
    const [from, to] = [parameter.offset, parameter.offset + parameter.numel];
    rule(direction.subarray(from, to), reference.subarray(from, to), parameter);
  }
}

/** Applies `rule` to each slice along dimension 0. */
export function eachSlice(
  { shape, numel }: ParameterInfo,
  direction: Float64Array,
  reference: Float64Array,
  rule: GroupRule,
): void {
  const size = shape.length === 0 ? numel : numel / shape[0]!;
  for (let at = 0; at < numel; at += size)
    rule(direction.subarray(at, at + size), reference.subarray(at, at + size));
}

export function scale(direction: Float64Array, factor: number): void {
  for (let i = 0; i < direction.length; i++) direction[i]! *= factor;
}

export function multiply(direction: Float64Array, reference: Float64Array): void {
  for (let i = 0; i < direction.length; i++) direction[i]! *= reference[i]!;
}

export function norm(values: Float64Array, order: 1 | 2 = 2): number {
  if (order === 1) return values.reduce((sum, x) => sum + Math.abs(x), 0);
  return Math.sqrt(values.reduce((sum, x) => sum + x * x, 0));
}

export function dot(a: Float64Array, b: Float64Array): number {
  return a.reduce((sum, x, i) => sum + x * b[i]!, 0);
}
