import { open, readFile } from 'node:fs/promises';
import { LossAtlasError } from '../errors.js';
import { errorCode, reasonOf } from './write-file.js';

/** The bytes of a file. Throws ERR_FILE_NOT_FOUND, ERR_FILE_UNREADABLE. */
export async function readWholeFile(path: string): Promise<Buffer<ArrayBuffer>> {
  try {
    return await readFile(path);
  } catch (cause) {
    throw unreadable(path, cause);
  }
}

/** The first bytes of a file, and the size of all; a folder has none. Throws ERR_FILE_NOT_FOUND, ERR_FILE_UNREADABLE. */
export async function readFileStart(path: string, length: number): Promise<FileStart> {
  try {
    const file = await open(path);
    try {
      const stat = await file.stat();
      if (stat.isDirectory()) return { bytes: Buffer.alloc(0), size: 0, isFolder: true };
      const buffer = Buffer.alloc(Math.min(length, stat.size));
      const { bytesRead } = await file.read(buffer, 0, buffer.length, 0);
      return { bytes: buffer.subarray(0, bytesRead), size: stat.size, isFolder: false };
    } finally {
      await file.close();
    }
  } catch (cause) {
    throw unreadable(path, cause);
  }
}

export interface FileStart {
  readonly bytes: Buffer;
  /** Of the whole file. */
  readonly size: number;
  readonly isFolder: boolean;
}

/** The error for what a failed open or read of `path` threw. */
export function unreadable(path: string, cause: unknown): LossAtlasError {
  if (errorCode(cause) === 'ENOENT') {
    const message = `There is no file '${path}' (working folder: ${process.cwd()}).`;
    return new LossAtlasError('ERR_FILE_NOT_FOUND', message, { cause });
  }
  return new LossAtlasError('ERR_FILE_UNREADABLE', `Cannot read '${path}': ${reasonOf(cause)}.`, { cause });
}
