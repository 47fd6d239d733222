import type {
  Track,
  TrackCheckpoint,
  TrackCurvature,
  TrackDensity,
  TrackEigenvalue,
  TrackRow,
  TrackSpectrum,
} from '../../results.js';
import { provenanceShape } from './provenance-shape.js';
import type { ShapeOf } from './shape.js';
import { criteriaShape, estimateShape } from './spectrum-shapes.js';

const density: ShapeOf<TrackDensity> = {
  size: 'number',
  steps: 'number',
  nodes: 'float64[]',
  weights: 'float64[]',
  residualBounds: 'float64[]',
};

const spectrum: ShapeOf<TrackSpectrum> = {
  trace: { object: estimateShape },
  criteria: { object: criteriaShape },
  type: { oneOf: ['mainly-positive', 'mainly-negative', 'near-singular', 'undecided'] },
  typeReason: 'string',
  density: { nullable: density },
};

const eigenvalue: ShapeOf<TrackEigenvalue> = { value: 'number', residual: 'number', converged: 'boolean' };

const curvature: ShapeOf<TrackCurvature> = {
  largest: { object: eigenvalue },
  smallest: { object: eigenvalue },
  spectrum: { nullable: spectrum },
  numProducts: 'number',
  searchProducts: 'number',
  coldProducts: 'number|null',
};

export const trackRow: ShapeOf<TrackRow> = {
  data: 'string',
  loss: 'number',
  accuracy: 'number|null',
  curvature: { nullable: curvature },
};

const checkpoint: ShapeOf<TrackCheckpoint> = {
  label: 'string',
  epoch: 'number|null',
  position: 'number',
  hash: 'string',
  problem: 'string|null',
  rows: { objects: trackRow },
};

export const trackShapes: { readonly track: ShapeOf<Track> } = {
  track: {
    kind: { oneOf: ['track'] },
    formatVersion: { oneOf: [1] },
    datasets: {
      objects: { name: 'string', hash: 'string', numSamples: 'number', numCurvatureSamples: 'number' },
    },
    checkpoints: { objects: checkpoint },
    order: { oneOf: ['epoch', 'name', 'given'] },
    axis: { oneOf: ['epoch', 'checkpoint'] },
    notes: 'string[]',
    readings: {
      objects: { data: 'string', from: 'string', numCheckpoints: 'number', kh05: 'number', re: 'number' },
    },
    seed: 'number',
    provenance: { object: provenanceShape },
  },
};
