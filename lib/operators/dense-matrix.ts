import { LossAtlasError } from '../errors.js';
import { disposeAll, type ParameterVector } from '../model/parameter-vector.js';
import { call } from '../native/call.js';
import { Steps } from '../steps.js';
import type { AnalysisOptions } from '../types.js';
import { analysisChecks, checkOptions, invalidOption } from '../validate.js';
import { requireOperator, type LinearOperator } from './linear-operator.js';
import { notFinite } from './not-finite.js';

/** n² doubles, and n³ work for the eigenvalues. */
const largest = 4096;
const blockSize = 16;

/** A whole matrix, row by row. */
export interface DenseMatrix {
  readonly size: number;
  /** size × size, symmetrised: (A + Aᵀ)/2. */
  readonly values: Float64Array;
  /** ‖A − Aᵀ‖_F / ‖A‖_F before that: rounding, or a mistake. */
  readonly asymmetry: number;
}

/**
 * The matrix of an operator over at most 4096 parameters, by n products with unit vectors: the exact truth for small
 * models and for single layers (`parameters`).
 *
 *     using block = hessian(loss, { parameters: ['fc.*'] });
 *     const { values } = await denseMatrix(block);
 *
 * Throws ERR_INVALID_OPTION where there are more parameters.
 */
export async function denseMatrix(
  operator: LinearOperator,
  options: AnalysisOptions = {},
): Promise<DenseMatrix> {
  requireOperator('denseMatrix', operator);
  checkOptions('denseMatrix', options, analysisChecks);
  const n = operator.size;
  if (n > largest) {
    throw new LossAtlasError(
      'ERR_INVALID_OPTION',
      `The operator is over ${n} parameters; a dense matrix is offered up to ${largest}. Choose some with ` +
        `option 'parameters', or use eigenpairs and spectralDensity.`,
    );
  }
  const progress = new Steps('dense matrix', n, options);
  const raw = new Float64Array(n * n);
  for (let start = 0; start < n; start += blockSize) {
    const count = Math.min(blockSize, n - start);
    const columns = await multiplyUnits(operator, start, count, progress.signal);
    columns.forEach((column, c) => {
      for (let i = 0; i < n; i++) raw[i * n + start + c] = column[i]!;
    });
    progress.advance(count);
  }
  if (!raw.every(Number.isFinite)) throw notFinite();
  const values = new Float64Array(n * n);
  let [skew, total] = [0, 0];
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) {
      const [a, b] = [raw[i * n + j]!, raw[j * n + i]!];
      values[i * n + j] = (a + b) / 2;
      skew += (a - b) ** 2;
      total += a ** 2;
    }
  }
  return Object.freeze({ size: n, values, asymmetry: total === 0 ? 0 : Math.sqrt(skew / total) });
}

/** All eigenvalues, ascending, and unit eigenvectors: row i of `vectors` belongs to values[i]. */
export async function denseEigen(
  matrix: DenseMatrix,
): Promise<{ readonly values: Float64Array; readonly vectors: Float64Array }> {
  const { size, values } = (matrix as DenseMatrix | null) ?? { size: 0, values: null };
  if (!(values instanceof Float64Array) || size < 1 || values.length !== size * size)
    throw invalidOption('denseEigen: matrix', 'a matrix of denseMatrix', matrix);
  return call((native) => native.symmetricEigen(matrix.values, matrix.size));
}

async function multiplyUnits(
  operator: LinearOperator,
  start: number,
  count: number,
  signal: AbortSignal | undefined,
): Promise<Float64Array[]> {
  const held: ParameterVector[] = [];
  try {
    const units: ParameterVector[] = [];
    for (let c = 0; c < count; c++) {
      const unit = new Float64Array(operator.size);
      unit[start + c] = 1;
      units.push(await operator.space.vector(unit));
      held.push(units[c]!);
    }
    const products = await operator.apply(units, signal);
    held.push(...products);
    const columns: Float64Array[] = [];
    for (const product of products) columns.push(await product.toArray());
    return columns;
  } finally {
    disposeAll(held);
  }
}
