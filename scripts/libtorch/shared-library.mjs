// Shared libraries as the dynamic linker sees them.
import { spawnSync } from 'node:child_process';

const suffix = process.platform === 'darwin' ? 'dylib' : 'so';

/** @param {string} name `torch_cpu` */
export function libraryFile(name) {
  return `lib${name}.${suffix}`;
}

/**
 * The libraries a shared library needs and the dynamic linker does not find, by way of `ldd`.
 * Nothing of the library runs. Where there is no `ldd` (macOS), nothing is known to be missing.
 *
 * @param {string} file
 * @returns {string[]} names; `['(unreadable: …)']` when the file is no shared library for this machine
 */
export function missingLibraries(file) {
  if (process.platform !== 'linux') return [];
  const result = spawnSync('ldd', [file], { encoding: 'utf8', env: { ...process.env, LC_ALL: 'C' } });
  if (result.error) return [];
  if (result.status !== 0) {
    const reason = `${result.stdout}${result.stderr}`.trim().split('\n').at(-1) ?? '';
    return [`(unreadable: ${reason.trim()})`];
  }
  const missing = [...result.stdout.matchAll(/^\s*(\S+) => not found/gm)].map((match) => match[1] ?? '');
  return [...new Set(missing)];
}
