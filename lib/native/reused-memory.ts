import { createRequire } from 'node:module';
import { setImmediate } from 'node:timers/promises';

import { packageRoot } from './load.js';

interface MemoryAddon {
  take(bytes: number): ArrayBuffer | null;
  release(): void;
}

const require = createRequire(import.meta.url);

/** So many milliseconds after it was last asked for, what was collected goes back to the system. */
const keptFor = 1000;

let loaded: MemoryAddon | null | undefined;
let release: NodeJS.Timeout | undefined;

/**
 * Memory for many megabytes that are about to be written: what is in it is unspecified. Where an earlier buffer of that
 * size was collected a moment ago its pages are taken again, which is three times as fast as fresh ones. Such a buffer
 * cannot be transferred to a worker. Without the addon it is an ordinary one. Throws a RangeError where there is no memory.
 */
export async function reusedMemory(bytes: number): Promise<ArrayBuffer> {
  // What was collected comes back between two turns of the event loop.
  await setImmediate();
  loaded ??= load();
  const buffer = loaded?.take(bytes);
  if (!buffer) return Buffer.allocUnsafeSlow(bytes).buffer;
  if (release === undefined) release = setTimeout(() => loaded?.release(), keptFor).unref();
  else release.refresh();
  return buffer;
}

function load(): MemoryAddon | null {
  try {
    const bindings = require('bindings') as (options: {
      bindings: string;
      module_root: string;
    }) => MemoryAddon;
    return bindings({ bindings: 'lossatlas_memory', module_root: packageRoot });
  } catch {
    return null;
  }
}
