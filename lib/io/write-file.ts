import { randomBytes } from 'node:crypto';
import type { Stats } from 'node:fs';
import { open, realpath, rename, stat, unlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { LossAtlasError } from '../errors.js';

/** Text, bytes, or the parts of bytes one after the other, of which no more than one is in memory. */
export type FileContent = string | Uint8Array | Iterable<Uint8Array>;

/**
 * Writes a file whole or not at all: to a temporary file beside the target, then renamed. What stood at
 * `path` before stays untouched when the disk is full. Throws ERR_FILE_NOT_WRITABLE, and what `data` throws.
 */
export async function writeWholeFile(path: string, data: FileContent): Promise<void> {
  try {
    const present = await statOrNull(path);
    if (present === null) await replaceFile(path, data, 0o666);
    // The link is followed, so that it stays a link.
    else if (present.isFile()) await replaceFile(await realpath(path), data, present.mode & 0o777);
    // A rename would put a plain file in the place of a device or pipe.
    else await writeFile(path, data);
  } catch (cause) {
    if (cause instanceof LossAtlasError) throw cause;
    const message = `Cannot write '${path}': ${reasonOf(cause)}.`;
    throw new LossAtlasError('ERR_FILE_NOT_WRITABLE', message, { cause });
  }
}

async function statOrNull(path: string): Promise<Stats | null> {
  try {
    return await stat(path);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return null;
    throw error;
  }
}

async function replaceFile(path: string, data: FileContent, mode: number): Promise<void> {
  const temporary = join(dirname(path), `.${randomBytes(8).toString('hex')}.tmp`);
  const file = await open(temporary, 'wx', mode);
  try {
    try {
      await writeFile(file, data);
      // Some file systems report a full disk only here.
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    // The first failure is the one to report.
    await unlink(temporary).catch(() => undefined);
    throw error;
  }
}

const reasons: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EROFS: 'the file system is read-only',
  ENOSPC: 'no space left on the device',
  EDQUOT: 'the disk quota is used up',
  ENOENT: 'the folder does not exist',
  ENOTDIR: 'a part of the path is no folder',
  EISDIR: 'it is a folder',
  ENAMETOOLONG: 'the name is too long',
};

/** The system's error code in words, else the error's message. */
export function reasonOf(error: unknown): string {
  return reasons[errorCode(error) ?? ''] ?? (error instanceof Error ? error.message : String(error));
}

export function errorCode(error: unknown): string | undefined {
  const code = error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
  return typeof code === 'string' ? code : undefined;
}
