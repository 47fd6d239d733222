import { drawTrack, hasTrackValue, trackValues } from '../plot/track.js';
import type { Track } from '../results.js';
import { frameOptions, pick, type Draw, type Figures } from './figure-options.js';

const entries = trackValues.map((value): [(typeof trackValues)[number], Draw<Track>] => [
  value,
  (track, options) => drawTrack(track, { value, ...pick(options, [...frameOptions, 'scale']) }),
]);

export const trackFigures: Figures<Track> = Object.fromEntries(entries);

/** Of one track: those that it has values for. */
export function trackFiguresOf(track: Track): Figures<Track> {
  return Object.fromEntries(entries.filter(([value]) => hasTrackValue(track, value)));
}
