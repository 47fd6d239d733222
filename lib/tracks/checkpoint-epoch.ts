import { readCheckpoint, type ReadCheckpointOptions } from '../io/checkpoint/checkpoint.js';
import { isDict } from '../io/checkpoint/value.js';
import { fileKind } from '../model/file-kind.js';

/**
 * The epoch that a checkpoint names, as `{'epoch': 3, …}`: that of `train`, of Lightning and of most scripts for PyTorch;
 * null where it names none. With `checksums` all of the file is read, so that one that is still being written shows.
 *
 * Throws ERR_FILE_NOT_FOUND, ERR_FILE_UNREADABLE, ERR_CHECKPOINT.
 */
export async function checkpointEpoch(
  path: string,
  options: ReadCheckpointOptions = {},
): Promise<number | null> {
  const kind = await fileKind(path);
  // Archives whose directory, which comes last, is there.
  if (kind === 'torchscript' || kind === 'export-archive') return null;
  const checkpoint = await readCheckpoint(path, options);
  if (options.checksums === true) await checkpoint.load();
  const epoch = isDict(checkpoint.value) ? checkpoint.value.get('epoch') : undefined;
  return typeof epoch === 'number' && Number.isSafeInteger(epoch) && epoch >= 0 ? epoch : null;
}
