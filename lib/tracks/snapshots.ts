import type { Track, TrackCheckpoint } from '../results.js';
import { isInteger, isNumber, isOneOf, type Check } from '../validate.js';

/** At which checkpoints the density is kept: `ends` (first, middle, last), all, none, every so many, or at these positions. */
export type SnapshotChoice = 'ends' | 'all' | 'none' | number | readonly number[];

const words = "'ends', 'all', 'none', a positive integer, or a list of epochs";

export const isSnapshots: Check = (value) => {
  const isList = Array.isArray(value) && value.every((item) => isNumber(0)(item) === null);
  return isList || isOneOf('ends', 'all', 'none')(value) === null || isInteger(1)(value) === null
    ? null
    : words;
};

/** The checkpoints with the densities of the chosen ones alone. */
export function keepSnapshots(
  checkpoints: readonly TrackCheckpoint[],
  choice: SnapshotChoice,
): TrackCheckpoint[] {
  const good = checkpoints.filter(({ problem }) => problem === null);
  const last = good.length - 1;
  const isKept = (checkpoint: TrackCheckpoint): boolean => {
    const place = good.indexOf(checkpoint);
    if (choice === 'ends') return [0, Math.floor(last / 2), last].includes(place);
    if (typeof choice === 'number') return place % choice === 0;
    if (typeof choice === 'string') return choice === 'all';
    return choice.includes(checkpoint.position);
  };
  return checkpoints.map((checkpoint) => (isKept(checkpoint) ? checkpoint : withoutDensity(checkpoint)));
}

/** Of a list those positions at which no checkpoint could be read. */
export function notesOnSnapshots(
  checkpoints: readonly TrackCheckpoint[],
  choice: SnapshotChoice,
  axis: Track['axis'],
): string[] {
  if (typeof choice !== 'object') return [];
  const found = checkpoints.flatMap(({ problem, position }) => (problem === null ? [position] : []));
  const absent = choice.filter((position) => !found.includes(position));
  return absent.length === 0
    ? []
    : [`no density is kept at ${axis} ${absent.join(', ')}: there is no such ${axis}`];
}

function withoutDensity(checkpoint: TrackCheckpoint): TrackCheckpoint {
  const rows = checkpoint.rows.map((row) => {
    const { curvature } = row;
    if (curvature?.spectrum == null) return row;
    const spectrum = Object.freeze({ ...curvature.spectrum, density: null });
    return Object.freeze({ ...row, curvature: Object.freeze({ ...curvature, spectrum }) });
  });
  return Object.freeze({ ...checkpoint, rows: Object.freeze(rows) });
}
