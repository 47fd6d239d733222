import type { BasinVolume } from '../../results.js';
import { provenanceShape } from './provenance-shape.js';
import type { ShapeOf } from './shape.js';
import { estimateShape } from './spectrum-shapes.js';

/** The fields of results about basins and sharpness, in the order in which they are written. */
export const geometryShapes: { readonly 'basin-volume': ShapeOf<BasinVolume> } = {
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
};
