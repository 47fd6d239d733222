// The same work with and without a part of lossatlas, in turn in one process.
import { SetupError } from '../scripts/console.mjs';
import { ratio, summarize } from './statistics.mjs';

/**
 * Times of `run` per unit, as it is and with `variable` set to `libtorch` in the environment; the first round warms up.
 * Throws where the values that it returns differ by more than `tolerance` (relative).
 *
 * @param {{ variable: string, rounds: number, units: number, tolerance?: number }} options
 * @param {() => Promise<Float64Array>} run
 */
export async function alternate({ variable, rounds, units, tolerance = 0 }, run) {
  /** @type {[number[], number[]]} */
  const times = [[], []];
  /** @type {[Float64Array, Float64Array]} */
  const values = [new Float64Array(), new Float64Array()];
  for (let round = 0; round <= rounds; round++) {
    /** @type {readonly (0 | 1)[]} */
    const order = round % 2 === 0 ? [0, 1] : [1, 0];
    for (const i of order) {
      if (i === 1) process.env[variable] = 'libtorch';
      else delete process.env[variable];
      const begin = performance.now();
      values[i] = await run();
      if (round > 0) times[i].push((performance.now() - begin) / units);
    }
  }
  delete process.env[variable];
  const isEqual = values[0].every((value, p) => {
    const other = values[1][p] ?? NaN;
    return value === other || Math.abs(value - other) <= tolerance * Math.abs(other);
  });
  if (!isEqual || values[0].length !== values[1].length)
    throw new SetupError('ERR_BENCH', `${variable}: the values differ`);
  const [ours, other] = [summarize([times[0]]), summarize([times[1]])];
  const relative = ratio(
    times[1].map((t) => [t]),
    times[0].map((t) => [t]),
  );
  return { ours, other, ...relative };
}

/**
 * A row of a table.
 *
 * @param {string} title
 * @param {Awaited<ReturnType<typeof alternate>>} result
 * @param {number} [digits]
 */
export function rowOf(title, { ours, other, ratio: middle, low, high }, digits = 1) {
  const milliseconds = `${ours.median.toFixed(digits)} (${ours.min.toFixed(digits)}–${ours.max.toFixed(digits)})`;
  const relative = `${middle.toFixed(2)} (${low.toFixed(2)}–${high.toFixed(2)}) ×`;
  return `| ${title} | ${milliseconds} | ${other.median.toFixed(digits)} | ${relative} |`;
}
