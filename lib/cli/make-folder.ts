import { access, constants, mkdir, rmdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { LossAtlasError } from '../errors.js';

/**
 * Parents first, one by one: Node's recursive mkdir never returns where a file system refuses folders (as /proc does).
 * Returns those that were not there, outermost first.
 */
export async function makeFolder(folder: string): Promise<string[]> {
  try {
    await mkdir(folder);
    return [folder];
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    const parent = dirname(folder);
    if (code === 'EEXIST' && (await stat(folder)).isDirectory()) return [];
    if (code === 'ENOENT' && parent !== folder && !(await exists(parent))) {
      const made = await makeFolder(parent);
      try {
        return [...made, ...(await makeFolder(folder))];
      } catch (error) {
        await removeEmptyFolders(made);
        throw error;
      }
    }
    throw new LossAtlasError('ERR_FILE_NOT_WRITABLE', `The folder '${folder}' cannot be made: ${message}`, {
      cause,
    });
  }
}

/** Those that are empty, from the last one on. */
export async function removeEmptyFolders(folders: readonly string[]): Promise<void> {
  for (const folder of folders.toReversed()) await rmdir(folder).catch(() => undefined);
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

/** Before hours of work, not after. Throws ERR_FILE_NOT_WRITABLE. */
export async function requireWritable(path: string): Promise<void> {
  const fail = (reason: string): never => {
    throw new LossAtlasError('ERR_FILE_NOT_WRITABLE', `Cannot write '${path}': ${reason}.`);
  };
  const there = await stat(path).catch(() => null);
  if (there?.isDirectory() === true) fail('it is a folder');
  const target = there === null ? dirname(path) : path;
  const isThere = await stat(target).then(
    (stats) => there !== null || stats.isDirectory(),
    () => false,
  );
  if (!isThere) fail('the folder does not exist');
  await access(target, constants.W_OK).catch(() => fail('permission denied'));
}
