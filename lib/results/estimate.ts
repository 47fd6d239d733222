/** A value with its two-sided confidence interval (95 % unless the result says otherwise). */
export interface Estimate {
  readonly value: number;
  readonly low: number;
  readonly high: number;
  readonly standardError: number;
}

/** An estimate, and what its Lanczos steps certify of it. */
export interface BracketedEstimate extends Estimate {
  /**
   * Where the value lies for these very probes, whatever the spectrum between the Ritz values (Chebyshev, Markov and
   * Stieltjes; the spectrum is taken to end at the outermost Ritz values and their residual bounds). More steps narrow
   * it, more probes do not.
   */
  readonly bracket: { readonly low: number; readonly high: number };
  /** False where the bracket is wider than the interval, and than 1 % of the value: the steps do not determine it. */
  readonly determined: boolean;
}
