import type {
  AscentSharpness,
  AverageSharpness,
  BasinVolume,
  DecisionRegions,
  Sharpness,
  WeightHistogram,
} from '../../results.js';
import { provenanceShape } from './provenance-shape.js';
import type { ShapeOf } from './shape.js';
import { bracketedShape, estimateShape } from './spectrum-shapes.js';

const ascent: ShapeOf<AscentSharpness> = { rho: 'number', value: 'number' };
const average: ShapeOf<AverageSharpness> = { rho: 'number', ...estimateShape, samples: 'float64' };

/** The fields of results about basins and sharpness, in the order in which they are written. */
export const geometryShapes: {
  readonly 'basin-volume': ShapeOf<BasinVolume>;
  readonly sharpness: ShapeOf<Sharpness>;
  readonly 'decision-regions': ShapeOf<DecisionRegions>;
  readonly 'weight-histogram': ShapeOf<WeightHistogram>;
} = {
  'basin-volume': {
    kind: { oneOf: ['basin-volume'] },
    formatVersion: { oneOf: [1] },
    quantity: { oneOf: ['loss', 'accuracy'] },
    cutoff: 'number',
    modelLoss: 'number',
    modelAccuracy: 'number|null',
    dimension: 'number',
    logVolume: { object: estimateShape },
    confidence: 'number',
    medianRadius: 'number',
    effectiveSampleSize: 'number',
    numCensored: 'number',
    radii: 'float64',
    low: 'float64',
    high: 'float64',
    numEvaluations: 'float64',
    precision: 'number',
    maxRadius: 'number',
    normalization: { oneOf: ['filter', 'layer', 'model', 'weight', 'none'] },
    order: { oneOf: [1, 2] },
    ignored: { listOf: ['bias', 'norm'] },
    frozen: 'string[]',
    seed: 'number',
    firstRay: 'number',
    raysPerPass: 'number',
    provenance: { object: provenanceShape },
  },
  sharpness: {
    kind: { oneOf: ['sharpness'] },
    formatVersion: { oneOf: [1] },
    modelLoss: 'number',
    gradientNorm: 'number',
    keskar: {
      objects: {
        epsilon: 'number',
        subspaceSize: 'number|null',
        value: 'number',
        maxLoss: 'number',
        numIterations: 'number',
        numEvaluations: 'number',
        isStationary: 'boolean',
      },
    },
    sam: { object: ascent },
    asam: { object: ascent },
    average: { object: average },
    adaptiveAverage: { object: average },
    counts: {
      objects: {
        threshold: 'number',
        massAbove: { nullable: bracketedShape },
        massBelow: { nullable: bracketedShape },
        above: { nullable: bracketedShape },
        below: { nullable: bracketedShape },
        knownAbove: 'number|null',
        knownBelow: 'number|null',
      },
    },
    confidence: 'number',
    seed: 'number',
    provenance: { object: provenanceShape },
  },
  'weight-histogram': {
    kind: { oneOf: ['weight-histogram'] },
    formatVersion: { oneOf: [1] },
    edges: 'float64',
    solutions: {
      objects: {
        label: 'string',
        counts: 'float64',
        mean: 'number',
        standardDeviation: 'number',
        norm: 'number',
        min: 'number',
        max: 'number',
      },
    },
    parameters: 'string[]',
    numWeights: 'number',
    model: 'string',
    modelHash: 'string',
  },
  'decision-regions': {
    kind: { oneOf: ['decision-regions'] },
    formatVersion: { oneOf: [1] },
    x: 'float64',
    y: 'float64',
    labels: 'string[]',
    classNames: 'string[]',
    predicted: 'grid',
    confidence: 'grid',
    numNotFinite: 'number',
    samples: { object: { x: 'float64', y: 'float64', label: 'float64', predicted: 'float64' } },
    numSamples: 'number',
    numWrong: 'number',
    loss: 'number',
    accuracy: 'number',
    provenance: { object: provenanceShape },
  },
};
