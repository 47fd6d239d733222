/** How the weights of one solution are distributed. */
export interface WeightCounts {
  readonly label: string;
  /** Of each bin; the outermost hold what lies beyond. */
  readonly counts: Float64Array;
  readonly mean: number;
  readonly standardDeviation: number;
  /** ‖w‖₂ of the counted weights. */
  readonly norm: number;
  readonly min: number;
  readonly max: number;
}

/** Weights of solutions of one model in common bins (Li et al. 2018, arXiv 1712.09913, figure 2). */
export interface WeightHistogram {
  readonly kind: 'weight-histogram';
  readonly formatVersion: 1;
  /** Ends of the bins, ascending: one more than there are counts. */
  readonly edges: Float64Array;
  readonly solutions: readonly WeightCounts[];
  /** Names of the parameters that are counted. */
  readonly parameters: readonly string[];
  readonly numWeights: number;
  readonly model: string;
  /** SHA-256 of the model's file, hexadecimal. */
  readonly modelHash: string;
}
