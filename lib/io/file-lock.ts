import { link, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
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

/** Of takers that stand in each other's way for a moment. */
const maxAttempts = 200;
/** A lock without a name in it is being written, or was cut short by a kill. */
const namelessMilliseconds = 2000;
let numMade = 0;

/** One writer at a time: the lock names the process, and is taken over from one that is dead. */
export class FileLock {
  readonly #lock: string;
  readonly #words: string;

  private constructor(lock: string, words: string) {
    this.#lock = lock;
    this.#words = words;
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
      for (let attempt = 0; attempt < maxAttempts; attempt++) {
        const words = await create(lock, locked);
        if (words !== null) return new FileLock(lock, words);
        const holder = await holderOf(lock);
        if (holder.state === 'live') throw inUse(locked, holder.name);
        if (holder.state === 'dead') await removeDead(lock, locked);
      }
      throw inUse(locked, 'another process');
    } catch (error) {
      mine.delete(lock);
      throw error;
    }
  }

  async release(): Promise<void> {
    // Whoever thought this process dead has one of its own there.
    const words = await readFile(this.#lock, 'utf8').catch(() => null);
    if (words === this.#words) await rm(this.#lock, { force: true });
    mine.delete(this.#lock);
  }
}

/** What stands in the lock; null where there is one already. It has its name from the first moment on. */
async function create(lock: string, { kind, path }: Locked): Promise<string | null> {
  const id = `${process.pid}-${threadId}-${numMade++}`;
  const words = JSON.stringify({ pid: process.pid, thread: threadId, host: hostname(), id });
  const draft = `${lock}.${id}`;
  try {
    await writeFile(draft, words, { flag: 'wx' });
    await link(draft, lock).catch(async (error: unknown) => {
      // A file system without links.
      if (errorCode(error) === 'EEXIST') throw error;
      await writeFile(lock, words, { flag: 'wx' });
    });
    return words;
  } catch (cause) {
    if (errorCode(cause) === 'EEXIST') return null;
    throw new LossAtlasError(
      'ERR_FILE_NOT_WRITABLE',
      `The ${kind} to resume from, '${path}', cannot be opened: ${reasonOf(cause)}`,
      { cause },
    );
  } finally {
    await rm(draft, { force: true }).catch(() => undefined);
  }
}

/** One at a time, so that nobody removes the lock of who was faster. */
async function removeDead(lock: string, locked: Locked): Promise<void> {
  const breaking = `${lock}.break`;
  if ((await create(breaking, locked)) === null) {
    if ((await holderOf(breaking)).state === 'dead') await rm(breaking, { force: true });
    else await delay(5);
    return;
  }
  try {
    if ((await holderOf(lock)).state === 'dead') await rm(lock, { force: true });
  } finally {
    await rm(breaking, { force: true });
  }
}

type Holder = { readonly state: 'live'; readonly name: string } | { readonly state: 'dead' | 'gone' };

async function holderOf(lock: string): Promise<Holder> {
  let holder: { pid?: unknown; thread?: unknown; host?: unknown };
  try {
    holder = JSON.parse(await readFile(lock, 'utf8')) as typeof holder;
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return { state: 'gone' };
    const age = await stat(lock).then(
      ({ mtimeMs }) => Date.now() - mtimeMs,
      () => 0,
    );
    return age > namelessMilliseconds ? { state: 'dead' } : { state: 'live', name: 'another process' };
  }
  const { pid, thread, host } = holder;
  if (typeof pid !== 'number' || host !== hostname())
    return { state: 'live', name: `process ${String(pid)} on ${String(host)}` };
  // This very thread holds none, or it would be in the set: the number was used before.
  if (pid === process.pid)
    return thread === threadId
      ? { state: 'dead' }
      : { state: 'live', name: `thread ${String(thread)} of this process` };
  try {
    process.kill(pid, 0);
    return { state: 'live', name: `process ${pid}` };
  } catch (error) {
    return errorCode(error) === 'EPERM' ? { state: 'live', name: `process ${pid}` } : { state: 'dead' };
  }
}

function inUse({ kind, path, lock }: Locked, holder: string): LossAtlasError {
  return new LossAtlasError(
    'ERR_RESUME',
    `'${path}' is being written by ${holder}. Wait for it, or give another ${kind} (a lock that nobody holds: remove '${lock}').`,
  );
}
