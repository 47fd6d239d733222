// Builds the bare libtorch loop against the libtorch that our addon was built with.
import { join } from 'node:path';
import { readStamp } from '../scripts/build-native.mjs';
import { SetupError, say } from '../scripts/console.mjs';
import { root } from '../scripts/project.mjs';
import { runStep } from './processes.mjs';

/** Of the addon as it is built. */
export function builtLibtorch() {
  const stamp = readStamp();
  if (stamp === null) {
    throw new SetupError(
      'ERR_NOT_BUILT',
      'the addon is not built: run npm run bench, or npm run build before.',
    );
  }
  return stamp.libtorch;
}

/**
 * What the machine can do at most with so many threads.
 *
 * @typedef {object} Ceilings
 * @property {number} gigaflops a second in products of matrices, float32
 * @property {number} copyGigabytes a second, read and written
 *
 * @param {string} bareLoop
 * @param {number} threads
 * @param {AbortSignal} signal
 * @returns {Promise<Ceilings>}
 */
export async function measureCeilings(bareLoop, threads, signal) {
  return JSON.parse(await runStep(bareLoop, ['--work', 'ceilings', '--threads', String(threads)], signal));
}

/**
 * @param {AbortSignal} signal
 * @returns {Promise<string>} the executable
 */
export async function buildBareLoop(signal) {
  const folder = join(root, 'build', 'bench');
  const options = {
    CMAKE_BUILD_TYPE: 'Release',
    LOSSATLAS_LIBTORCH: builtLibtorch().root,
    LOSSATLAS_BENCH: 'ON',
    LOSSATLAS_TESTS: 'OFF',
  };
  say('bench: building the bare libtorch loop');
  const definitions = Object.entries(options).map(([name, value]) => `-D${name}=${value}`);
  await runStep('cmake', ['-S', root, '-B', folder, ...definitions], signal);
  await runStep('cmake', ['--build', folder, '--target', 'lossatlas_bare_loop'], signal);
  return join(folder, 'lossatlas_bare_loop');
}
