import type {
  AxisDescription,
  CurvatureCheck,
  Explosion,
  LandscapeAtlas,
  LandscapeValues,
  LossLine,
  LossSurface,
  MarkedSolution,
  SelfChecks,
  SurfaceSpread,
  Trajectory,
} from '../../results.js';
import { provenanceShape, recipeShape } from './provenance-shape.js';
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
  recipe: { object: recipeShape },
  provenance: { object: provenanceShape },
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

/** The fields of landscapes, in the order in which they are written. */
export const landscapeShapes: {
  readonly 'loss-line': ShapeOf<LossLine>;
  readonly 'loss-surface': ShapeOf<LossSurface>;
  readonly 'landscape-atlas': ShapeOf<LandscapeAtlas>;
  readonly trajectory: ShapeOf<Trajectory>;
} = {
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
    provenance: { object: provenanceShape },
  },
};
