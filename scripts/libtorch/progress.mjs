// How far a download or an unpacking is, measured by what lies on the disk.
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { formatBytes } from '../console.mjs';

const terminalEveryMs = 500;
const plainEveryMs = 5_000;

/**
 * The bytes of all files below a folder; 0 when it does not exist.
 *
 * @param {string} folder
 * @returns {number}
 */
export function folderSize(folder) {
  let total = 0;
  let entries;
  try {
    entries = readdirSync(folder, { withFileTypes: true, recursive: true });
  } catch {
    return 0;
  }
  for (const entry of entries) {
    if (!entry.isFile()) continue;
    try {
      total += statSync(join(entry.parentPath, entry.name)).size;
    } catch {
      // Renamed or removed since it was listed.
    }
  }
  return total;
}

/**
 * Reports the growth of a folder: one line that rewrites itself on a terminal, a plain line every 5 s elsewhere.
 *
 * @param {string} label
 * @param {() => number} measure bytes so far
 * @param {NodeJS.WriteStream} [stream]
 * @returns {{ expect: (bytes: number) => void, stop: () => void }}
 */
export function startProgress(label, measure, stream = process.stderr) {
  let expected = 0;
  const started = Date.now();
  const line = () => {
    const bytes = measure();
    const seconds = (Date.now() - started) / 1000;
    const share =
      expected > 0
        ? ` of ${formatBytes(expected)} (${Math.min(100, Math.floor((100 * bytes) / expected))} %)`
        : '';
    return `lossatlas:   ${label} ${formatBytes(bytes)}${share}, ${formatBytes(bytes / Math.max(seconds, 1))}/s`;
  };
  const show = () => {
    if (stream.isTTY) stream.write(`\r\x1b[2K${line().slice(0, (stream.columns || 80) - 1)}`);
    else stream.write(`${line()}\n`);
  };
  const timer = setInterval(show, stream.isTTY ? terminalEveryMs : plainEveryMs);
  return {
    expect(bytes) {
      if (bytes > 0) expected = bytes;
    },
    stop() {
      clearInterval(timer);
      if (stream.isTTY) stream.write('\r\x1b[2K');
    },
  };
}
