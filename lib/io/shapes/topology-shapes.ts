import type { SurfaceBranch, SurfaceLoop, SurfaceTopology } from '../../results.js';
import { axisShape } from './landscape-shapes.js';
import { provenanceShape } from './provenance-shape.js';
import type { ShapeOf } from './shape.js';

const branch: ShapeOf<SurfaceBranch> = {
  x: 'number',
  y: 'number',
  loss: 'number',
  saddleX: 'number',
  saddleY: 'number',
  saddleLoss: 'number',
  persistence: 'number',
  parent: 'number',
  share: 'number',
  isAtEdge: 'boolean',
};

const loop: ShapeOf<SurfaceLoop> = {
  birth: 'number',
  x: 'number',
  y: 'number',
  death: 'number',
  maximumX: 'number',
  maximumY: 'number',
  persistence: 'number',
};

export const topologyShapes: { readonly 'surface-topology': ShapeOf<SurfaceTopology> } = {
  'surface-topology': {
    kind: { oneOf: ['surface-topology'] },
    formatVersion: { oneOf: [1] },
    branches: { objects: branch },
    loops: { objects: loop },
    minPersistence: 'number',
    numMinima: 'number',
    numLoops: 'number',
    smad: 'number',
    normalizedSmad: 'number',
    low: 'number',
    high: 'number',
    numPoints: 'number',
    numNotFinite: 'number',
    axes: { tuple: [axisShape, axisShape] },
    provenance: { nullable: provenanceShape },
  },
};
