// libtorch, and whether it reaches a GPU.
import { SetupError } from '../console.mjs';
import { hasGpu } from '../libtorch/gpu.mjs';
import { locateLibtorch } from '../libtorch/locate.mjs';
import { bypassVariable, isSupported, supported } from '../libtorch/range.mjs';
import { setupCommand } from '../project.mjs';

/** @typedef {import('../doctor.mjs').Check} Check */
/** @typedef {import('../libtorch/locate.mjs').Libtorch} Libtorch */

/** @returns {{ check: Check, located: Libtorch | null }} */
export function checkLibtorch() {
  const name = 'libtorch';
  const range = `supported: ${supported.minimum} up to, not including, ${supported.below}`;
  try {
    const { libtorch, reasons } = locateLibtorch();
    if (libtorch === null) {
      const todo = `${setupCommand()} fetches ${supported.fetch}; or set LIBTORCH=<a libtorch's folder>, or LIBTORCH_USE_PYTORCH=1`;
      return { check: { name, status: 'missing', found: reasons.join('; '), todo }, located: null };
    }
    const found = `${libtorch.version} (${libtorch.source}: ${libtorch.root}; ${range})`;
    if (isSupported(libtorch.version)) return { check: { name, status: 'ok', found }, located: libtorch };
    const todo = `untested version, taken because ${bypassVariable} is set`;
    return { check: { name, status: 'warn', found, todo }, located: libtorch };
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    const todo = 'mend or unset the variable, or delete the copy and run the setup again';
    return { check: { name, status: 'missing', found: error.message, todo }, located: null };
  }
}

/**
 * A GPU is never required.
 *
 * @param {Libtorch | null} libtorch
 * @returns {Check}
 */
export function checkGpu(libtorch) {
  const name = 'GPU';
  if (!hasGpu()) return { name, status: 'ok', found: 'no NVIDIA GPU found: everything runs on the CPU' };
  if (libtorch === null) return { name, status: 'ok', found: 'NVIDIA GPU found' };
  if (libtorch.hasCuda) return { name, status: 'ok', found: 'NVIDIA GPU found, and libtorch has CUDA' };
  const why = libtorch.cudaProblems.length > 0 ? libtorch.cudaProblems.join('; ') : 'a build without CUDA';
  const todo =
    'for the GPU, use a libtorch with CUDA and all it needs: LOSSATLAS_LIBTORCH_VARIANT=gpu with the setup, or LIBTORCH';
  return {
    name,
    status: 'warn',
    found: `NVIDIA GPU found, but this libtorch does not use it (${why})`,
    todo,
  };
}
