import type { CheckpointData } from './dtype.js';

export function elementsOf(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

/** In elements, the last axis fastest. */
export function rowMajor(shape: readonly number[]): number[] {
  const strides = new Array<number>(shape.length);
  let stride = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    strides[axis] = stride;
    stride *= Math.max(1, shape[axis]!);
  }
  return strides;
}

/** In elements, the first axis fastest. */
export function columnMajor(shape: readonly number[]): number[] {
  let stride = 1;
  return shape.map((size) => {
    const own = stride;
    stride *= size;
    return own;
  });
}

/** Axes of one element have strides that do not matter. */
export function isRowMajor(shape: readonly number[], strides: readonly number[]): boolean {
  return rowMajor(shape).every((stride, axis) => shape[axis] === 1 || strides[axis] === stride);
}

/** The values in row-major order. */
export function gathered(
  from: CheckpointData,
  shape: readonly number[],
  strides: readonly number[],
): CheckpointData {
  const to = new (from.constructor as new (length: number) => CheckpointData)(elementsOf(shape));
  const index = new Array<number>(shape.length).fill(0);
  let at = 0;
  for (let i = 0; i < to.length; i++) {
    to[i] = from[at]!;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      at += strides[axis]!;
      if (++index[axis]! < shape[axis]!) break;
      at -= strides[axis]! * shape[axis]!;
      index[axis] = 0;
    }
  }
  return to;
}
