import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { LossAtlasError } from '../errors.js';
import { checkpointNames } from '../io/checkpoint/checkpoint-folder.js';

/** Files as they are, folders as their checkpoints by name: epoch2 comes before epoch10. */
export async function checkpointPaths(paths: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  for (const path of paths) {
    const isFolder = await stat(path).then(
      (stats) => stats.isDirectory(),
      () => false,
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
