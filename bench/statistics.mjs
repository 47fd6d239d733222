// Medians and ratios of samples that were taken in rounds.

/**
 * @typedef {readonly (readonly number[])[]} Rounds samples by round
 */

/**
 * @param {readonly number[]} values
 */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  return ((sorted[Math.ceil(middle) - 1] ?? NaN) + (sorted[Math.floor(middle)] ?? NaN)) / 2;
}

/**
 * @param {Rounds} rounds
 */
export function summarize(rounds) {
  const all = rounds.flat();
  return { median: median(all), min: Math.min(...all), max: Math.max(...all) };
}

/**
 * The ratio of the medians, with the lowest and the highest ratio of one round: within a round both tools ran one after
 * the other.
 *
 * @param {Rounds} a
 * @param {Rounds} b
 */
export function ratio(a, b) {
  const byRound = a.map((samples, round) => median(samples) / median(b[round] ?? []));
  return {
    ratio: median(a.flat()) / median(b.flat()),
    low: Math.min(...byRound),
    high: Math.max(...byRound),
  };
}
