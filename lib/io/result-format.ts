import type {
  AxisDescription,
  BracketedEstimate,
  Criteria,
  CriteriaChange,
  CriteriaComparison,
  CriteriaRow,
  CurvatureCheck,
  DiagonalEstimate,
  Eigenpairs,
  Estimate,
  Explosion,
  FrobeniusNormEstimate,
  KhCriterion,
  LandscapeAtlas,
  LandscapeValues,
  LossLine,
  LossSurface,
  MarkedSolution,
  OperatorCheck,
  PresetEigenpairs,
  PresetSpectralDensity,
  PresetTrace,
  Provenance,
  Recipe,
  SelfChecks,
  SpectralDensity,
  SurfaceSpread,
  TraceEstimate,
  Trajectory,
} from '../results.js';

/** Any result that can be saved. */
export type Result =
  | LossLine
  | LossSurface
  | LandscapeAtlas
  | Trajectory
  | Eigenpairs
  | TraceEstimate
  | FrobeniusNormEstimate
  | DiagonalEstimate
  | SpectralDensity
  | CriteriaComparison
  | OperatorCheck
  | PresetEigenpairs
  | PresetTrace
  | PresetSpectralDensity;
export type ResultKind = Result['kind'];
export type ResultOf<K extends ResultKind> = Extract<Result, { kind: K }>;

/** How one field is stored. `float64` is a Float64Array, `float64[]` a list of them. */
export type Field =
  | 'number'
  | 'number|null'
  | 'string'
  | 'string|null'
  | 'string[]'
  | 'boolean'
  | 'boolean[]'
  | 'float64'
  | 'float64|null'
  | 'float64[]'
  | { readonly recordOf: 'float64' }
  | { readonly oneOf: readonly (string | number)[] }
  | { readonly listOf: readonly string[] }
  | { readonly tuple: readonly Shape[] }
  | { readonly objects: Shape }
  | { readonly nullable: Shape }
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
      : [T] extends [Readonly<Record<string, Float64Array>>]
        ? { readonly recordOf: 'float64' }
        : [T] extends [readonly boolean[]]
          ? 'boolean[]'
          : [T] extends [boolean]
            ? 'boolean'
            : [T] extends [number | null]
              ? FieldOfNumber<T>
              : [T] extends [string | null]
                ? FieldOfString<T>
                : FieldOfStructure<T>;

type FieldOfString<T> = [T] extends [string]
  ? string extends T
    ? 'string'
    : { readonly oneOf: readonly T[] }
  : 'string|null';

type FieldOfNumber<T> = [T] extends [number]
  ? number extends T
    ? 'number'
    : { readonly oneOf: readonly T[] }
  : 'number|null';

type FieldOfStructure<T> = [T] extends [readonly (infer S extends string)[]]
  ? string extends S
    ? 'string[]'
    : { readonly listOf: readonly S[] }
  : [T] extends [readonly [infer A, infer B]]
    ? { readonly tuple: readonly [ShapeOf<A>, ShapeOf<B>] }
    : [T] extends [readonly (infer O)[]]
      ? { readonly objects: ShapeOf<O> }
      : null extends T
        ? { readonly nullable: ShapeOf<NonNullable<T>> }
        : { readonly object: ShapeOf<T> };

type ShapeOf<T> = { readonly [K in keyof T]-?: FieldOf<T[K]> };

const provenance: ShapeOf<Provenance> = {
  model: 'string',
  modelHash: 'string',
  data: 'string',
  dataHash: 'string',
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
      output: 'string',
      metrics: 'string[]',
    },
  },
  point: 'string',
  operator: 'string|null',
  mode: { oneOf: ['eval', 'train', 'recalibrate'] },
  dtype: { oneOf: ['float32', 'float64'] },
  device: 'string',
  numThreads: 'number',
  versions: { object: { lossatlas: 'string', libtorch: 'string', node: 'string' } },
  startedAt: 'string',
  durationSeconds: 'number',
};

export const axisShape: ShapeOf<AxisDescription> = {
  label: 'string',
  kind: {
    oneOf: [
      'gaussian',
      'uniform',
      'rademacher',
      'hessian-eigenvector',
      'gradient',
      'difference',
      'adam-moment',
      'principal-component',
      'custom',
    ],
  },
  seed: 'number|null',
  eigenvalue: 'number|null',
  normalization: { oneOf: ['filter', 'layer', 'model', 'weight', 'none'] },
  order: { oneOf: [1, 2] },
  ignored: { listOf: ['bias', 'norm'] },
  frozen: 'string[]',
  numZeroGroups: 'number',
  norm: 'number',
  relativeNorm: 'number',
};

const curvature: ShapeOf<CurvatureCheck> = {
  secondDifference: 'number',
  quadraticForm: 'number',
  step: 'number',
};

const checks: ShapeOf<SelfChecks> = {
  centerDifference: 'number|null',
  cosine: 'number|null',
  numNonFinite: 'number',
  shareNonFinite: 'number',
  curvature: { objects: curvature },
};

const explosion: ShapeOf<Explosion> = {
  maxToCenterRatio: 'number',
  cap: 'number',
  shareAboveCap: 'number',
  verdict: { oneOf: ['none', 'grows', 'explodes'] },
  text: 'string',
};

const recipe: ShapeOf<Recipe> = {
  name: { oneOf: ['lossatlas', 'li2018', 'lla', 'loss-landscapes', 'pyhessian'] },
  notes: 'string[]',
};

export const solutionShape: ShapeOf<MarkedSolution> = { label: 'string', coordinates: 'float64' };

const values: ShapeOf<LandscapeValues> = {
  loss: 'float64',
  accuracy: 'float64|null',
  metrics: { recordOf: 'float64' },
  gradientNorm: 'float64|null',
  modelLoss: 'number',
  modelAccuracy: 'number|null',
  solutions: { objects: solutionShape },
  explosion: { object: explosion },
  checks: { object: checks },
  recipe: { object: recipe },
  provenance: { object: provenance },
};

const surface: ShapeOf<LossSurface> = {
  kind: { oneOf: ['loss-surface'] },
  formatVersion: { oneOf: [1] },
  update: { oneOf: ['add', 'adam'] },
  x: 'float64',
  y: 'float64',
  axes: { tuple: [axisShape, axisShape] },
  ...values,
};

const spread: ShapeOf<SurfaceSpread> = {
  mean: 'float64',
  standardDeviation: 'float64',
  min: 'float64',
  max: 'float64',
};

const estimate: ShapeOf<Estimate> = {
  value: 'number',
  low: 'number',
  high: 'number',
  standardError: 'number',
};

const bracketed: ShapeOf<BracketedEstimate> = {
  ...estimate,
  bracket: { object: { low: 'number', high: 'number' } },
  determined: 'boolean',
};

const kh: ShapeOf<KhCriterion> = {
  ...estimate,
  n: 'number',
  ratio: { object: bracketed },
  tail: { object: bracketed },
};

const criteria: ShapeOf<Criteria> = {
  re: { object: bracketed },
  kh05: { object: kh },
  kh1: { object: kh },
  negativeMass: { object: bracketed },
  negativeCurvatureShare: { object: bracketed },
  nearZeroMass: { object: bracketed },
  settings: {
    object: {
      steps: 'number',
      probes: 'number',
      batches: 'number',
      confidence: 'number',
      tailThreshold: 'number',
    },
  },
};

const change: ShapeOf<CriteriaChange> = {
  from: 'string',
  loss: 'number',
  accuracy: 'number|null',
  re: { object: estimate },
  kh05: { object: estimate },
  kh1: { object: estimate },
  paperReading: { oneOf: ['agrees', 'disagrees', 'undecided'] },
};

const mode: FieldOf<Provenance['mode']> = { oneOf: ['eval', 'train', 'recalibrate'] };

const row: ShapeOf<CriteriaRow> = {
  model: 'string',
  data: 'string',
  mode,
  pointHash: 'string|null',
  loss: 'number',
  accuracy: 'number|null',
  criteria: { object: criteria },
  change: { nullable: change },
  numProducts: 'number',
  provenance: { object: provenance },
};

const preset: ShapeOf<Pick<PresetTrace, 'formatVersion' | 'numProducts' | 'seed' | 'recipe' | 'provenance'>> =
  {
    formatVersion: { oneOf: [1] },
    numProducts: 'number',
    seed: 'number|null',
    recipe: { object: recipe },
    provenance: { object: provenance },
  };

/** The fields of every kind, in the order in which they are written. */
export const resultShapes: { readonly [K in ResultKind]: ShapeOf<ResultOf<K>> } = {
  'loss-line': {
    kind: { oneOf: ['loss-line'] },
    formatVersion: { oneOf: [1] },
    coordinates: 'float64',
    axis: { object: axisShape },
    ...values,
  },
  'loss-surface': surface,
  'landscape-atlas': {
    kind: { oneOf: ['landscape-atlas'] },
    formatVersion: { oneOf: [1] },
    titles: 'string[]',
    surfaces: { objects: surface },
    spread: { nullable: spread },
  },
  trajectory: {
    kind: { oneOf: ['trajectory'] },
    formatVersion: { oneOf: [1] },
    labels: 'string[]',
    x: 'float64',
    y: 'float64',
    distance: 'float64',
    loss: 'float64',
    projectedLoss: 'float64',
    accuracy: 'float64|null',
    explainedVariance: 'float64|null',
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
    numRestarts: 'number',
    basisSize: 'number',
    basisBytes: 'number',
    seed: 'number',
    provenance: { object: provenance },
  },
  trace: {
    kind: { oneOf: ['trace'] },
    formatVersion: { oneOf: [1] },
    method: { oneOf: ['hutchinson', 'hutch++', 'xtrace', 'deflated', 'gradient'] },
    ...estimate,
    samples: 'float64',
    perParameter: { objects: { name: 'string', ...estimate } },
    frobeniusNorm: 'number|null',
    numProducts: 'number',
    converged: 'boolean',
    seed: 'number',
    provenance: { object: provenance },
  },
  'frobenius-norm': {
    kind: { oneOf: ['frobenius-norm'] },
    formatVersion: { oneOf: [1] },
    ...estimate,
    samples: 'float64',
    numProducts: 'number',
    converged: 'boolean',
    seed: 'number',
    provenance: { object: provenance },
  },
  diagonal: {
    kind: { oneOf: ['diagonal'] },
    formatVersion: { oneOf: [1] },
    trace: 'number',
    norm: 'number',
    relativeError: 'number',
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
    residualBounds: 'float64[]',
    trace: { object: estimate },
    criteria: { object: criteria },
    numProducts: 'number',
    provenance: { object: provenance },
  },
  'operator-check': {
    kind: { oneOf: ['operator-check'] },
    formatVersion: { oneOf: [1] },
    asymmetry: 'number',
    variation: 'number',
    tolerance: 'number',
    isSymmetric: 'boolean',
    isRepeatable: 'boolean',
    curvature: {
      nullable: { quadraticForm: 'number', difference: 'number', step: 'number', agrees: 'boolean' },
    },
    ok: 'boolean',
    notes: 'string[]',
    provenance: { object: provenance },
  },
  'preset-eigenpairs': {
    kind: { oneOf: ['preset-eigenpairs'] },
    ...preset,
    values: 'float64',
    numIterations: 'float64',
    stopped: 'boolean[]',
    tolerance: 'number',
  },
  'preset-trace': {
    kind: { oneOf: ['preset-trace'] },
    ...preset,
    value: 'number',
    samples: 'float64',
    stopped: 'boolean',
    tolerance: 'number',
  },
  'preset-spectral-density': {
    kind: { oneOf: ['preset-spectral-density'] },
    ...preset,
    size: 'number',
    steps: 'number',
    probes: 'number',
    window: 'number|null',
    alpha: 'float64[]',
    beta: 'float64[]',
    nodes: 'float64[]',
    weights: 'float64[]',
    criteria: { nullable: { re: 'number', kh05: 'number', kh1: 'number' } },
  },
  'criteria-comparison': {
    kind: { oneOf: ['criteria-comparison'] },
    formatVersion: { oneOf: [1] },
    batchSize: 'number',
    seed: 'number',
    rows: { objects: row },
  },
};

/** Lengths that do not agree, in words, or null. */
export function findLengthMismatch(result: Result): string | null {
  const check = (name: string, actual: number | undefined, expected: number) =>
    actual === undefined || actual === expected ? null : `'${name}' has ${actual} entries, not ${expected}`;
  switch (result.kind) {
    case 'loss-line':
      return checkValues(result, result.coordinates.length, check);
    case 'loss-surface':
      return checkValues(result, result.x.length * result.y.length, check);
    case 'landscape-atlas': {
      const { titles, surfaces, spread: spreads } = result;
      const counts = surfaces.map(({ x, y }) => x.length * y.length);
      const problems = surfaces.map((item, i) => checkValues(item, counts[i]!, check));
      const lists = Object.entries(spreads ?? {}) as [string, Float64Array][];
      return (
        check('titles', titles.length, surfaces.length) ??
        problems.find((problem) => problem !== null) ??
        lists.map(([name, list]) => check(name, list.length, counts[0] ?? 0)).find((p) => p !== null) ??
        null
      );
    }
    case 'trajectory': {
      const count = result.labels.length;
      const names = ['x', 'y', 'distance', 'loss', 'projectedLoss', 'accuracy'] as const;
      return names.map((name) => check(name, result[name]?.length, count)).find((p) => p !== null) ?? null;
    }
    case 'eigenpairs': {
      const count = result.values.length;
      return (
        check('residuals', result.residuals.length, count) ??
        check('converged', result.converged.length, count)
      );
    }
    case 'spectral-density': {
      const { nodes, weights, residualBounds } = result;
      const lists =
        check('weights', weights.length, nodes.length) ??
        check('residualBounds', residualBounds.length, nodes.length);
      const problems = nodes.flatMap((list, i) => [
        check(`weights[${i}]`, weights[i]?.length, list.length),
        check(`residualBounds[${i}]`, residualBounds[i]?.length, list.length),
      ]);
      return lists ?? problems.find((problem) => problem !== null) ?? null;
    }
    case 'preset-eigenpairs': {
      const count = result.values.length;
      return (
        check('numIterations', result.numIterations.length, count) ??
        check('stopped', result.stopped.length, count)
      );
    }
    case 'preset-spectral-density': {
      const { nodes, weights } = result;
      const lists = check('weights', weights.length, nodes.length);
      const problems = nodes.map((list, i) => check(`weights[${i}]`, weights[i]?.length, list.length));
      return lists ?? problems.find((problem) => problem !== null) ?? null;
    }
    case 'preset-trace':
    case 'trace':
    case 'frobenius-norm':
    case 'diagonal':
    case 'criteria-comparison':
    case 'operator-check':
      return null;
  }
}

type LengthCheck = (name: string, actual: number | undefined, expected: number) => string | null;

function checkValues(result: LandscapeValues, count: number, check: LengthCheck): string | null {
  const metrics = Object.entries(result.metrics).map(([name, list]) => check(name, list.length, count));
  return (
    check('loss', result.loss.length, count) ??
    check('accuracy', result.accuracy?.length, count) ??
    check('gradientNorm', result.gradientNorm?.length, count) ??
    metrics.find((problem) => problem !== null) ??
    null
  );
}
