// Runs cmake-js on CMakeLists.txt, unless the addon there was made from exactly these sources and this libtorch.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism, totalmem } from 'node:os';
import { dirname, join } from 'node:path';
import { SetupError, formatSeconds, say } from './console.mjs';
import { doctorCommand, root } from './project.mjs';
import { runCommand } from './run-command.mjs';

const require = createRequire(import.meta.url);

// A translation unit with libtorch's headers takes this much memory at its peak.
const bytesPerCompiler = 2e9;

/** @param {boolean} debug */
export function outputFolder(debug = false) {
  return join(root, 'build', debug ? 'Debug' : 'Release');
}

/** @param {boolean} debug */
export function addonFile(debug = false) {
  return join(outputFolder(debug), 'lossatlas.node');
}

/**
 * What an addon was made from: written beside it when the build is through.
 *
 * @typedef {object} Stamp
 * @property {string} fingerprint
 * @property {{ root: string, version: string, source: string }} libtorch
 */

/** @param {boolean} debug */
function stampFile(debug) {
  return join(outputFolder(debug), 'lossatlas.stamp');
}

/**
 * @param {boolean} [debug]
 * @returns {Stamp | null} null when there is no finished build
 */
export function readStamp(debug = false) {
  try {
    return JSON.parse(readFileSync(stampFile(debug), 'utf8'));
  } catch {
    return null;
  }
}

/**
 * @param {import('./libtorch/locate.mjs').Libtorch} libtorch
 * @param {{ debug?: boolean, force?: boolean }} [options] `force` builds from scratch
 */
export async function buildNative(libtorch, { debug = false, force = false } = {}) {
  const output = outputFolder(debug);
  const current = fingerprint(libtorch, debug);
  const upToDate = existsSync(addonFile(debug)) && readStamp(debug)?.fingerprint === current;
  if (upToDate && !force) {
    say(`native: up to date (libtorch ${libtorch.version}, ${libtorch.source})`);
    return;
  }
  const { version, source, hasCuda, cudaProblems } = libtorch;
  say(`native: building with libtorch ${version}${hasCuda ? ' and CUDA' : ''} (${source}: ${libtorch.root})`);
  if (cudaProblems.length > 0) say(`  without CUDA: ${cudaProblems.join('; ')}`);
  const started = Date.now();
  rmSync(stampFile(debug), { force: true });
  mkdirSync(output, { recursive: true });

  // A folder of CMake's own: node-gyp keeps its files in build/ itself.
  const folder = join(root, 'build', debug ? 'cmake-debug' : 'cmake');
  if (force) rmSync(folder, { recursive: true, force: true });
  const options = [
    ...['--directory', root, '--out', folder, '--config', debug ? 'Debug' : 'Release'],
    `--CDLOSSATLAS_LIBTORCH=${libtorch.root}`,
    `--CDLOSSATLAS_CUDA=${hasCuda ? 'ON' : 'OFF'}`,
    `--CDCMAKE_LIBRARY_OUTPUT_DIRECTORY=${output}`,
    `--CDCMAKE_RUNTIME_OUTPUT_DIRECTORY=${output}`,
  ];
  // cmake-js configures only once by itself; the options above may have changed since.
  await cmakeJs(['configure', ...options]);
  await cmakeJs(['build', ...options, '--parallel', String(parallelCompilers())]);
  if (!existsSync(addonFile(debug)))
    throw new SetupError('ERR_BUILD', `the build made no ${addonFile(debug)}.`);
  /** @type {Stamp} */
  const stamp = { fingerprint: current, libtorch: { root: libtorch.root, version, source } };
  writeFileSync(stampFile(debug), `${JSON.stringify(stamp, null, 2)}\n`);
  say(`native: compile took ${formatSeconds(Date.now() - started)}`);
}

/** @param {readonly string[]} args */
async function cmakeJs(args) {
  const program = join(dirname(require.resolve('cmake-js/package.json')), 'bin', 'cmake-js');
  const { code } = await runCommand(process.execPath, [program, ...args], { cwd: root, output: 'stderr' });
  if (code !== 0) {
    throw new SetupError(
      'ERR_BUILD',
      `the native build failed: see the messages above, and ${doctorCommand()} for what it needs.`,
    );
  }
}

function parallelCompilers() {
  return Math.max(1, Math.min(availableParallelism(), Math.floor(totalmem() / bytesPerCompiler)));
}

/**
 * Everything the addon is made from, as one hash.
 *
 * @param {import('./libtorch/locate.mjs').Libtorch} libtorch
 * @param {boolean} debug
 */
function fingerprint({ root: libtorchRoot, version, hasCuda }, debug) {
  const hash = createHash('sha256');
  const versions = ['node-addon-api', 'node-api-headers', 'cmake-js'].map(
    (name) => require(`${name}/package.json`).version,
  );
  const { CC, CXX, CXXFLAGS, LDFLAGS } = process.env;
  hash.update(
    JSON.stringify({ libtorchRoot, version, hasCuda, debug, versions, CC, CXX, CXXFLAGS, LDFLAGS }),
  );
  for (const file of nativeSources()) {
    hash.update(`\0${file}\0`);
    hash.update(readFileSync(join(root, file)));
  }
  return hash.digest('hex');
}

/** @returns {string[]} relative to the root, sorted */
function nativeSources() {
  const sources = readdirSync(join(root, 'native'), { recursive: true, encoding: 'utf8' })
    .filter((file) => /\.(cc|h)$/.test(file))
    .map((file) => join('native', file));
  return ['CMakeLists.txt', ...sources.sort()];
}
