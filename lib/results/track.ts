import type { Estimate } from './estimate.js';
import type { Provenance } from './provenance.js';
import type { Criteria, HessianType } from './spectrum.js';

/** A data set that a training run was followed on. */
export interface TrackData {
  readonly name: string;
  readonly hash: string;
  /** Of loss and accuracy. */
  readonly numSamples: number;
  /** Of the Hessian, the same ones at every checkpoint; 0 where there is none. */
  readonly numCurvatureSamples: number;
}

/** An extreme eigenvalue. */
export interface TrackEigenvalue {
  readonly value: number;
  /** ‖Hv − λv‖ of its unit vector. */
  readonly residual: number;
  readonly converged: boolean;
}

/** Nodes and weights of stochastic Lanczos quadrature, as of a `SpectralDensity`; its criteria stand beside it. */
export interface TrackDensity {
  /** Number of parameters n. */
  readonly size: number;
  readonly steps: number;
  readonly nodes: readonly Float64Array[];
  readonly weights: readonly Float64Array[];
  readonly residualBounds: readonly Float64Array[];
}

/** What the probes of a checkpoint's Hessian say. */
export interface TrackSpectrum {
  /** Interval of 95 %. */
  readonly trace: Estimate;
  readonly criteria: Criteria;
  /** By `hessianType`. */
  readonly type: HessianType['type'];
  readonly typeReason: string;
  /** At the checkpoints of the snapshots; else null. */
  readonly density: TrackDensity | null;
}

/** The Hessian of one checkpoint on one data set. */
export interface TrackCurvature {
  readonly largest: TrackEigenvalue;
  readonly smallest: TrackEigenvalue;
  /** Null where the extremes alone were asked for. */
  readonly spectrum: TrackSpectrum | null;
  /** Products with the Hessian, all together. */
  readonly numProducts: number;
  /** Of them what the extremes took beyond the probes. */
  readonly searchProducts: number;
  /** What a search from random vectors took instead, where that was compared. */
  readonly coldProducts: number | null;
}

/** One checkpoint on one data set. */
export interface TrackRow {
  readonly data: string;
  /** Over the whole data set. */
  readonly loss: number;
  readonly accuracy: number | null;
  /** Null where none was asked for, and where the loss or a product with the Hessian is not finite. */
  readonly curvature: TrackCurvature | null;
}

export interface TrackCheckpoint {
  readonly label: string;
  /** What the file says of itself, or the caller; null where neither does. */
  readonly epoch: number | null;
  /** Along the axis of figures; NaN for a file without an epoch among others that have one. */
  readonly position: number;
  /** SHA-256 of the file, or of parameters and buffers of a solution; empty where it could not be read. */
  readonly hash: string;
  /** Why there are no figures, as `code: message`; null where all is well. */
  readonly problem: string | null;
  /** In the order of `datasets`; empty where there is a problem. */
  readonly rows: readonly TrackRow[];
}

/**
 * How changes from the first data set to another go together over the checkpoints. Gabdullin 2024 (arXiv 2412.10146,
 * section 4) reads KH05 as rising where accuracy falls; that is said where the spectrum is mainly positive on both data
 * sets, so that only such checkpoints count.
 */
export interface TrackReading {
  /** The other data set, and the first. */
  readonly data: string;
  readonly from: string;
  readonly numCheckpoints: number;
  /** Pearson's r between the changes of the criterion and of accuracy; NaN for fewer than three checkpoints, or no change. */
  readonly kh05: number;
  readonly re: number;
}

/** Loss, accuracy, extreme eigenvalues, trace and criteria of the checkpoints of a training run, in order. */
export interface Track {
  readonly kind: 'track';
  readonly formatVersion: 1;
  /** The first is what the model was trained on. */
  readonly datasets: readonly TrackData[];
  readonly checkpoints: readonly TrackCheckpoint[];
  /** What put the checkpoints in order: epochs in their files, their names, or the caller's list. */
  readonly order: 'epoch' | 'name' | 'given';
  /** What positions are: epochs, where all checkpoints have one, or places in the order, from 1. */
  readonly axis: 'epoch' | 'checkpoint';
  /** Epochs that come twice, files without one; losses and Hessians that are not finite; snapshots that no checkpoint is for. */
  readonly notes: readonly string[];
  readonly readings: readonly TrackReading[];
  /** Of probes, samples of the Hessian and dropout. */
  readonly seed: number;
  /** Of the first data set. */
  readonly provenance: Provenance;
}
