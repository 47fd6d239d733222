// The Python of the peers: named by LOSSATLAS_BENCH_PYTHON, or an environment of our own under bench/.cache/venv.
import { spawnSync } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { SetupError, say } from '../scripts/console.mjs';
import { requirePip } from '../scripts/libtorch/python.mjs';
import { runCommand } from '../scripts/run-command.mjs';
import { cacheFolder } from './cache.mjs';

const venv = join(cacheFolder, 'venv');
const venvPython = join(venv, 'bin', 'python');

/** What to do about a Python that is missing or does not fit. */
export const howToGetPython =
  'npm run bench -- --setup-python makes one in bench/.cache/venv (about 4.7 GB), or name yours: ' +
  'LOSSATLAS_BENCH_PYTHON=<interpreter with torch, numpy, torchvision, pyhessian, curvlinops-for-pytorch and loss-landscapes>';

/**
 * The number of a version without its build: 2.13.0 of 2.13.0+cu130.
 *
 * @param {string} version
 */
export function release(version) {
  return version.split('+')[0] ?? version;
}

/** What --setup-python installs besides torch; torchvision's version follows from torch's. */
const peers = {
  pyhessian: '0.1',
  'curvlinops-for-pytorch': '3.0.1',
  'loss-landscapes': '3.0.6',
};

const asked = ['torch', 'numpy', 'torchvision', ...Object.keys(peers)];

const ask = `
import importlib.metadata, json
def version(name):
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None
print(json.dumps({name: version(name) for name in ${JSON.stringify(asked)}}))
`;

/**
 * @typedef {object} BenchPython
 * @property {string} python the interpreter
 * @property {string | null} noTorch why plain PyTorch cannot run there; null where it can
 * @property {string | null} noPyHessian
 * @property {string | null} noCurvlinops
 * @property {string | null} noLossLandscapes
 * @property {string | null} noTorchvision
 */

/**
 * @param {string} libtorchVersion
 * @param {NodeJS.ProcessEnv} [env]
 * @returns {BenchPython}
 */
export function findBenchPython(libtorchVersion, env = process.env) {
  const named = Boolean(env.LOSSATLAS_BENCH_PYTHON);
  const python = env.LOSSATLAS_BENCH_PYTHON || venvPython;
  // Without its path: the words may end up in a published table.
  const name = named ? "LOSSATLAS_BENCH_PYTHON's interpreter" : 'bench/.cache/venv';
  const answer = spawnSync(python, ['-c', ask], { encoding: 'utf8', timeout: 60_000 });
  if (answer.status !== 0) {
    const why = named ? `${name} does not run` : 'there is no Python for the peers';
    return {
      python,
      noTorch: why,
      noPyHessian: why,
      noCurvlinops: why,
      noLossLandscapes: why,
      noTorchvision: why,
    };
  }
  /** @type {Record<string, string | null>} */
  const versions = JSON.parse(answer.stdout);
  const { torch, numpy } = versions;
  const wanted = release(libtorchVersion);
  let noTorch = null;
  if (!torch || !numpy) noTorch = `${name} lacks ${torch ? 'numpy' : 'torch'}`;
  else if (release(torch) !== wanted) {
    noTorch = `${name} has torch ${torch}, our addon libtorch ${wanted}: a comparison needs one and the same`;
  }
  const lacking = (/** @type {string} */ peer) =>
    noTorch ?? (versions[peer] ? null : `${name} lacks ${peer}`);
  return {
    python,
    noTorch,
    noPyHessian: lacking('pyhessian'),
    noCurvlinops: lacking('curvlinops-for-pytorch'),
    noLossLandscapes: lacking('loss-landscapes'),
    noTorchvision: lacking('torchvision'),
  };
}

/**
 * Makes bench/.cache/venv anew, with the torch of our libtorch's version and the peers from one pip command: one of them would pull a newer torch.
 *
 * @param {string} libtorchVersion
 * @param {AbortSignal} signal
 */
export async function setupBenchPython(libtorchVersion, signal) {
  const pinned = Object.entries(peers).map(([name, version]) => `${name}==${version}`);
  const packages = [`torch==${release(libtorchVersion)}`, 'numpy', 'torchvision', ...pinned];
  say(`bench: making bench/.cache/venv with ${packages.join(' ')}: about 4.7 GB, a minute or more`);
  rmSync(venv, { recursive: true, force: true });
  /** @type {readonly (readonly [string, readonly string[]])[]} */
  const commands = [
    [requirePip().python, ['-m', 'venv', venv]],
    [venvPython, ['-m', 'pip', 'install', '--disable-pip-version-check', ...packages]],
  ];
  for (const [command, args] of commands) {
    const { code } = await runCommand(command, args, { output: 'stderr', signal });
    if (code === 0) continue;
    throw new SetupError('ERR_BENCH_PYTHON', `${command} ${args.join(' ')} ended with code ${code}.`);
  }
  if (!existsSync(venvPython)) throw new SetupError('ERR_BENCH_PYTHON', `there is no ${venvPython}.`);
}
