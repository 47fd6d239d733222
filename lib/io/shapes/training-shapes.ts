import type { TrainingEvaluation, TrainingOptimizer, TrainingRun, TrainingSchedule } from '../../results.js';
import { provenanceShape } from './provenance-shape.js';
import type { ShapeOf } from './shape.js';

const evaluation: ShapeOf<TrainingEvaluation> = {
  data: 'string',
  dataHash: 'string',
  numSamples: 'number',
  loss: 'float64',
  accuracy: 'float64|null',
};

export const optimizerShape: ShapeOf<TrainingOptimizer> = {
  name: { oneOf: ['sgd', 'adam', 'adamw'] },
  lr: 'number',
  weightDecay: 'number',
  momentum: 'number|null',
  dampening: 'number|null',
  nesterov: 'boolean',
  beta1: 'number|null',
  beta2: 'number|null',
  eps: 'number|null',
  amsgrad: 'boolean',
};

export const scheduleShape: ShapeOf<TrainingSchedule> = {
  name: { oneOf: ['constant', 'step', 'cosine'] },
  stepSize: 'number|null',
  gamma: 'number|null',
  epochs: 'number|null',
  minimum: 'number|null',
};

export const trainingShapes: { readonly 'training-run': ShapeOf<TrainingRun> } = {
  'training-run': {
    kind: { oneOf: ['training-run'] },
    formatVersion: { oneOf: [1] },
    optimizer: { object: optimizerShape },
    schedule: { object: scheduleShape },
    batchSize: 'number',
    clipNorm: 'number|null',
    seed: 'number',
    shuffle: 'boolean',
    dropLast: 'boolean',
    frozen: 'string[]',
    poison: {
      nullable: {
        data: 'string',
        dataHash: 'string',
        numSamples: 'number',
        batchSize: 'number',
        weight: 'number',
      },
    },
    learningRate: 'float64',
    loss: 'float64',
    accuracy: 'float64|null',
    poisonLoss: 'float64|null',
    gradientNorm: 'float64',
    seconds: 'float64',
    evaluations: { objects: evaluation },
    numSteps: 'number',
    divergedAt: 'number|null',
    checkpoints: 'string[]',
    provenance: { object: provenanceShape },
  },
};
