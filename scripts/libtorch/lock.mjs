// One fetch at a time: two installs would otherwise write into the same folder.
import {
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { hostname } from 'node:os';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Interrupted } from '../console.mjs';

const heartbeatMs = 5_000;
const staleAfterMs = 60_000;

/**
 * Calls `work` while holding the lock file. Waits while another process holds it; a dead holder's lock is taken over.
 *
 * @template T
 * @param {string} file
 * @param {{ signal: AbortSignal, onWait: (holder: string) => void }} options
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function withLock(file, { signal, onWait }, work) {
  mkdirSync(dirname(file), { recursive: true });
  let waited = false;
  while (!take(file)) {
    const holder = liveHolder(file);
    if (holder === null) {
      discard(file);
      continue;
    }
    if (!waited) onWait(holder);
    waited = true;
    await delay(1_000, undefined, { signal }).catch(() => {
      throw new Interrupted('interrupted while waiting');
    });
  }
  // Tells holders on other machines (a shared home) from dead ones, whose process cannot be asked after.
  const heartbeat = setInterval(() => {
    try {
      utimesSync(file, new Date(), new Date());
    } catch {
      // Somebody emptied the cache; the work itself will say so if it matters.
    }
  }, heartbeatMs).unref();
  try {
    return await work();
  } finally {
    clearInterval(heartbeat);
    rmSync(file, { force: true });
  }
}

/**
 * Removes a dead lock. Renamed first: of several that found it dead only one gets it, and if it has been taken meanwhile
 * it is put back.
 *
 * @param {string} file
 */
function discard(file) {
  const mine = `${file}.${process.pid}.${Date.now()}`;
  try {
    renameSync(file, mine);
  } catch {
    return;
  }
  if (liveHolder(mine) !== null && !existsSync(file)) renameSync(mine, file);
  else rmSync(mine, { force: true });
}

/**
 * @param {string} file
 * @returns {boolean}
 */
function take(file) {
  try {
    writeFileSync(file, JSON.stringify({ pid: process.pid, host: hostname() }), { flag: 'wx' });
    return true;
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code === 'EEXIST') return false;
    throw error;
  }
}

/**
 * @param {string} file
 * @returns {string | null} who holds it, or null when nobody does any more
 */
function liveHolder(file) {
  let age;
  let text;
  try {
    age = Date.now() - statSync(file).mtimeMs;
    text = readFileSync(file, 'utf8');
  } catch {
    return null;
  }
  if (age > staleAfterMs) return null;
  /** @type {{ pid: number, host: string }} */
  let holder;
  try {
    holder = JSON.parse(text);
  } catch {
    // Being written right now.
    return 'another process';
  }
  if (holder.host === hostname() && !isAlive(holder.pid)) return null;
  return `process ${holder.pid} on ${holder.host}`;
}

/** @param {number} pid */
function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return /** @type {NodeJS.ErrnoException} */ (error).code === 'EPERM';
  }
}
