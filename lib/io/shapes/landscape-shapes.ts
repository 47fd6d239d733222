import type {
  AxisDescription,
  CurvatureCheck,
  EigenvalueMap,
  EigenvalueSearch,
  Explosion,
  ExplosionTable,
  LandscapeAtlas,
  LandscapeValues,
  LossLine,
  LossSurface,
  MarkedSolution,
  PrecisionNote,
  SelfChecks,
  SurfaceSpread,
  Trajectory,
} from '../../results.js';
import { provenanceShape, recipeShape, sourceShape } from './provenance-shape.js';
import type { ShapeOf } from './shape.js';

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
      'unknown',
    ],
  },
  seed: 'number|null',
  eigenvalue: 'number|null',
  normalization: { oneOf: ['filter', 'layer', 'model', 'weight', 'none', 'unknown'] },
  order: { oneOf: [1, 2, null] },
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

const precision: ShapeOf<PrecisionNote> = {
  kind: { oneOf: ['bf16', 'tf32'] },
  lossError: 'number',
  numCompared: 'number',
};

const explosion: ShapeOf<Explosion> = {
  maxToCenterRatio: 'number',
  cap: 'number',
  shareAboveCap: 'number',
  verdict: { oneOf: ['none', 'grows', 'explodes'] },
  text: 'string',
};

export const solutionShape: ShapeOf<MarkedSolution> = { label: 'string', coordinates: 'float64' };

/** Fields of provenance of what may come from another program. */
const origin = {
  recipe: { object: recipeShape },
  provenance: { nullable: provenanceShape },
  source: { nullable: sourceShape },
} as const;

/** `values`: of a line a list, of a surface a grid. */
const valuesShape = <V extends 'float64' | 'grid'>(values: V) =>
  ({
    loss: values,
    accuracy: `${values}|null`,
    metrics: { recordOf: values },
    gradientNorm: `${values}|null`,
    modelLoss: 'number|null',
    modelAccuracy: 'number|null',
    solutions: { objects: solutionShape },
    explosion: { nullable: explosion },
    checks: { object: checks },
    precision: { addedLater: { nullable: precision } },
    ...origin,
  }) satisfies ShapeOf<LandscapeValues>;

const surface: ShapeOf<LossSurface> = {
  kind: { oneOf: ['loss-surface'] },
  formatVersion: { oneOf: [2] },
  update: { oneOf: ['add', 'adam'] },
  x: 'float64',
  y: 'float64',
  axes: { tuple: [axisShape, axisShape] },
  ...valuesShape('grid'),
};

const spread: ShapeOf<SurfaceSpread> = {
  mean: 'float64',
  standardDeviation: 'float64',
  min: 'float64',
  max: 'float64',
};

const search: ShapeOf<EigenvalueSearch> = {
  tolerance: 'number',
  seed: 'number',
  residuals: 'float64',
  numNotConverged: 'number',
  totalProducts: 'number',
  cold: { nullable: { cells: 'float64', numProducts: 'float64', share: 'number' } },
};

/** The fields of landscapes, in the order in which they are written. */
export const landscapeShapes: {
  readonly 'loss-line': ShapeOf<LossLine>;
  readonly 'loss-surface': ShapeOf<LossSurface>;
  readonly 'landscape-atlas': ShapeOf<LandscapeAtlas>;
  readonly 'eigenvalue-map': ShapeOf<EigenvalueMap>;
  readonly trajectory: ShapeOf<Trajectory>;
  readonly 'explosion-table': ShapeOf<ExplosionTable>;
} = {
  'loss-line': {
    kind: { oneOf: ['loss-line'] },
    formatVersion: { oneOf: [2] },
    coordinates: 'float64',
    axis: { object: axisShape },
    ...valuesShape('float64'),
  },
  'loss-surface': surface,
  'landscape-atlas': {
    kind: { oneOf: ['landscape-atlas'] },
    formatVersion: { oneOf: [2] },
    titles: 'string[]',
    surfaces: { objects: surface },
    spread: { nullable: spread },
  },
  'explosion-table': {
    kind: { oneOf: ['explosion-table'] },
    formatVersion: { oneOf: [1] },
    rows: {
      objects: {
        mode: { oneOf: ['eval', 'train', 'recalibrate'] },
        axes: { oneOf: ['random', 'hessian'] },
        normalization: { oneOf: ['weight', 'filter', 'layer', 'model'] },
        surface: { object: surface },
        axesConverged: 'boolean',
      },
    },
  },
  'eigenvalue-map': {
    kind: { oneOf: ['eigenvalue-map'] },
    formatVersion: { oneOf: [1] },
    x: 'float64',
    y: 'float64',
    axes: { tuple: [axisShape, axisShape] },
    smallest: 'grid',
    largest: 'grid',
    numProducts: 'grid|null',
    ...origin,
    search: { addedLater: { nullable: search } },
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
    provenance: { object: provenanceShape },
  },
};
