import type { Estimate } from './estimate.js';
import type { Mode, Provenance } from './provenance.js';
import type { Criteria } from './spectrum.js';

/** Later minus earlier, at equal settings; intervals by Welch's t. */
export interface CriteriaDifference {
  readonly re: Estimate;
  readonly kh05: Estimate;
  readonly kh1: Estimate;
}

/** What changes from one data set to another, same model and mode. */
export interface CriteriaChange extends CriteriaDifference {
  /** Name of the data set that it is a change from. */
  readonly from: string;
  readonly loss: number;
  readonly accuracy: number | null;
  /**
   * Gabdullin 2024, section 4: KH05 rises when accuracy falls. `undecided` where the interval of the change of KH05 holds
   * 0, or accuracy stays; `not-read` where either spectrum is not mainly positive (see `hessianType`), as that of the
   * paper's exception, a pre-trained ViT.
   */
  readonly paperReading: 'agrees' | 'disagrees' | 'undecided' | 'not-read';
}

/** One model on one data set in one mode. */
export interface CriteriaRow {
  readonly model: string;
  readonly data: string;
  readonly mode: Mode;
  /** SHA-256 of parameters and buffers where a solution was given; null for the model's own. */
  readonly pointHash: string | null;
  /** Over the whole data set. */
  readonly loss: number;
  readonly accuracy: number | null;
  /** Averages over random batches. */
  readonly criteria: Criteria;
  /** Against the first data set; null for that one. */
  readonly change: CriteriaChange | null;
  readonly numProducts: number;
  readonly provenance: Provenance;
}

/** Criteria of models on data sets at equal settings, in the order models, modes, data sets. */
export interface CriteriaComparison {
  readonly kind: 'criteria-comparison';
  readonly formatVersion: 1;
  readonly batchSize: number;
  readonly seed: number;
  readonly rows: readonly CriteriaRow[];
}
