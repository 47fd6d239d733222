import { LossAtlasError } from '../errors.js';
import type { CheckpointDict, CheckpointValue } from '../io/checkpoint/value.js';

/** Everything that decides what a run computes, by name. */
export type TrainingSettings = Readonly<Record<string, string | number>>;

/** Throws ERR_RESUME, naming what differs, where the settings in a file are not those of this run. */
export function requireSameSettings(
  path: string,
  found: CheckpointDict,
  settings: TrainingSettings,
  what: string,
): void {
  const keys = new Set([...found.keys(), ...Object.keys(settings)].map(String));
  const show = (value: CheckpointValue | undefined) => {
    if (typeof value === 'string') return value.replace(/^([0-9a-f]{16})[0-9a-f]{48}$/, '$1…');
    return value === undefined ? 'absent' : JSON.stringify(value);
  };
  const differences = [...keys]
    .filter((key) => found.get(key) !== settings[key])
    .map(
      (key) =>
        `${key === 'model' ? 'model file' : key}: ${show(found.get(key))} there, ${show(settings[key])} now`,
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
