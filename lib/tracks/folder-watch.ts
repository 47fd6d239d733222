import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { AbortError, LossAtlasError } from '../errors.js';
import { byName, checkpointNames } from '../io/checkpoint/checkpoint-folder.js';
import { throwIfAborted } from '../steps.js';
import { checkpointEpoch } from './checkpoint-epoch.js';
import type { FollowOptions } from './track-options.js';

/** A checkpoint that is whole, or that has stayed damaged. */
export interface FoundFile {
  readonly name: string;
  readonly epoch: number | null;
  /** Whether it is still the file that was found. */
  readonly isSame: () => Promise<boolean>;
}

interface Seen {
  /** Size, time and number of the file: another one where it has changed. */
  readonly stamp: string;
  /** When it was first found so. */
  readonly since: number;
  /** How often it was found so in a row. */
  looks: number;
  isTaken: boolean;
}

/**
 * Looks into a folder now and then, and hands out each checkpoint once it is whole: alike at two looks, and readable to its
 * last checksum. Files come in the order of their names, so that one that is still being written holds up those after
 * it. One that has changed since is handed out again.
 */
export class FolderWatch {
  readonly #folder: string;
  readonly #unknown: 'refuse' | 'opaque' | undefined;
  readonly #options: Required<Pick<FollowOptions, 'poll' | 'settle'>> & FollowOptions;
  readonly #signal: AbortSignal | undefined;
  readonly #files = new Map<string, Seen>();

  constructor(
    folder: string,
    unknown: 'refuse' | 'opaque' | undefined,
    options: FollowOptions,
    signal: AbortSignal | undefined,
  ) {
    this.#folder = folder;
    this.#unknown = unknown;
    this.#options = { ...options, poll: options.poll ?? 1, settle: options.settle ?? 30 };
    this.#signal = signal;
  }

  /** Waits for the next one; null at the end. Throws ERR_ABORTED, ERR_FILE_UNREADABLE. */
  async next(): Promise<FoundFile | null> {
    const { poll, idle = Infinity, stopFile } = this.#options;
    const start = performance.now();
    for (;;) {
      throwIfAborted(this.#signal);
      const isStopping = stopFile !== undefined && (await stampOf(stopFile)) !== null;
      await this.#look();
      const found = await this.#take();
      if (typeof found === 'object') return found;
      const isIdle = performance.now() - start > 1000 * idle;
      // What is being written is still to come.
      if (found === 'none' && (isStopping || isIdle)) return null;
      await this.#pause(poll);
    }
  }

  /** To be read again: it changed under the reader. */
  putBack(name: string): void {
    this.#files.delete(name);
  }

  async #look(): Promise<void> {
    const names = await this.#names();
    for (const name of this.#files.keys()) if (!names.includes(name)) this.#files.delete(name);
    for (const name of names) {
      const stamp = await stampOf(join(this.#folder, name));
      const seen = this.#files.get(name);
      if (stamp === null) this.#files.delete(name);
      else if (seen?.stamp === stamp) seen.looks++;
      else this.#files.set(name, { stamp, since: performance.now(), looks: 1, isTaken: false });
    }
  }

  /** None where there is no such folder yet. */
  async #names(): Promise<string[]> {
    try {
      return await checkpointNames(this.#folder);
    } catch (error) {
      if (error instanceof LossAtlasError && error.code === 'ERR_FILE_NOT_FOUND') return [];
      throw error;
    }
  }

  async #take(): Promise<FoundFile | 'waiting' | 'none'> {
    const names = [...this.#files.keys()].sort(byName);
    for (const name of names) {
      const seen = this.#files.get(name)!;
      if (seen.isTaken) continue;
      if (seen.looks < 2) return 'waiting';
      const path = join(this.#folder, name);
      let epoch: number | null = null;
      try {
        epoch = await checkpointEpoch(path, { checksums: true, unknown: this.#unknown });
      } catch (error) {
        if (!(error instanceof LossAtlasError)) throw error;
        const isSettled = performance.now() - seen.since >= 1000 * this.#options.settle;
        // It may be that its writer is slow; after a while it is a problem of its own.
        if (!isSettled) return 'waiting';
      }
      if ((await stampOf(path)) !== seen.stamp) return 'waiting';
      seen.isTaken = true;
      return { name, epoch, isSame: async () => (await stampOf(path)) === seen.stamp };
    }
    return 'none';
  }

  async #pause(seconds: number): Promise<void> {
    const options = this.#signal === undefined ? {} : { signal: this.#signal };
    await sleep(1000 * seconds, undefined, options).catch(() => {
      throw new AbortError(this.#signal?.reason);
    });
  }
}

/** Null where there is no such file. */
async function stampOf(path: string): Promise<string | null> {
  try {
    const stats = await stat(path, { bigint: true });
    return stats.isFile() ? `${stats.ino}:${stats.size}:${stats.mtimeNs}` : null;
  } catch {
    return null;
  }
}
