import { openAddon } from './load.js';

interface MemoryAddon {
  take(bytes: number): ArrayBuffer | null;
  release(): void;
}

/** So many milliseconds after it was last asked for, what was collected goes back to the system. */
const keptFor = 1000;

let loaded: MemoryAddon | null | undefined;
let release: NodeJS.Timeout | undefined;

/**
 * Memory for many megabytes that are about to be written: what is in it is unspecified. Where an earlier buffer of that
 * size was collected, and the event loop has turned since, its pages are taken again, which is three times as fast as fresh
 * ones. Such a buffer cannot be transferred to a worker. Without the addon it is an ordinary one. Throws a RangeError where
 * there is no memory.
 */
export function reusedMemory(bytes: number): ArrayBuffer {
  loaded ??= load();
  const buffer = loaded?.take(bytes);
  if (!buffer) return Buffer.allocUnsafeSlow(bytes).buffer;
  if (release === undefined) release = setTimeout(() => loaded?.release(), keptFor).unref();
  else release.refresh();
  return buffer;
}

function load(): MemoryAddon | null {
  try {
    return openAddon('lossatlas_memory') as MemoryAddon;
  } catch {
    return null;
  }
}
