/** A point on a ray. */
export interface RayValue {
  /** Beyond the cutoff, or not finite. */
  readonly isOutside: boolean;
  /** The share of the way to the cutoff: 0 at the model, 1 at the cutoff. */
  readonly ratio: number;
}

export interface RaySearch {
  /** Where to look first. */
  readonly guess: number;
  /** Relative width of the bracket at the end. */
  readonly precision: number;
  readonly maxRadius: number;
}

/** Rays of a loss that jumps at random would never end. */
const maxEvaluations = 60;
/** Of a step towards the other side, in widths of the final bracket. */
const aim = 0.4;
const [maxGrowth, maxShrinkage] = [8, 64];

/**
 * The radius at which one ray leaves a basin: outwards from a guess until a point lies outside, then a bracket around the
 * crossing. Losses rise about as a power of the radius, so that the secant over logarithms finds the crossing of a
 * quadratic at once; the bracket is halved wherever that does not help.
 */
export class Ray {
  readonly #search: RaySearch;
  #low = 0;
  #lowRatio = 0;
  #high = Infinity;
  #highRatio = Infinity;
  #numEvaluations = 0;
  /** log ratio / log radius between the last two points; 2 of a minimum. */
  #power = 2;
  #last: { readonly t: number; readonly ratio: number } | undefined;
  /** Widths of the bracket before the last steps. */
  #widths: number[] = [];

  constructor(search: RaySearch) {
    this.#search = search;
  }

  /** The outermost point that is inside, and the innermost that is outside; Infinity where the ray never leaves. */
  get low(): number {
    return this.#low;
  }
  get high(): number {
    return this.#high;
  }
  get numEvaluations(): number {
    return this.#numEvaluations;
  }
  /** It is inside as far as anyone looked. */
  get isCensored(): boolean {
    return this.#high === Infinity;
  }
  get isDone(): boolean {
    const { precision, maxRadius } = this.#search;
    return (
      this.#low >= maxRadius ||
      this.#high <= this.#low * (1 + precision) ||
      this.#numEvaluations >= maxEvaluations
    );
  }

  /** The crossing, between `low` and `high`; where there is none, how far it was looked for. */
  get radius(): number {
    return this.isCensored ? this.#low : this.#crossing();
  }

  /** Where to look next. */
  next(): number {
    const { guess, precision, maxRadius } = this.#search;
    const margin = aim * precision;
    const [low, high] = [this.#low, this.#high];
    if (high === Infinity) {
      if (low === 0) return Math.min(guess, maxRadius);
      // Downhill nothing says how far it is: longer and longer steps.
      const ahead =
        this.#lowRatio > 0
          ? low * this.#lowRatio ** (-1 / this.#power) * (1 + margin)
          : low * 2 ** this.#numEvaluations;
      return Math.min(clamp(ahead, low * (1 + precision), maxGrowth * low), maxRadius);
    }
    if (low === 0) {
      const back = Number.isFinite(this.#highRatio)
        ? high * this.#highRatio ** (-1 / this.#power) * (1 - margin)
        : high / maxGrowth;
      return clamp(back, high / maxShrinkage, high * (1 - margin));
    }
    const middle = Math.sqrt(low * high);
    if (this.#isStalled()) return middle;
    const crossing = this.#crossing();
    // On the far side of the nearer end, so that the bracket closes from both.
    const t = crossing / low < high / crossing ? crossing * (1 + margin) : crossing * (1 - margin);
    return t > low && t < high ? t : middle;
  }

  /** What was found at `t`, the last of `next()`. */
  take(t: number, { isOutside, ratio }: RayValue): void {
    this.#numEvaluations++;
    const last = this.#last;
    if (ratio > 0 && Number.isFinite(ratio)) {
      const power = last === undefined ? NaN : Math.log(ratio / last.ratio) / Math.log(t / last.t);
      if (Number.isFinite(power)) this.#power = clamp(power, 0.5, 16);
      this.#last = { t, ratio };
    }
    if (isOutside) [this.#high, this.#highRatio] = [t, ratio];
    else [this.#low, this.#lowRatio] = [t, ratio];
    this.#widths = [...this.#widths.slice(-2), Math.log(this.#high / this.#low)];
  }

  /** Two steps did not halve the bracket. */
  #isStalled(): boolean {
    const [before, , now] = this.#widths;
    return now !== undefined && Number.isFinite(before!) && now > before! / 2;
  }

  #crossing(): number {
    const [low, high] = [this.#low, this.#high];
    const [below, above] = [this.#lowRatio, this.#highRatio];
    if (!(above > 1 && Number.isFinite(above) && below <= 1)) return Math.sqrt(low * high);
    if (below > 0 && low > 0) {
      const share = -Math.log(below) / (Math.log(above) - Math.log(below));
      return low * (high / low) ** share;
    }
    // Downhill from `low` on, the way up begins nobody knows where.
    if (high > 1.2 * low && low > 0) return Math.sqrt(low * high);
    return low + ((1 - below) / (above - below)) * (high - low);
  }
}

function clamp(value: number, low: number, high: number): number {
  return Math.max(low, Math.min(high, value));
}
