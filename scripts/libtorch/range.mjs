// The supported libtorch versions: stated once, in package.json's field "lossatlas".
import { isOn, packageJson } from '../project.mjs';

/** The variable that switches the check off. */
export const bypassVariable = 'LOSSATLAS_ANY_LIBTORCH';

/**
 * @typedef {object} Range
 * @property {string} minimum the oldest supported version
 * @property {string} below the first version beyond the tested ones
 */

/** @type {Range & { fetch: string }} */
export const supported = packageJson.lossatlas.libtorch;

/**
 * `2.13.0+cu130` and `2.13.0a0` count as 2.13.0: what follows the numbers says how it was built, not what it can do.
 *
 * @param {string} version
 * @returns {number[]}
 */
function numbers(version) {
  const match = /^\s*(\d+(?:\.\d+)*)/.exec(version);
  if (!match?.[1]) throw new TypeError(`"${version}" is not a version`);
  return match[1].split('.').map(Number);
}

/**
 * Compares by number, part by part; missing parts are zero.
 *
 * @param {string} left
 * @param {string} right
 * @returns {number} negative, zero or positive
 */
export function compareVersions(left, right) {
  const a = numbers(left);
  const b = numbers(right);
  for (let i = 0; i < Math.max(a.length, b.length); i++) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/**
 * @param {string} version
 * @param {Range} [range]
 */
export function isSupported(version, range = supported) {
  return compareVersions(version, range.minimum) >= 0 && compareVersions(version, range.below) < 0;
}

/** @param {NodeJS.ProcessEnv} [env] */
export function isBypassed(env = process.env) {
  return isOn(env[bypassVariable]);
}

/**
 * @param {string} version
 * @param {Range} [range]
 */
export function rangeProblem(version, range = supported) {
  return (
    `libtorch ${version} is outside the supported range: at least ${range.minimum}, below ${range.below}. ` +
    `Use another libtorch, or set ${bypassVariable}=1 to try this one all the same.`
  );
}
