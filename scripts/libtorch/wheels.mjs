// The wheels that make up a libtorch: which they are, and how they come.
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SetupError, formatBytes, say } from '../console.mjs';
import { runCommand } from '../run-command.mjs';
import { folderSize, startProgress } from './progress.mjs';
import { otherWays } from './python.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const wheelScript = join(here, 'wheel.py');
const downloadScript = join(here, 'download.py');
// download.py's word for "take plain pip".
const unsupported = 3;

/**
 * @typedef {object} Requirement
 * @property {string} name
 * @property {string} specifier `==13.0.96.*`
 * @property {string[]} extras
 *
 * @typedef {object} Job
 * @property {import('./python.mjs').Pip} pip
 * @property {import('./gpu.mjs').Variant} variant
 * @property {string} partial the folder of the unfinished fetch
 * @property {NodeJS.ProcessEnv} env
 * @property {AbortSignal} signal
 */

// libtorch_cpu of a CUDA build asks for these two even where it never meets a GPU.
const neededEverywhere = /^nvidia-cuda-(runtime|cupti)(-cu\d+)?$/;
// Of a CUDA build's dependencies the libraries; cuda-toolkit holds nothing but their versions. The rest serves Python.
const neededByCuda = /^nvidia-/;
const lists = /^cuda-toolkit$/;

/**
 * @param {string} name
 * @param {import('./gpu.mjs').Variant} variant
 */
export function isNeeded(name, variant) {
  return lists.test(name) || (variant === 'gpu' ? neededByCuda : neededEverywhere).test(name);
}

/**
 * Downloads torch, then whatever its own metadata pins: no version but torch's is written down here.
 * Whatever came stays, so that an interrupted fetch continues where it stopped.
 *
 * @param {string} version of torch
 * @param {Job} job
 * @returns {Promise<string[]>} the wheel files
 */
export async function downloadWheels(version, job) {
  /** @type {Requirement[]} */
  const queue = [{ name: 'torch', specifier: `==${version}`, extras: [] }];
  /** @type {Map<string, string>} */
  const wheels = new Map();
  for (const requirement of queue) {
    if (wheels.has(requirement.name)) continue;
    const wheel = await downloadWheel(requirement, job);
    wheels.set(requirement.name, wheel);
    queue.push(
      ...(await requirementsOf(wheel, requirement.extras, job)).filter(({ name }) =>
        isNeeded(name, job.variant),
      ),
    );
  }
  return [...wheels.values()];
}

/**
 * @param {string} folder
 * @returns {string | undefined}
 */
function wheelIn(folder) {
  if (!existsSync(folder)) return undefined;
  const file = readdirSync(folder).find((name) => name.endsWith('.whl'));
  return file && join(folder, file);
}

/**
 * @param {Requirement} requirement
 * @param {Job} job
 * @returns {Promise<string>}
 */
async function downloadWheel(requirement, job) {
  const { name } = requirement;
  const folder = join(job.partial, 'wheels', name);
  const present = wheelIn(folder);
  if (present) {
    say(`  ${name}: already here`);
    return present;
  }
  mkdirSync(folder, { recursive: true });
  const started = Date.now();
  if (!(await downloadResumably(requirement, folder, job))) await downloadByPip(requirement, folder, job);
  const wheel = wheelIn(folder);
  if (!wheel) throw new Error(`${folder} holds no wheel`);
  say(`  ${name}: ${formatBytes(statSync(wheel).size)} in ${Math.ceil((Date.now() - started) / 1000)} s`);
  return wheel;
}

/**
 * By download.py, which continues a file that was cut off.
 *
 * @param {Requirement} requirement
 * @param {string} folder
 * @param {Job} job
 * @returns {Promise<boolean>} false when this pip or this index does not allow it
 */
async function downloadResumably({ name, specifier }, folder, { pip, env, signal }) {
  const progress = startProgress(name, () => folderSize(folder));
  try {
    const result = await runCommand(pip.python, [downloadScript, folder, name, specifier], {
      env,
      signal,
      output: 'capture',
      onOutput: (text) => {
        progress.expect(Number(/^size (\d+)/m.exec(text)?.[1] ?? 0));
      },
    });
    if (result.code === unsupported) return false;
    if (result.code !== 0) throw pipError(`${name}${specifier}`, result.stdout + result.stderr, pip);
    return true;
  } finally {
    progress.stop();
  }
}

/**
 * By `pip download`, which begins again after an interruption.
 *
 * @param {Requirement} requirement
 * @param {string} folder
 * @param {Job} job
 */
async function downloadByPip({ name, specifier }, folder, { pip, partial, env, signal }) {
  const incoming = join(partial, 'incoming');
  const temporary = join(partial, 'tmp');
  for (const scratch of [incoming, temporary]) {
    rmSync(scratch, { recursive: true, force: true });
    mkdirSync(scratch, { recursive: true });
  }
  const progress = startProgress(name, () => folderSize(temporary));
  try {
    const result = await runCommand(
      pip.python,
      [
        ...['-m', 'pip', 'download', '--no-deps', '--only-binary=:all:', '--progress-bar=off', '--no-input'],
        // pip's own cache would keep a second copy of gigabytes that nobody asks for again.
        ...['--disable-pip-version-check', '--no-cache-dir', '--dest', incoming, `${name}${specifier}`],
      ],
      {
        // pip downloads into the temporary folder: on the same disk, and ours to watch and to clear.
        env: { ...env, TMPDIR: temporary, PYTHONUNBUFFERED: '1', LC_ALL: 'C.UTF-8' },
        signal,
        output: 'capture',
        onOutput: (text) => {
          progress.expect(announcedSize(text));
        },
      },
    );
    if (result.code !== 0 || !wheelIn(incoming)) {
      throw pipError(`${name}${specifier}`, result.stdout + result.stderr, pip);
    }
    rmSync(folder, { recursive: true, force: true });
    renameSync(incoming, folder);
  } finally {
    progress.stop();
    rmSync(temporary, { recursive: true, force: true });
    rmSync(incoming, { recursive: true, force: true });
  }
}

const units = { bytes: 1, kB: 1e3, MB: 1e6, GB: 1e9 };

/**
 * The size in pip's line "Downloading torch-….whl (526.7 MB)"; 0 where it says none.
 *
 * @param {string} text
 */
function announcedSize(text) {
  const match = /\(([\d.]+) (bytes|kB|MB|GB)\)/.exec(text);
  return match ? Number(match[1]) * units[/** @type {keyof typeof units} */ (match[2])] : 0;
}

/**
 * Says what to do about a failed `pip download`.
 *
 * @param {string} requirement
 * @param {string} output
 * @param {import('./python.mjs').Pip} pip
 */
export function pipError(requirement, output, pip) {
  const words = output.trim().split('\n').slice(-4).join('\n  ');
  if (/No space left on device|Errno 28\b/.test(output)) {
    return new SetupError(
      'ERR_NO_SPACE',
      `The disk is full. What came so far is kept: make room, then run the same command again.`,
    );
  }
  // Before the missing wheel: pip ends a failed connection with "no matching distribution" too.
  const network =
    /ConnectionError|NewConnection|Max retries|timed? ?out|Name or service|name resolution|ProxyError|SSLError|Connection (?:reset|refused|broken)|IncompleteRead/i;
  if (network.test(output)) {
    return new SetupError(
      'ERR_NETWORK',
      `pip could not reach its package index for ${requirement}. Check the network (or pip's proxy and index settings: pip config list), ` +
        `then run the same command again: what came so far is kept. ${otherWays}\n  ${words}`,
    );
  }
  if (/No matching distribution|Could not find a version/.test(output)) {
    return new SetupError(
      'ERR_NO_WHEEL',
      `pip finds no ${requirement} for Python ${pip.pythonVersion} (pip ${pip.version}) on ${process.platform} ${process.arch}. ` +
        `Try a newer pip, or another Python by PYTHON=<interpreter>. ${otherWays}\n  ${words}`,
    );
  }
  return new SetupError('ERR_PIP', `pip download ${requirement} failed. ${otherWays}\n  ${words}`);
}

/**
 * @param {string} wheel
 * @param {readonly string[]} extras
 * @param {Job} job
 * @returns {Promise<Requirement[]>}
 */
async function requirementsOf(wheel, extras, { pip, signal }) {
  const result = await runCommand(pip.python, [wheelScript, 'requires', wheel, ...extras], {
    signal,
    output: 'capture',
  });
  if (result.code !== 0) throw brokenWheel(wheel, result.stderr);
  return JSON.parse(result.stdout);
}

/**
 * Unpacks the headers and libraries of the wheels into a folder.
 *
 * @param {readonly string[]} wheels
 * @param {string} target
 * @param {Job} job
 */
export async function unpackWheels(wheels, target, { pip, variant, signal }) {
  rmSync(target, { recursive: true, force: true });
  mkdirSync(target, { recursive: true });
  const progress = startProgress('unpacking', () => folderSize(target));
  try {
    const result = await runCommand(pip.python, [wheelScript, 'unpack', target, variant, ...wheels], {
      signal,
      output: 'capture',
      onOutput: (text) => {
        progress.expect(Number.parseInt(text, 10) || 0);
      },
    });
    if (result.code === 0) return;
    if (/No space left on device/.test(result.stderr)) throw pipError('', result.stderr, pip);
    throw brokenWheel(wheels.join(', '), result.stderr);
  } finally {
    progress.stop();
  }
}

/**
 * @param {string} wheel
 * @param {string} output
 */
function brokenWheel(wheel, output) {
  return new SetupError(
    'ERR_WHEEL',
    `Could not read ${wheel}: ${output.trim().split('\n').at(-1) ?? ''}. Delete it and run the same command again.`,
  );
}
