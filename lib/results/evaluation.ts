import type { Provenance } from './provenance.js';

/** What became of each class of a data set of class indices. */
export interface ClassFigures {
  readonly numClasses: number;
  /** How often label i was taken for class j, at [i·numClasses + j]. */
  readonly confusion: Float64Array;
  /** Of each label; NaN where the data has no such sample. */
  readonly numSamples: Float64Array;
  readonly recall: Float64Array;
  readonly loss: Float64Array;
  /** Of each predicted class; NaN where none was predicted. */
  readonly precision: Float64Array;
}

/** One checkpoint on one data set. */
export interface EvaluationRow {
  readonly checkpoint: string;
  /** SHA-256 of the file, or of parameters and buffers where a solution was given. */
  readonly checkpointHash: string;
  readonly data: string;
  readonly dataHash: string;
  readonly numSamples: number;
  /** NaN where there is a problem. */
  readonly loss: number;
  readonly accuracy: number | null;
  /** Named as in `EvaluationTable.metrics`, in its order. */
  readonly metrics: Float64Array;
  readonly classes: ClassFigures | null;
  /** Of the evaluation, reading of the weights apart. */
  readonly seconds: number;
  /** Why there are no figures: the checkpoint's error, as `code: message`; null where all is well. */
  readonly problem: string | null;
}

/** Checkpoints times data sets, in the order checkpoint by checkpoint. */
export interface EvaluationTable {
  readonly kind: 'evaluation-table';
  readonly formatVersion: 1;
  readonly metrics: readonly string[];
  readonly rows: readonly EvaluationRow[];
  /** Of the rows that were computed in this run, reading of the weights included; NaN where none was. */
  readonly samplesPerSecond: number;
  /** Of the first data set. */
  readonly provenance: Provenance;
}
