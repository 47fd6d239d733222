/**
 * Results are plain frozen objects of typed arrays, scalars and strings. They hold raw values as computed;
 * capping, log scale and smoothing happen when they are drawn.
 */
export type * from './results/connection.js';
export type * from './results/estimate.js';
export type * from './results/evaluation.js';
export type * from './results/generalization.js';
export type * from './results/geometry.js';
export type * from './results/landscape.js';
export type * from './results/preset.js';
export type * from './results/provenance.js';
export type * from './results/spectrum.js';
export type * from './results/topology.js';
export type * from './results/track.js';
export type * from './results/training.js';
export type * from './results/weights.js';
