import type { Provenance } from './provenance.js';

/** An optimizer with every option that PyTorch has for it; those of another kind are null. */
export interface TrainingOptimizer {
  readonly name: 'sgd' | 'adam' | 'adamw';
  readonly lr: number;
  readonly weightDecay: number;
  readonly momentum: number | null;
  readonly dampening: number | null;
  readonly nesterov: boolean;
  readonly beta1: number | null;
  readonly beta2: number | null;
  readonly eps: number | null;
  readonly amsgrad: boolean;
}

/** How the learning rate of an epoch follows from the optimizer's. */
export interface TrainingSchedule {
  readonly name: 'constant' | 'step' | 'cosine';
  readonly stepSize: number | null;
  readonly gamma: number | null;
  readonly epochs: number | null;
  readonly minimum: number | null;
}

/** Labels that were to be avoided (Huang et al. 2019, arXiv 1906.03291). */
export interface TrainingPoison {
  readonly data: string;
  readonly dataHash: string;
  readonly numSamples: number;
  readonly batchSize: number;
  /** β */
  readonly weight: number;
}

/** A data set at the end of each epoch, in eval mode. */
export interface TrainingEvaluation {
  readonly data: string;
  readonly dataHash: string;
  readonly numSamples: number;
  readonly loss: Float64Array;
  /** Null where the criterion has no accuracy. */
  readonly accuracy: Float64Array | null;
}

/** What training did, epoch by epoch; entry i belongs to epoch i + 1. An epoch in which it diverged is not there. */
export interface TrainingRun {
  readonly kind: 'training-run';
  readonly formatVersion: 1;
  readonly optimizer: TrainingOptimizer;
  readonly schedule: TrainingSchedule;
  readonly batchSize: number;
  /** Largest norm of a gradient; null: they were not clipped. */
  readonly clipNorm: number | null;
  readonly seed: number;
  readonly shuffle: boolean;
  readonly dropLast: boolean;
  /** Names of the parameters that stayed as they were. */
  readonly frozen: readonly string[];
  readonly poison: TrainingPoison | null;
  readonly learningRate: Float64Array;
  /** Of the training samples as they came, each before its step, in train mode. */
  readonly loss: Float64Array;
  readonly accuracy: Float64Array | null;
  /** Mean of −log(1 − p) of the labels to avoid; null where there were none. */
  readonly poisonLoss: Float64Array | null;
  /** Mean over the steps of ‖∇‖₂, before clipping. */
  readonly gradientNorm: Float64Array;
  readonly seconds: Float64Array;
  readonly evaluations: readonly TrainingEvaluation[];
  /** Steps of these epochs. */
  readonly numSteps: number;
  /** The step (from 1) whose loss or gradient was not finite; null where all were. */
  readonly divergedAt: number | null;
  /** Files of weights and optimizer, oldest first; the last is the last good one. */
  readonly checkpoints: readonly string[];
  readonly provenance: Provenance;
}
