import { byName } from '../io/checkpoint/checkpoint-folder.js';
import type { Track } from '../results.js';

/** What decides the place of a checkpoint. */
export interface Placed {
  readonly label: string;
  readonly epoch: number | null;
  /** Files that cannot be read have no epoch, and follow the one before them by name. */
  readonly isReadable: boolean;
}

export interface CheckpointOrder<T> extends Pick<Track, 'order' | 'axis' | 'notes'> {
  readonly sorted: readonly T[];
}

/** Checkpoints of a folder by the epochs in them, where all have one, or else by their names; `given`: as they come. */
export function inOrder<T extends Placed>(entries: readonly T[], isGiven: boolean): CheckpointOrder<T> {
  const readable = entries.filter(({ isReadable }) => isReadable);
  const without = readable.filter(({ epoch }) => epoch === null);
  const hasEpochs = readable.length > 0 && without.length === 0;
  const axis = hasEpochs ? 'epoch' : 'checkpoint';
  const notes = hasEpochs ? ties(readable) : notesWithout(without, readable.length);
  if (isGiven) return { order: 'given', axis, notes, sorted: entries };
  const named = [...entries].sort((a, b) => byName(a.label, b.label));
  if (!hasEpochs) return { order: 'name', axis, notes, sorted: named };
  let last = -1;
  const keyed = named.map((entry) => ({ entry, epoch: (last = entry.epoch ?? last) }));
  // Sorting is stable: of one epoch the names decide.
  const sorted = keyed.sort((a, b) => a.epoch - b.epoch).map(({ entry }) => entry);
  return { order: 'epoch', axis, notes, sorted };
}

function ties(entries: readonly Placed[]): string[] {
  const labels = new Map<number, string[]>();
  for (const { epoch, label } of entries) labels.set(epoch!, [...(labels.get(epoch!) ?? []), label]);
  return [...labels].flatMap(([epoch, list]) =>
    list.length === 1 ? [] : [`epoch ${epoch} is that of ${list.sort(byName).join(' and ')}`],
  );
}

function notesWithout(without: readonly Placed[], numReadable: number): string[] {
  if (without.length === 0) return [];
  const who =
    without.length === numReadable ? 'no checkpoint' : `not every checkpoint (${without[0]!.label})`;
  return [`${who} says its epoch: positions are places in the order`];
}
