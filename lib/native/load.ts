import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { LossAtlasError } from '../errors.js';
import type { Addon } from './addon.js';

/** The package's own folder; this file lies in dist/native. */
export const packageRoot = fileURLToPath(new URL('../..', import.meta.url));

const require = createRequire(import.meta.url);

let loaded: Addon | undefined;

/** Opens an addon of this package by its name; throws what Node does. */
export function openAddon(name: string): unknown {
  const bindings = require('bindings') as (options: { bindings: string; module_root: string }) => unknown;
  return bindings({ bindings: name, module_root: packageRoot });
}

/** Loads the native addon at the first use, so that importing the library costs nothing and needs no libtorch. */
export function addon(): Addon {
  loaded ??= load();
  return loaded;
}

/**
 * By default libgomp's threads spin for milliseconds at every barrier; beside any other busy process that made small
 * models 40 times slower. This much spinning covers the gaps between two operators and costs nothing measurable on an
 * idle machine, where never spinning costs up to 2 ×. It must stand in the environment before libgomp is loaded; what
 * the user set wins.
 */
function limitSpinning(): void {
  if (process.env.OMP_WAIT_POLICY === undefined) process.env.GOMP_SPINCOUNT ??= '2000';
}

function load(): Addon {
  limitSpinning();
  try {
    return openAddon('lossatlas') as Addon;
  } catch (cause) {
    throw new LossAtlasError('ERR_ADDON', explain(cause), { cause });
  }
}

/** The same words as the doctor's: scripts/ works before anything is built, so they live there. */
function explain(cause: unknown): string {
  const error = cause instanceof Error ? cause : new Error(String(cause));
  const script = require('../../scripts/libtorch/diagnose.mjs') as {
    diagnoseLoadFailure(error: Error): string;
  };
  return script.diagnoseLoadFailure(error);
}
