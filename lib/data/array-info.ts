import type { NdArray, TypedArray } from '../types.js';

export type ElementType = 'float32' | 'float64' | 'int8' | 'uint8' | 'int16' | 'int32' | 'int64';

/** What is known of an array without reading it. */
export interface ArrayInfo {
  readonly shape: readonly number[];
  readonly dtype: ElementType;
  readonly bytes: number;
}

/** `numRows`: of an array like this one with so many. */
export function arrayInfo({ data, shape }: NdArray, numRows = shape[0] ?? 0): ArrayInfo {
  const rest = shape.slice(1);
  const count = rest.reduce((product, dim) => product * dim, numRows);
  return { shape: [numRows, ...rest], dtype: elementType(data), bytes: count * data.BYTES_PER_ELEMENT };
}

/** Of so many samples of the array. */
export function sliceInfo({ shape, dtype, bytes }: ArrayInfo, count: number): ArrayInfo {
  const [numRows = 0, ...rest] = shape;
  return { shape: [count, ...rest], dtype, bytes: numRows === 0 ? 0 : (bytes / numRows) * count };
}

function elementType(data: TypedArray): ElementType {
  if (data instanceof Float32Array) return 'float32';
  if (data instanceof Float64Array) return 'float64';
  if (data instanceof Int8Array) return 'int8';
  if (data instanceof Int16Array) return 'int16';
  if (data instanceof Int32Array) return 'int32';
  return data instanceof BigInt64Array ? 'int64' : 'uint8';
}
