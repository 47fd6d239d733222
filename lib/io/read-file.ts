import { readFile } from 'node:fs/promises';
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

/** The error for what a failed open or read of `path` threw. */
export function unreadable(path: string, cause: unknown): LossAtlasError {
  if (errorCode(cause) === 'ENOENT') {
    const message = `There is no file '${path}' (working folder: ${process.cwd()}).`;
    return new LossAtlasError('ERR_FILE_NOT_FOUND', message, { cause });
  }
  return new LossAtlasError('ERR_FILE_UNREADABLE', `Cannot read '${path}': ${reasonOf(cause)}.`, { cause });
}
