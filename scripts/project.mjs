// Where this package lies and what kind of copy it is.
import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { dirname, join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The package's root folder. */
export const root = dirname(dirname(fileURLToPath(import.meta.url)));

/**
 * @typedef {object} PackageJson
 * @property {string} name
 * @property {string} version
 * @property {{ node: string }} engines
 * @property {{ libtorch: { minimum: string, below: string, fetch: string } }} lossatlas
 */

/** @type {PackageJson} */
export const packageJson = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

/**
 * True in a working copy of the repository, where install may fetch and build unasked.
 *
 * npm prepares a `git` dependency in a temporary clone, which looks like ours but belongs to somebody's project:
 * it sets _PACOTE_NO_PREPARE_ there.
 *
 * @param {string} [folder]
 * @param {NodeJS.ProcessEnv} [env]
 */
export function isClone(folder = root, env = process.env) {
  if (env._PACOTE_NO_PREPARE_ !== undefined) return false;
  if (folder.split(sep).includes('node_modules')) return false;
  return ['lib', 'native', 'tsconfig.json'].every((name) => existsSync(join(folder, name)));
}

/** The command that fetches libtorch and builds the addon, as the reader of a message has to type it. */
export function setupCommand() {
  return isClone() ? 'node scripts/setup.mjs' : 'npx lossatlas setup';
}

/** The command that says what is missing. */
export function doctorCommand() {
  return isClone() ? 'npm run doctor' : 'npx lossatlas doctor';
}

/**
 * True for the module that node was started with.
 *
 * @param {string} url `import.meta.url`
 */
export function isMain(url) {
  const started = process.argv[1];
  return (
    started !== undefined && existsSync(started) && realpathSync(started) === realpathSync(fileURLToPath(url))
  );
}

/**
 * An environment switch is on unless it is unset, empty or 0.
 *
 * @param {string | undefined} value
 */
export function isOn(value) {
  return value !== undefined && value !== '' && value !== '0';
}
