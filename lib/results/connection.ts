import type { LossSurface, MarkedSolution } from './landscape.js';
import type { Provenance } from './provenance.js';
import type { TrainingOptimizer, TrainingSchedule } from './training.js';

/** What a path between two minima costs, in one quantity. */
export interface PathBarrier {
  /**
   * max over t of L(φ(t)) − ((1 − t)·L(w1) + t·L(w2)) (Frankle et al. 2020, arXiv 1912.05671; Entezari et al. 2022, arXiv
   * 2110.06296), and where it is reached. Of an accuracy what it falls below that line. At least 0; NaN where a value is.
   */
  readonly height: number;
  readonly t: number;
  /** The largest loss of the path minus that of the worse end; of an accuracy that of the worse end minus the lowest. */
  readonly aboveWorseEnd: number;
  /** The largest loss or the lowest accuracy, and where. */
  readonly worst: number;
  readonly worstAt: number;
}

/** One data set along a path; entry i belongs to `ModeConnection.t[i]`. */
export interface PathEvaluation {
  readonly data: string;
  readonly dataHash: string;
  readonly numSamples: number;
  readonly loss: Float64Array;
  /** Null where the criterion has none. */
  readonly accuracy: Float64Array | null;
  readonly barrier: PathBarrier;
  readonly accuracyBarrier: PathBarrier | null;
}

/** How the control points of a curve were found. */
export interface CurveTraining {
  /** Steps that were made. */
  readonly numSteps: number;
  /** The step (from 1) whose loss or gradient was not finite; null where all were. The curve is that of before. */
  readonly divergedAt: number | null;
  /** Mean over blocks of `blockSteps` steps of the loss of the batch at its random t, without the decay of weights. */
  readonly loss: Float64Array;
  readonly blockSteps: number;
}

/** Where a curve lies on the plane through both minima and its (middle) control point. */
export interface ConnectionPlane {
  /** Coordinates of φ(t), in parameter units: (0, 0) is w1, w2 lies on the first axis. */
  readonly x: Float64Array;
  readonly y: Float64Array;
  /** From the plane. A curve of one control point lies in it, to rounding; others are projected. */
  readonly distance: Float64Array;
  /** Both minima, and the projections of the control points. */
  readonly solutions: readonly MarkedSolution[];
  /** Where it was asked for. */
  readonly surface: LossSurface | null;
}

/** One path between two minima. */
export interface ConnectionPath {
  readonly kind: 'linear' | 'bezier' | 'chain';
  /** Control points between the ends. */
  readonly numBends: number;
  /** ∫‖φ′(t)‖dt */
  readonly length: number;
  /** The objective's data first, then those that were to be evaluated as well. */
  readonly evaluations: readonly PathEvaluation[];
  /** Null of the straight line. */
  readonly training: CurveTraining | null;
  /** Null of the straight line, and of a curve that does not leave it. */
  readonly plane: ConnectionPlane | null;
}

/** How curves were trained; the same for all. */
export interface ConnectionTraining {
  readonly optimizer: TrainingOptimizer;
  /** Its units are steps. */
  readonly schedule: TrainingSchedule;
  readonly steps: number;
  readonly batchSize: number;
}

/** Paths between two minima (Garipov et al. 2018, arXiv 1802.10026), the straight line first. */
export interface ModeConnection {
  readonly kind: 'mode-connection';
  readonly formatVersion: 1;
  /** w1, at t = 0. */
  readonly from: string;
  /** SHA-256 of parameters and buffers. */
  readonly fromHash: string;
  /** w2, at t = 1. */
  readonly to: string;
  readonly toHash: string;
  readonly t: Float64Array;
  /** ‖w2 − w1‖ */
  readonly distance: number;
  readonly paths: readonly ConnectionPath[];
  /** Null where the straight line is alone. */
  readonly training: ConnectionTraining | null;
  readonly seed: number;
  /** Its mode is that of the values along the paths. */
  readonly provenance: Provenance;
}
