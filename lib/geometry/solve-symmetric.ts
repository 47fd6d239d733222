/** The solution of Mx = b for a positive definite M, of which row i holds the first i + 1 entries: by Cholesky. */
export function solveSymmetric(rows: readonly Float64Array[], b: Float64Array): Float64Array {
  const factor = rows.map((row) => Float64Array.from(row));
  factor.forEach((row, i) => {
    for (let j = 0; j <= i; j++) {
      let sum = row[j]!;
      for (let k = 0; k < j; k++) sum -= row[k]! * factor[j]![k]!;
      row[j] = i === j ? Math.sqrt(sum) : sum / factor[j]![j]!;
    }
  });
  const x = Float64Array.from(b);
  for (let i = 0; i < x.length; i++) {
    for (let k = 0; k < i; k++) x[i]! -= factor[i]![k]! * x[k]!;
    x[i]! /= factor[i]![i]!;
  }
  for (let i = x.length - 1; i >= 0; i--) {
    for (let k = i + 1; k < x.length; k++) x[i]! -= factor[k]![i]! * x[k]!;
    x[i]! /= factor[i]![i]!;
  }
  return x;
}
