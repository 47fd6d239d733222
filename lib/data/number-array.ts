/** Whole numbers are labels and become integers; any other number makes all of them floats. */
export function numberArray(values: ArrayLike<number>): Int32Array | Float64Array {
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (!Number.isSafeInteger(value) || Math.abs(value) >= 2 ** 31) return Float64Array.from(values);
  }
  return Int32Array.from(values);
}
