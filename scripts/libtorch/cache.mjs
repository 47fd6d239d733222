// Where fetched copies of libtorch live: one per user, shared by every project.
import { homedir } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';
import { supported } from './range.mjs';

/** @param {NodeJS.ProcessEnv} [env] */
export function cacheFolder(env = process.env) {
  if (env.LOSSATLAS_CACHE) return resolve(env.LOSSATLAS_CACHE);
  // The XDG specification: a relative path there is to be ignored.
  const base =
    env.XDG_CACHE_HOME && isAbsolute(env.XDG_CACHE_HOME) ? env.XDG_CACHE_HOME : join(homedir(), '.cache');
  return join(base, 'lossatlas');
}

/**
 * The folder of a finished copy. It exists only when complete.
 *
 * @param {import('./gpu.mjs').Variant} variant
 * @param {NodeJS.ProcessEnv} [env]
 */
export function fetchedFolder(variant, env = process.env) {
  return join(cacheFolder(env), `libtorch-${supported.fetch}-${variant}`);
}
