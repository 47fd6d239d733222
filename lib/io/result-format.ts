import type {
  AxisDescription,
  Criteria,
  Eigenpairs,
  Estimate,
  LossLine,
  LossSurface,
  Provenance,
  SelfChecks,
  SpectralDensity,
  TraceEstimate,
} from '../results.js';

/** Any result that can be saved. */
export type Result = LossLine | LossSurface | Eigenpairs | TraceEstimate | SpectralDensity;
export type ResultKind = Result['kind'];
export type ResultOf<K extends ResultKind> = Extract<Result, { kind: K }>;

/** How one field is stored. `float64` is a Float64Array, `float64[]` a list of them. */
export type Field =
  | 'number'
  | 'number|null'
  | 'string'
  | 'boolean'
  | 'boolean[]'
  | 'float64'
  | 'float64|null'
  | 'float64[]'
  | { readonly oneOf: readonly (string | number)[] }
  | { readonly listOf: readonly string[] }
  | { readonly tuple: readonly Shape[] }
  | { readonly object: Shape };

// eslint-disable-next-line @typescript-eslint/consistent-indexed-object-style -- a recursive type needs the name
export interface Shape {
  readonly [key: string]: Field;
}

/** The field that a TypeScript type must have: a change of a result type fails to compile here. */
type FieldOf<T> = [T] extends [Float64Array]
  ? 'float64'
  : [T] extends [Float64Array | null]
    ? 'float64|null'
    : [T] extends [readonly Float64Array[]]
      ? 'float64[]'
      : [T] extends [readonly boolean[]]
        ? 'boolean[]'
        : [T] extends [boolean]
          ? 'boolean'
          : [T] extends [number]
            ? number extends T
              ? 'number'
              : { readonly oneOf: readonly T[] }
            : [T] extends [number | null]
              ? 'number|null'
              : [T] extends [string]
                ? string extends T
                  ? 'string'
                  : { readonly oneOf: readonly T[] }
                : [T] extends [readonly (infer S extends string)[]]
                  ? { readonly listOf: readonly S[] }
                  : [T] extends [readonly [infer A, infer B]]
                    ? { readonly tuple: readonly [ShapeOf<A>, ShapeOf<B>] }
                    : { readonly object: ShapeOf<T> };

type ShapeOf<T> = { readonly [K in keyof T]-?: FieldOf<T[K]> };

const provenance: ShapeOf<Provenance> = {
  model: 'string',
  data: 'string',
  numSamples: 'number',
  numBatches: 'number',
  numParameters: 'number',
  preprocessing: 'string',
  criterion: 'string',
  options: {
    object: {
      batchSize: 'number',
      labelSmoothing: 'number',
      ignoreIndex: 'number',
      delta: 'number',
      seed: 'number',
    },
  },
  point: { oneOf: ['model', 'given vector'] },
  mode: { oneOf: ['eval', 'train'] },
  dtype: { oneOf: ['float32', 'float64'] },
  device: 'string',
  numThreads: 'number',
  versions: { object: { lossatlas: 'string', libtorch: 'string', node: 'string' } },
  startedAt: 'string',
  durationSeconds: 'number',
};

const axis: ShapeOf<AxisDescription> = {
  label: 'string',
  kind: { oneOf: ['gaussian', 'uniform', 'rademacher', 'hessian-eigenvector', 'custom'] },
  seed: 'number|null',
  eigenvalue: 'number|null',
  normalization: { oneOf: ['filter', 'layer', 'model', 'weight', 'none'] },
  order: { oneOf: [1, 2] },
  ignored: { listOf: ['bias', 'norm'] },
  numZeroGroups: 'number',
  norm: 'number',
  relativeNorm: 'number',
};

const checks: ShapeOf<SelfChecks> = {
  centerDifference: 'number|null',
  cosine: 'number|null',
  numNonFinite: 'number',
  shareNonFinite: 'number',
  maxToCenterRatio: 'number',
};

const estimate: ShapeOf<Estimate> = {
  value: 'number',
  low: 'number',
  high: 'number',
  standardError: 'number',
};

const criteria: ShapeOf<Criteria> = {
  re: { object: estimate },
  kh05: { object: estimate },
  kh1: { object: estimate },
  negativeMass: { object: estimate },
  negativeCurvatureShare: { object: estimate },
  settings: { object: { steps: 'number', probes: 'number', confidence: 'number' } },
};

/** The fields of every kind, in the order in which they are written. */
export const resultShapes: { readonly [K in ResultKind]: ShapeOf<ResultOf<K>> } = {
  'loss-line': {
    kind: { oneOf: ['loss-line'] },
    formatVersion: { oneOf: [1] },
    coordinates: 'float64',
    loss: 'float64',
    accuracy: 'float64|null',
    modelLoss: 'number',
    modelAccuracy: 'number|null',
    axis: { object: axis },
    checks: { object: checks },
    provenance: { object: provenance },
  },
  'loss-surface': {
    kind: { oneOf: ['loss-surface'] },
    formatVersion: { oneOf: [1] },
    x: 'float64',
    y: 'float64',
    loss: 'float64',
    accuracy: 'float64|null',
    modelLoss: 'number',
    modelAccuracy: 'number|null',
    axes: { tuple: [axis, axis] },
    checks: { object: checks },
    provenance: { object: provenance },
  },
  eigenpairs: {
    kind: { oneOf: ['eigenpairs'] },
    formatVersion: { oneOf: [1] },
    which: { oneOf: ['largest-magnitude', 'largest', 'smallest', 'both-ends'] },
    values: 'float64',
    residuals: 'float64',
    converged: 'boolean[]',
    allConverged: 'boolean',
    tolerance: 'number',
    numProducts: 'number',
    seed: 'number',
    provenance: { object: provenance },
  },
  trace: {
    kind: { oneOf: ['trace'] },
    formatVersion: { oneOf: [1] },
    ...estimate,
    samples: 'float64',
    frobeniusNorm: 'number',
    numProducts: 'number',
    converged: 'boolean',
    seed: 'number',
    provenance: { object: provenance },
  },
  'spectral-density': {
    kind: { oneOf: ['spectral-density'] },
    formatVersion: { oneOf: [1] },
    size: 'number',
    steps: 'number',
    probes: 'number',
    seed: 'number',
    nodes: 'float64[]',
    weights: 'float64[]',
    trace: { object: estimate },
    criteria: { object: criteria },
    numProducts: 'number',
    provenance: { object: provenance },
  },
};

/** Lengths that do not agree, in words, or null. */
export function findLengthMismatch(result: Result): string | null {
  const check = (name: string, actual: number | undefined, expected: number) =>
    actual === undefined || actual === expected ? null : `'${name}' has ${actual} entries, not ${expected}`;
  switch (result.kind) {
    case 'loss-line': {
      const count = result.coordinates.length;
      return check('loss', result.loss.length, count) ?? check('accuracy', result.accuracy?.length, count);
    }
    case 'loss-surface': {
      const count = result.x.length * result.y.length;
      return check('loss', result.loss.length, count) ?? check('accuracy', result.accuracy?.length, count);
    }
    case 'eigenpairs': {
      const count = result.values.length;
      return (
        check('residuals', result.residuals.length, count) ??
        check('converged', result.converged.length, count)
      );
    }
    case 'spectral-density': {
      const { nodes, weights } = result;
      const lists = check('weights', weights.length, nodes.length);
      const problems = nodes.map((list, i) => check(`weights[${i}]`, weights[i]?.length, list.length));
      return lists ?? problems.find((problem) => problem !== null) ?? null;
    }
    case 'trace':
      return null;
  }
}
