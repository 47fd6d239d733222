// The fetched copies of libtorch, and what an interrupted fetch left.
import { existsSync, readdirSync } from 'node:fs';
import { formatBytes } from '../console.mjs';
import { cacheFolder } from '../libtorch/cache.mjs';
import { folderSize } from '../libtorch/progress.mjs';
import { setupCommand } from '../project.mjs';

/** @returns {import('../doctor.mjs').Check} */
export function checkCache() {
  const name = 'cache';
  const folder = cacheFolder();
  if (!existsSync(folder)) return { name, status: 'ok', found: `${folder}: nothing fetched` };
  const copies = readdirSync(folder).filter((entry) => /^libtorch-.*-(cpu|gpu)$/.test(entry));
  const found = `${folder}: ${formatBytes(folderSize(folder))} (${copies.join(', ') || 'no finished copy'})`;
  const unfinished = readdirSync(folder).filter((entry) => entry.endsWith('.partial'));
  if (unfinished.length === 0) return { name, status: 'ok', found };
  const todo = `unfinished fetch ${unfinished.join(', ')}: ${setupCommand()} continues it, or delete it there`;
  return { name, status: 'warn', found, todo };
}
