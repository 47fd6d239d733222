import type { Provenance, Recipe, SourceFile } from '../../results.js';
import type { ShapeOf } from './shape.js';

export const provenanceShape: ShapeOf<Provenance> = {
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
  plan: { addedLater: 'string|null' },
  mode: { oneOf: ['eval', 'train', 'recalibrate'] },
  dtype: { oneOf: ['float32', 'float64', 'bfloat16', 'float16'] },
  device: 'string',
  numThreads: 'number',
  versions: { object: { lossatlas: 'string', libtorch: 'string', node: 'string' } },
  startedAt: 'string',
  durationSeconds: 'number',
};

export const recipeShape: ShapeOf<Recipe> = {
  name: { oneOf: ['lossatlas', 'li2018', 'lla', 'loss-landscapes', 'pyhessian', 'unknown'] },
  notes: 'string[]',
};

export const sourceShape: ShapeOf<SourceFile> = {
  file: 'string',
  layout: { oneOf: ['tomgoldstein/loss-landscape'] },
  values: 'string',
  numMissing: 'number',
};
