import { readdir } from 'node:fs/promises';
import { extname } from 'node:path';
import { unreadable } from '../read-file.js';

const natural = new Intl.Collator('en', { numeric: true });

/** By name, numbers in it by value: epoch2 comes before epoch10. */
export function byName(a: string, b: string): number {
  return natural.compare(a, b);
}

/** Endings that checkpoints of PyTorch have. */
export function isCheckpointName(name: string): boolean {
  return ['.pt', '.pth', '.ckpt', '.th', '.safetensors', '.bin', '.npz', '.pt2'].includes(
    extname(name).toLowerCase(),
  );
}

/** Names in a folder that are checkpoints by name, in natural order. Throws ERR_FILE_NOT_FOUND, ERR_FILE_UNREADABLE. */
export async function checkpointNames(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch((cause: unknown) => {
    throw unreadable(folder, cause);
  });
  return names.filter(isCheckpointName).sort(byName);
}
