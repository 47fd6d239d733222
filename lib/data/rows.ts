import type { NdArray } from '../types.js';

/** All that a file may hold; what libtorch lacks becomes signed later. */
export type StoredArray = NdArray['data'] | Uint16Array | Uint32Array | BigUint64Array;

/** Which samples, in order. */
export interface Rows {
  readonly count: number;
  /** Null: the first `count`, which need no copy. */
  readonly numbers: Uint32Array | null;
}

/** An array [N, …] whose rows are fetched when it is known which ones are wanted. */
export interface RowSource {
  readonly shape: readonly number[];
  read(rows: Rows): StoredArray;
}

/** Rows of an array in memory: a view where they are its first ones. */
export function rowsOf(data: StoredArray, shape: readonly number[]): RowSource {
  return {
    shape,
    read({ count, numbers }) {
      const width = shape.slice(1).reduce((product, dim) => product * dim, 1);
      if (numbers === null) return data.subarray(0, count * width);
      return gather(data, numbers, width);
    },
  };
}

export function allRows(count: number): Rows {
  return { count, numbers: null };
}

/** The numbers from start to end (exclusive). */
export function rowRange(start: number, end: number): Uint32Array {
  return Uint32Array.from({ length: Math.max(0, end - start) }, (_, i) => start + i);
}

/** The numbers of the rows one by one. */
export function* rowNumbers({ count, numbers }: Rows): Generator<number> {
  for (let i = 0; i < count; i++) yield numbers === null ? i : numbers[i]!;
}

function gather<A extends StoredArray>(data: A, numbers: Uint32Array, width: number): A {
  const out = new (data.constructor as new (length: number) => A)(numbers.length * width);
  numbers.forEach((row, i) => {
    // Both are of type A; the compiler forgets that numbers go with numbers and bigints with bigints.
    (out as Uint8Array).set((data as Uint8Array).subarray(row * width, (row + 1) * width), i * width);
  });
  return out;
}
