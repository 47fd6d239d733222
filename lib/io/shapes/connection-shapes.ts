import type {
  ConnectionPath,
  ConnectionPlane,
  CurveTraining,
  ModeConnection,
  PathBarrier,
  PathEvaluation,
} from '../../results.js';
import { landscapeShapes, solutionShape } from './landscape-shapes.js';
import { provenanceShape } from './provenance-shape.js';
import type { ShapeOf } from './shape.js';
import { optimizerShape, scheduleShape } from './training-shapes.js';

const barrier: ShapeOf<PathBarrier> = {
  height: 'number',
  t: 'number',
  aboveWorseEnd: 'number',
  worst: 'number',
  worstAt: 'number',
};

const evaluation: ShapeOf<PathEvaluation> = {
  data: 'string',
  dataHash: 'string',
  numSamples: 'number',
  loss: 'float64',
  accuracy: 'float64|null',
  barrier: { object: barrier },
  accuracyBarrier: { nullable: barrier },
};

const training: ShapeOf<CurveTraining> = {
  numSteps: 'number',
  divergedAt: 'number|null',
  loss: 'float64',
  blockSteps: 'number',
};

const plane: ShapeOf<ConnectionPlane> = {
  x: 'float64',
  y: 'float64',
  distance: 'float64',
  solutions: { objects: solutionShape },
  surface: { nullable: landscapeShapes['loss-surface'] },
};

const path: ShapeOf<ConnectionPath> = {
  kind: { oneOf: ['linear', 'bezier', 'chain'] },
  numBends: 'number',
  length: 'number',
  evaluations: { objects: evaluation },
  training: { nullable: training },
  plane: { nullable: plane },
};

export const connectionShapes: { readonly 'mode-connection': ShapeOf<ModeConnection> } = {
  'mode-connection': {
    kind: { oneOf: ['mode-connection'] },
    formatVersion: { oneOf: [1] },
    from: 'string',
    fromHash: 'string',
    to: 'string',
    toHash: 'string',
    t: 'float64',
    distance: 'number',
    paths: { objects: path },
    training: {
      nullable: {
        optimizer: { object: optimizerShape },
        schedule: { object: scheduleShape },
        steps: 'number',
        batchSize: 'number',
      },
    },
    seed: 'number',
    provenance: { object: provenanceShape },
  },
};
