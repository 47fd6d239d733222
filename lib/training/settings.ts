import { LossAtlasError } from '../errors.js';
import type { CheckpointDict, CheckpointValue } from '../io/checkpoint/value.js';
import { settingDifferences } from '../io/setting-differences.js';

/** Everything that decides what a run computes, by name. */
export type TrainingSettings = Readonly<Record<string, string | number>>;

/** Throws ERR_RESUME, naming what differs, where the settings in a file are not those of this run. */
export function requireSameSettings(
  path: string,
  found: CheckpointDict,
  settings: TrainingSettings,
  what: string,
): void {
  const differences = settingDifferences(
    Object.fromEntries<unknown>(
      [...found].filter((item): item is [string, CheckpointValue] => typeof item[0] === 'string'),
    ),
    settings,
  );
  if (differences.length === 0) return;
  // Equal weights and equal code do not make equal archives.
  const reexported =
    found.get('model') === settings.model
      ? ''
      : ` A model that was exported again is another file: give the one that the ${what} began with.`;
  throw new LossAtlasError(
    'ERR_RESUME',
    `'${path}' belongs to another ${what} (${differences.join('; ')}).${reexported} Nothing was changed; give another folder or file.`,
  );
}
