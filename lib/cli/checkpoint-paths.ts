import { stat } from 'node:fs/promises';
import { basename, join, sep } from 'node:path';
import { LossAtlasError } from '../errors.js';
import { checkpointNames } from '../io/checkpoint/checkpoint-folder.js';
import { unreadable } from '../io/read-file.js';
import { errorCode } from '../io/write-file.js';

/**
 * Files as they are, folders as their checkpoints by name: epoch2 comes before epoch10. Throws ERR_FILE_NOT_FOUND: a path
 * that is not there was mistyped, and is no checkpoint with a problem.
 */
export async function checkpointPaths(paths: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  for (const path of paths) {
    const isFolder = await stat(path).then(
      (stats) => stats.isDirectory(),
      (cause: unknown) => {
        if (errorCode(cause) === 'ENOENT') throw unreadable(path, cause);
        return false;
      },
    );
    if (!isFolder) {
      found.push(path);
      continue;
    }
    const names = await checkpointNames(path);
    if (names.length === 0)
      throw new LossAtlasError(
        'ERR_FILE_NOT_FOUND',
        `The folder '${path}' has no file that is a checkpoint by name.`,
      );
    found.push(...names.map((name) => join(path, name)));
  }
  return found;
}

/** Names of files, with as much of their paths before them as tells them apart. */
export function checkpointLabels(paths: readonly string[]): string[] {
  const endOf = (path: string, length: number) => path.split(sep).slice(-length).join(sep);
  return paths.map((path) => {
    const others = paths.filter((other) => other !== path);
    const lengths = path.split(sep).map((_, i) => i + 1);
    const length = lengths.find((n) => others.every((other) => endOf(other, n) !== endOf(path, n)));
    return length === undefined ? basename(path) : endOf(path, length);
  });
}
