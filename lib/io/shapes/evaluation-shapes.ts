import type { ClassFigures, EvaluationRow, EvaluationTable } from '../../results.js';
import { provenanceShape } from './provenance-shape.js';
import type { ShapeOf } from './shape.js';

const classes: ShapeOf<ClassFigures> = {
  numClasses: 'number',
  confusion: 'float64',
  numSamples: 'float64',
  recall: 'float64',
  loss: 'float64',
  precision: 'float64',
};

export const evaluationRow: ShapeOf<EvaluationRow> = {
  checkpoint: 'string',
  checkpointHash: 'string',
  data: 'string',
  dataHash: 'string',
  numSamples: 'number',
  loss: 'number',
  accuracy: 'number|null',
  metrics: 'float64',
  classes: { nullable: classes },
  seconds: 'number',
  problem: 'string|null',
};

export const evaluationShapes: { readonly 'evaluation-table': ShapeOf<EvaluationTable> } = {
  'evaluation-table': {
    kind: { oneOf: ['evaluation-table'] },
    formatVersion: { oneOf: [1] },
    metrics: 'string[]',
    rows: { objects: evaluationRow },
    samplesPerSecond: 'number',
    provenance: { object: provenanceShape },
  },
};
