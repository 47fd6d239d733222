// Whether this machine has an NVIDIA GPU, and which build of libtorch to fetch for it.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { SetupError } from '../console.mjs';

/** @typedef {'cpu' | 'gpu'} Variant */

/** True when the driver is there: its device file, or (in containers and WSL) an `nvidia-smi` that lists a GPU. */
export function hasGpu() {
  if (existsSync('/dev/nvidiactl')) return true;
  const result = spawnSync('nvidia-smi', ['-L'], { encoding: 'utf8', timeout: 10_000 });
  return result.status === 0 && /^GPU \d+:/m.test(result.stdout);
}

/**
 * @param {NodeJS.ProcessEnv} [env]
 * @returns {Variant}
 */
export function wantedVariant(env = process.env) {
  const asked = env.LOSSATLAS_LIBTORCH_VARIANT;
  if (asked === 'cpu' || asked === 'gpu') return asked;
  if (asked !== undefined && asked !== '') {
    throw new SetupError('ERR_VARIANT', `LOSSATLAS_LIBTORCH_VARIANT must be cpu or gpu, not "${asked}".`);
  }
  return hasGpu() ? 'gpu' : 'cpu';
}
