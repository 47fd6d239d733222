import type { LinearOperator, ParameterVector, Provenance } from '../../dist/index.js';

/** ‖a − b‖ / ‖b‖ */
export function relativeError(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let difference = 0;
  let norm = 0;
  for (let i = 0; i < b.length; i++) {
    difference += (a[i]! - b[i]!) ** 2;
    norm += b[i]! ** 2;
  }
  return Math.sqrt(difference / norm);
}

export function matVec(matrix: Float64Array, vector: Float64Array): Float64Array {
  const n = vector.length;
  return Float64Array.from({ length: n }, (_, i) =>
    vector.reduce((sum, x, j) => sum + matrix[i * n + j]! * x, 0),
  );
}

/** The dense matrix of an operator, column by column. */
export async function dense(operator: LinearOperator): Promise<Float64Array> {
  const n = operator.size;
  const out = new Float64Array(n * n);
  for (let j = 0; j < n; j++) {
    const unit = new Float64Array(n);
    unit[j] = 1;
    using vector = await operator.space.vector(unit);
    const [product] = await operator.apply([vector]);
    using column = product!;
    (await column.toArray()).forEach((value, i) => {
      out[i * n + j] = value;
    });
  }
  return out;
}

/** Eigenvalues of a symmetric matrix, ascending, by cyclic Jacobi rotations: slow and independent of libtorch. */
export function jacobiEigenvalues(matrix: Float64Array): Float64Array {
  const n = Math.round(Math.sqrt(matrix.length));
  const a = Float64Array.from(matrix);
  const at = (i: number, j: number) => a[i * n + j]!;
  for (let sweep = 0; sweep < 60; sweep++) {
    let off = 0;
    for (let p = 0; p < n; p++) for (let q = p + 1; q < n; q++) off += at(p, q) ** 2;
    if (off < 1e-26) break;
    for (let p = 0; p < n; p++) {
      for (let q = p + 1; q < n; q++) {
        if (Math.abs(at(p, q)) < 1e-300) continue;
        const tau = (at(q, q) - at(p, p)) / (2 * at(p, q));
        const t = Math.sign(tau || 1) / (Math.abs(tau) + Math.sqrt(1 + tau * tau));
        const c = 1 / Math.sqrt(1 + t * t);
        const s = t * c;
        for (let k = 0; k < n; k++) {
          const [x, y] = [at(k, p), at(k, q)];
          a[k * n + p] = c * x - s * y;
          a[k * n + q] = s * x + c * y;
        }
        for (let k = 0; k < n; k++) {
          const [x, y] = [at(p, k), at(q, k)];
          a[p * n + k] = c * x - s * y;
          a[q * n + k] = s * x + c * y;
        }
      }
    }
  }
  return Float64Array.from({ length: n }, (_, i) => at(i, i)).sort();
}

/** The 5-line operator: a diagonal matrix over any model's vectors. */
export function diagonalOperator(diagonal: ParameterVector): LinearOperator {
  return {
    space: diagonal.space,
    label: 'diagonal matrix',
    size: diagonal.size,
    apply: async (vectors) => Promise.all(vectors.map(async (v) => diagonal.multiply(v))),
    provenance: async () => Promise.resolve(noProvenance),
  };
}

/** A dense symmetric matrix over a space, row by row. */
export function denseOperator(space: LinearOperator['space'], matrix: Float64Array): LinearOperator {
  const multiply = async (v: ParameterVector) => space.vector(matVec(matrix, await v.toArray()));
  return {
    space,
    label: 'dense matrix',
    size: space.size,
    apply: async (vectors) => Promise.all(vectors.map(multiply)),
    provenance: async () => Promise.resolve(noProvenance),
  };
}

const noProvenance: Provenance = Object.freeze({
  model: 'diagonal',
  modelHash: '',
  data: '',
  dataHash: '',
  numSamples: 0,
  numBatches: 0,
  numParameters: 0,
  preprocessing: '',
  options: { batchSize: 1, labelSmoothing: 0, ignoreIndex: -100, delta: 1, seed: 0, output: '', metrics: [] },
  point: 'model',
  operator: 'diagonal matrix',
  plan: null,
  criterion: '',
  mode: 'eval',
  dtype: 'float64',
  device: 'cpu',
  numThreads: 1,
  versions: { lossatlas: '', libtorch: '', node: '' },
  startedAt: '',
  durationSeconds: 0,
});
