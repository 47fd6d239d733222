// Which libtorch to build against: LIBTORCH, then LIBTORCH_USE_PYTORCH=1, then the copy this project fetched.
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { SetupError } from '../console.mjs';
import { isOn } from '../project.mjs';
import { fetchedFolder } from './cache.mjs';
import { wantedVariant } from './gpu.mjs';
import { findPythonTorch } from './python.mjs';
import { verifyLibtorch } from './verify.mjs';

/**
 * @typedef {'LIBTORCH' | 'LIBTORCH_USE_PYTORCH' | 'fetched'} Source
 * @typedef {import('./verify.mjs').VerifiedLibtorch & { source: Source }} Libtorch
 */

/**
 * Finds and verifies. A variable that is set and wrong is an error, never passed over in silence.
 *
 * @param {NodeJS.ProcessEnv} [env]
 * @returns {{ libtorch: Libtorch | null, reasons: string[] }} with null, `reasons` says where was looked
 */
export function locateLibtorch(env = process.env) {
  if (env.LIBTORCH) {
    const verified = verifyLibtorch(resolve(env.LIBTORCH), `LIBTORCH=${env.LIBTORCH}`, env);
    return { libtorch: { ...verified, source: 'LIBTORCH' }, reasons: [] };
  }
  if (isOn(env.LIBTORCH_USE_PYTORCH)) {
    const { folder, reasons } = findPythonTorch(env);
    if (folder === null) {
      throw new SetupError(
        'ERR_NO_PYTORCH',
        `LIBTORCH_USE_PYTORCH is set, but no PyTorch was found: ${reasons.join('; ')}. ` +
          'Activate the environment that has it, or name its interpreter by PYTHON=<interpreter>.',
      );
    }
    const verified = verifyLibtorch(folder, `the active Python's PyTorch (${folder})`, env);
    return { libtorch: { ...verified, source: 'LIBTORCH_USE_PYTORCH' }, reasons: [] };
  }
  const reasons = ['LIBTORCH is not set', 'LIBTORCH_USE_PYTORCH is not set'];
  for (const variant of usableVariants(env)) {
    const folder = fetchedFolder(variant, env);
    if (existsSync(folder)) {
      const verified = verifyLibtorch(join(folder, 'torch'), `the fetched copy ${folder}`, env);
      return { libtorch: { ...verified, source: 'fetched' }, reasons: [] };
    }
    reasons.push(`no fetched copy at ${folder}`);
  }
  return { libtorch: null, reasons };
}

/**
 * The build with CUDA runs without a GPU too; the one without would leave a GPU idle.
 *
 * @param {NodeJS.ProcessEnv} env
 * @returns {import('./gpu.mjs').Variant[]}
 */
function usableVariants(env) {
  return wantedVariant(env) === 'gpu' ? ['gpu'] : ['cpu', 'gpu'];
}
