import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { callSync } from './call.js';
import { packageRoot } from './load.js';

let own: string | undefined;

/** This package's version, from package.json. */
export function version(): string {
  own ??= (JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8')) as { version: string })
    .version;
  return own;
}

/** The version of libtorch that the addon was built against. */
export function libtorchVersion(): string {
  return callSync((native) => native.info()).libtorch;
}

/** GPUs that libtorch can use. */
export function numCudaDevices(): number {
  return callSync((native) => native.info()).numCudaDevices;
}
