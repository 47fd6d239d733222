import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { LossAtlasError } from '../errors.js';
import type { Addon } from './addon.js';

/** The package's own folder; this file lies in dist/native. */
export const packageRoot = fileURLToPath(new URL('../..', import.meta.url));

const require = createRequire(import.meta.url);

let loaded: Addon | undefined;

/** Loads the native addon at the first use, so that importing the library costs nothing and needs no libtorch. */
export function addon(): Addon {
  loaded ??= load();
  return loaded;
}

function load(): Addon {
  try {
    const bindings = require('bindings') as (options: { bindings: string; module_root: string }) => Addon;
    return bindings({ bindings: 'lossatlas', module_root: packageRoot });
  } catch (cause) {
    throw new LossAtlasError('ERR_ADDON', explain(cause), { cause });
  }
}

function explain(cause: unknown): string {
  const inClone = existsSync(join(packageRoot, 'tsconfig.json'));
  const setup = inClone ? 'node scripts/build.mjs' : 'npx lossatlas setup';
  const doctor = inClone ? 'npm run doctor' : 'npx lossatlas doctor';
  const message = cause instanceof Error ? cause.message : String(cause);
  if (message.includes('Could not locate the bindings file')) {
    return `The native addon of lossatlas is not built yet. Run \`${setup}\`: it finds or fetches libtorch and builds.`;
  }
  if (/lib(torch|c10|gomp)[\w-]*\.so.*cannot open shared object|Library not loaded/.test(message)) {
    return `libtorch is not where the addon was built against it. Run \`${setup}\` to build again; \`${doctor}\` says what was found. (${message})`;
  }
  if (/(GLIBC|GLIBCXX|CXXABI)_[\d.]+'? not found/.test(message)) {
    return `This machine's C/C++ runtime is older than the addon or libtorch needs. Run \`${setup}\` on this machine; \`${doctor}\` says more. (${message})`;
  }
  return `The native addon of lossatlas cannot be loaded. \`${doctor}\` says what was found and what to do. (${message})`;
}
