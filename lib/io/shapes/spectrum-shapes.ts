import type {
  BracketedEstimate,
  Criteria,
  CriteriaChange,
  CriteriaComparison,
  CriteriaRow,
  DiagonalEstimate,
  Eigenpairs,
  Estimate,
  FrobeniusNormEstimate,
  HessianAnalysis,
  KhCriterion,
  OperatorCheck,
  PresetEigenpairs,
  PresetSpectralDensity,
  PresetTrace,
  Provenance,
  SpectralDensity,
  TraceEstimate,
} from '../../results.js';
import { provenanceShape, recipeShape } from './provenance-shape.js';
import type { FieldOf, ShapeOf } from './shape.js';

export const estimateShape: ShapeOf<Estimate> = {
  value: 'number',
  low: 'number',
  high: 'number',
  standardError: 'number',
};

export const bracketedShape: ShapeOf<BracketedEstimate> = {
  ...estimateShape,
  bracket: { object: { low: 'number', high: 'number' } },
  determined: 'boolean',
};

const kh: ShapeOf<KhCriterion> = {
  ...estimateShape,
  n: 'number',
  ratio: { object: bracketedShape },
  tail: { object: bracketedShape },
};

export const criteriaShape: ShapeOf<Criteria> = {
  re: { object: bracketedShape },
  kh05: { object: kh },
  kh1: { object: kh },
  negativeMass: { object: bracketedShape },
  negativeCurvatureShare: { object: bracketedShape },
  nearZeroMass: { object: bracketedShape },
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
  re: { object: estimateShape },
  kh05: { object: estimateShape },
  kh1: { object: estimateShape },
  paperReading: { oneOf: ['agrees', 'disagrees', 'undecided', 'not-read'] },
};

const mode: FieldOf<Provenance['mode']> = { oneOf: ['eval', 'train', 'recalibrate'] };

const row: ShapeOf<CriteriaRow> = {
  model: 'string',
  data: 'string',
  mode,
  pointHash: 'string|null',
  loss: 'number',
  accuracy: 'number|null',
  criteria: { object: criteriaShape },
  change: { nullable: change },
  numProducts: 'number',
  provenance: { object: provenanceShape },
};

const preset: ShapeOf<Pick<PresetTrace, 'formatVersion' | 'numProducts' | 'seed' | 'recipe' | 'provenance'>> =
  {
    formatVersion: { oneOf: [1] },
    numProducts: 'number',
    seed: 'number|null',
    recipe: { object: recipeShape },
    provenance: { object: provenanceShape },
  };

const eigenpairs: ShapeOf<Eigenpairs> = {
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
  provenance: { object: provenanceShape },
};

const trace: ShapeOf<TraceEstimate> = {
  kind: { oneOf: ['trace'] },
  formatVersion: { oneOf: [1] },
  method: { oneOf: ['hutchinson', 'hutch++', 'xtrace', 'deflated', 'gradient'] },
  ...estimateShape,
  samples: 'float64',
  perParameter: { objects: { name: 'string', ...estimateShape } },
  frobeniusNorm: 'number|null',
  numProducts: 'number',
  converged: 'boolean',
  seed: 'number',
  provenance: { object: provenanceShape },
};

const density: ShapeOf<SpectralDensity> = {
  kind: { oneOf: ['spectral-density'] },
  formatVersion: { oneOf: [1] },
  size: 'number',
  steps: 'number',
  probes: 'number',
  seed: 'number',
  firstProbe: 'number',
  probesPerPass: 'number',
  nodes: 'float64[]',
  weights: 'float64[]',
  residualBounds: 'float64[]',
  trace: { object: estimateShape },
  criteria: { object: criteriaShape },
  numProducts: 'number',
  provenance: { object: provenanceShape },
};

/** The fields of spectral results, in the order in which they are written. */
export const spectrumShapes: {
  readonly eigenpairs: ShapeOf<Eigenpairs>;
  readonly trace: ShapeOf<TraceEstimate>;
  readonly 'frobenius-norm': ShapeOf<FrobeniusNormEstimate>;
  readonly diagonal: ShapeOf<DiagonalEstimate>;
  readonly 'spectral-density': ShapeOf<SpectralDensity>;
  readonly 'hessian-analysis': ShapeOf<HessianAnalysis>;
  readonly 'operator-check': ShapeOf<OperatorCheck>;
  readonly 'preset-eigenpairs': ShapeOf<PresetEigenpairs>;
  readonly 'preset-trace': ShapeOf<PresetTrace>;
  readonly 'preset-spectral-density': ShapeOf<PresetSpectralDensity>;
  readonly 'criteria-comparison': ShapeOf<CriteriaComparison>;
} = {
  eigenpairs,
  trace,
  'frobenius-norm': {
    kind: { oneOf: ['frobenius-norm'] },
    formatVersion: { oneOf: [1] },
    ...estimateShape,
    samples: 'float64',
    numProducts: 'number',
    converged: 'boolean',
    seed: 'number',
    provenance: { object: provenanceShape },
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
    provenance: { object: provenanceShape },
  },
  'spectral-density': density,
  'hessian-analysis': {
    kind: { oneOf: ['hessian-analysis'] },
    formatVersion: { oneOf: [1] },
    density: { object: density },
    eigenpairs: { object: eigenpairs },
    trace: { object: trace },
    numProducts: 'number',
    seed: 'number',
    provenance: { object: provenanceShape },
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
    provenance: { object: provenanceShape },
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
