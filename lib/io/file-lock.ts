import { readFile, rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { resolve } from 'node:path';
import { threadId } from 'node:worker_threads';
import { LossAtlasError } from '../errors.js';
import { errorCode, reasonOf } from './write-file.js';

/** Files that this process has locked. */
const mine = new Set<string>();

/** One writer at a time: `path.lock` names the process, and is taken over from one that is dead. */
export class FileLock {
  readonly #path: string;

  private constructor(path: string) {
    this.#path = path;
  }

  /** Throws ERR_RESUME while another run writes the file, ERR_FILE_NOT_WRITABLE. */
  static async take(path: string): Promise<FileLock> {
    const full = resolve(path);
    if (mine.has(full)) throw inUse(path, 'another run of this process');
    mine.add(full);
    try {
      // A second try, after a dead holder's lock was removed.
      for (let attempt = 0; attempt < 2; attempt++) {
        if (await create(`${full}.lock`, path)) return new FileLock(full);
        const holder = await liveHolder(`${full}.lock`);
        if (holder !== null) throw inUse(path, holder);
        await rm(`${full}.lock`, { force: true });
      }
      throw inUse(path, 'another process');
    } catch (error) {
      mine.delete(full);
      throw error;
    }
  }

  async release(): Promise<void> {
    await rm(`${this.#path}.lock`, { force: true });
    mine.delete(this.#path);
  }
}

async function create(lock: string, path: string): Promise<boolean> {
  try {
    await writeFile(lock, JSON.stringify({ pid: process.pid, thread: threadId, host: hostname() }), {
      flag: 'wx',
    });
    return true;
  } catch (cause) {
    if (errorCode(cause) === 'EEXIST') return false;
    throw new LossAtlasError(
      'ERR_FILE_NOT_WRITABLE',
      `The file to resume from, '${path}', cannot be opened: ${reasonOf(cause)}`,
      { cause },
    );
  }
}

/** Who holds the lock; null for a process that is gone. */
async function liveHolder(lock: string): Promise<string | null> {
  let holder: { pid?: unknown; thread?: unknown; host?: unknown };
  try {
    holder = JSON.parse(await readFile(lock, 'utf8')) as typeof holder;
  } catch {
    // Cut short by a kill, or gone meanwhile.
    return null;
  }
  const { pid, thread, host } = holder;
  if (typeof pid !== 'number' || host !== hostname()) return `process ${String(pid)} on ${String(host)}`;
  // This very thread holds none, or it would be in the set: the number was used before.
  if (pid === process.pid) return thread === threadId ? null : `thread ${String(thread)} of this process`;
  try {
    process.kill(pid, 0);
    return `process ${pid}`;
  } catch (error) {
    return errorCode(error) === 'EPERM' ? `process ${pid}` : null;
  }
}

function inUse(path: string, holder: string): LossAtlasError {
  return new LossAtlasError(
    'ERR_RESUME',
    `'${path}' is being written by ${holder}. Wait for it, or give another file (a lock that nobody holds: remove '${path}.lock').`,
  );
}
