// The user's Python: where its torch lies, and its pip.
import { spawnSync } from 'node:child_process';
import { SetupError } from '../console.mjs';

/**
 * The interpreters to try, in order. `PYTHON`, if set, is the only one.
 *
 * @param {NodeJS.ProcessEnv} [env]
 */
export function pythonCandidates(env = process.env) {
  return env.PYTHON ? [env.PYTHON] : ['python3', 'python'];
}

/**
 * @param {string} python
 * @param {readonly string[]} args
 * @param {NodeJS.ProcessEnv} env
 * @returns {string | null} what it printed, or null when it does not exist or failed
 */
function ask(python, args, env) {
  const result = spawnSync(python, args, { encoding: 'utf8', env, timeout: 60_000 });
  return result.status === 0 ? result.stdout.trim() : null;
}

// Without the current folder on the path: a folder named torch that happens to lie there is not the installed one.
// find_spec of a top-level name runs nothing of the package.
const findTorch = `
import sys
sys.path = [p for p in sys.path if p]
import importlib.util
spec = importlib.util.find_spec('torch')
print(spec.submodule_search_locations[0] if spec and spec.origin and spec.submodule_search_locations else '')
`;

/**
 * The folder of the torch package of the active Python, found without importing it.
 *
 * @param {NodeJS.ProcessEnv} [env]
 * @returns {{ folder: string | null, reasons: string[] }}
 */
export function findPythonTorch(env = process.env) {
  /** @type {string[]} */
  const reasons = [];
  for (const python of pythonCandidates(env)) {
    const folder = ask(python, ['-c', findTorch], env);
    if (folder) return { folder, reasons };
    reasons.push(folder === null ? `${python} does not run` : `${python} has no package torch`);
  }
  return { folder: null, reasons };
}

/**
 * @typedef {object} Pip
 * @property {string} python the interpreter to run `-m pip` with
 * @property {string} pythonVersion `3.11.7`
 * @property {string} version pip's own
 */

/**
 * @param {NodeJS.ProcessEnv} [env]
 * @returns {{ pip: Pip | null, python: string | null, pythonVersion: string | null }}
 */
export function findPip(env = process.env) {
  let python = null;
  let pythonVersion = null;
  for (const candidate of pythonCandidates(env)) {
    const answer = ask(candidate, ['-c', 'import platform; print(platform.python_version())'], env);
    if (answer === null) continue;
    python ??= candidate;
    pythonVersion ??= answer;
    const version = ask(candidate, ['-m', 'pip', '--version'], env)?.match(/^pip (\S+)/)?.[1];
    if (version) return { pip: { python: candidate, pythonVersion: answer, version }, python, pythonVersion };
  }
  return { pip: null, python, pythonVersion };
}

/** What to do without pip, or without a wheel from it. */
export const otherWays =
  'Or use a libtorch you have: LIBTORCH=<its folder>, or LIBTORCH_USE_PYTORCH=1 for the torch of the active Python.';

/**
 * @param {NodeJS.ProcessEnv} [env]
 * @returns {Pip}
 */
export function requirePip(env = process.env) {
  const { pip, python } = findPip(env);
  if (pip) return pip;
  if (python === null) {
    throw new SetupError(
      'ERR_NO_PYTHON',
      `libtorch is fetched by Python's pip, and ${pythonCandidates(env).join(' / ')} does not run. ` +
        `Install Python 3 with pip, or name one by PYTHON=<interpreter>. ${otherWays}`,
    );
  }
  throw new SetupError(
    'ERR_NO_PIP',
    `libtorch is fetched by pip, and ${python} has none. Install it (package python3-pip, or ${python} -m ensurepip). ${otherWays}`,
  );
}
