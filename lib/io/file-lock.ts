import { readFile, rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join, resolve } from 'node:path';
import { threadId } from 'node:worker_threads';
import { LossAtlasError } from '../errors.js';
import { errorCode, reasonOf } from './write-file.js';

/** What one writer at a time may write, and the lock that says so. */
interface Locked {
  readonly kind: 'file' | 'folder';
  readonly path: string;
  readonly lock: string;
}

/** Locks of this process, by their full paths. */
const mine = new Set<string>();

/** One writer at a time: the lock names the process, and is taken over from one that is dead. */
export class FileLock {
  readonly #lock: string;

  private constructor(lock: string) {
    this.#lock = lock;
  }

  /** `path.lock`. Throws ERR_RESUME while another run writes the file, ERR_FILE_NOT_WRITABLE. */
  static async take(path: string): Promise<FileLock> {
    return FileLock.#take({ kind: 'file', path, lock: `${path}.lock` });
  }

  /** `name.lock` in the folder, for what several files are written into. Throws as `take` does. */
  static async takeFolder(path: string, name: string): Promise<FileLock> {
    return FileLock.#take({ kind: 'folder', path, lock: join(path, `${name}.lock`) });
  }

  static async #take(locked: Locked): Promise<FileLock> {
    const lock = resolve(locked.lock);
    if (mine.has(lock)) throw inUse(locked, 'another run of this process');
    mine.add(lock);
    try {
      // A second try, after a dead holder's lock was removed.
      for (let attempt = 0; attempt < 2; attempt++) {
        if (await create(lock, locked)) return new FileLock(lock);
        const holder = await liveHolder(lock);
        if (holder !== null) throw inUse(locked, holder);
        await rm(lock, { force: true });
      }
      throw inUse(locked, 'another process');
    } catch (error) {
      mine.delete(lock);
      throw error;
    }
  }

  async release(): Promise<void> {
    await rm(this.#lock, { force: true });
    mine.delete(this.#lock);
  }
}

async function create(lock: string, { kind, path }: Locked): Promise<boolean> {
  try {
    await writeFile(lock, JSON.stringify({ pid: process.pid, thread: threadId, host: hostname() }), {
      flag: 'wx',
    });
    return true;
  } catch (cause) {
    if (errorCode(cause) === 'EEXIST') return false;
    throw new LossAtlasError(
      'ERR_FILE_NOT_WRITABLE',
      `The ${kind} to resume from, '${path}', cannot be opened: ${reasonOf(cause)}`,
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

function inUse({ kind, path, lock }: Locked, holder: string): LossAtlasError {
  return new LossAtlasError(
    'ERR_RESUME',
    `'${path}' is being written by ${holder}. Wait for it, or give another ${kind} (a lock that nobody holds: remove '${lock}').`,
  );
}
