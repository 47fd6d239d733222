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
 * The ratio of the medians of one round, in which both tools ran one after the other: its median, lowest and highest over
 * the rounds. `fastest`: the ratio of the fastest samples of all, which noise reaches least.
 *
 * @param {Rounds} a
 * @param {Rounds} b
 */
export function ratio(a, b) {
  const byRound = a.map((samples, round) => median(samples) / median(b[round] ?? []));
  return {
    ratio: median(byRound),
    low: Math.min(...byRound),
    high: Math.max(...byRound),
    fastest: Math.min(...a.flat()) / Math.min(...b.flat()),
  };
}
