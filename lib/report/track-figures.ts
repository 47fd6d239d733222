import { drawDensityPanels } from '../plot/density-panels.js';
import { defaultTitle, paragraph, provenanceFacts } from '../plot/describe.js';
import { drawTrack, hasTrackValue, trackValues, type TrackValue } from '../plot/track.js';
import type { Track } from '../results.js';
import { renderDensity } from '../spectrum/density.js';
import { frameOptions, pick, type Draw, type DrawResultOptions, type Figures } from './figure-options.js';

const values = trackValues.map((value): [TrackValue, Draw<Track>] => [
  value,
  (track, options) => drawTrack(track, { value, ...pick(options, [...frameOptions, 'scale']) }),
]);

export const trackFigures: Figures<Track> = { ...Object.fromEntries(values), density: drawSnapshots };

/** Of one track: those that it has values for. */
export function trackFiguresOf(track: Track): Figures<Track> {
  const found: Figures<Track> = Object.fromEntries(values.filter(([value]) => hasTrackValue(track, value)));
  return snapshotsOf(track).length === 0 ? found : { ...found, density: drawSnapshots };
}

/** Panels side by side that can be read. */
const maxColumns = 5;
/** Of a grid in a panel, where more would be finer than the picture. */
const panelPoints = 2000;

function snapshotsOf({ checkpoints }: Track): Track['checkpoints'] {
  return checkpoints.filter(({ rows }) => rows.some(({ curvature }) => curvature?.spectrum?.density != null));
}

/** Densities over the epochs: a row a data set, a column a checkpoint. */
function drawSnapshots(track: Track, options: DrawResultOptions): string {
  const all = snapshotsOf(track);
  const numColumns = Math.min(maxColumns, all.length);
  const shown = Array.from(
    { length: numColumns },
    (_, c) => all[numColumns === 1 ? 0 : Math.round((c * (all.length - 1)) / (numColumns - 1))]!,
  );
  const rows = track.datasets.flatMap(({ name: label }, d) => {
    const curves = shown.map(({ rows: found }) => {
      const density = found[d]?.curvature?.spectrum?.density;
      return density == null ? null : renderDensity(density, { points: panelPoints, ...options.density });
    });
    return curves.every((curve) => curve === null) ? [] : [{ label, curves }];
  });
  const settings = shown
    .flatMap((checkpoint) => checkpoint.rows)
    .map(({ curvature }) => curvature?.spectrum?.criteria.settings)
    .find((found) => found !== undefined);
  const sizes = track.datasets.map((data) => data.numCurvatureSamples).filter((count) => count > 0);
  return drawDensityPanels(
    {
      columns: shown.map(({ label, position }) => (track.axis === 'epoch' ? `epoch ${position}` : label)),
      rows,
    },
    {
      title: defaultTitle({ ...track.provenance, data: '' }) + ' · densities of the Hessian',
      caption: paragraph([
        `Hessian of ${[...new Set(sizes)].join(' and ')} samples`,
        ...(settings === undefined
          ? []
          : [`${settings.steps} Lanczos steps, ${settings.probes} probes, bands: 95 % over probes`]),
        ...(all.length > numColumns ? [`${numColumns} of ${all.length} snapshots`] : []),
        `seed ${track.seed}`,
        ...provenanceFacts(track.provenance).filter((fact) => !fact.endsWith(' samples')),
      ]),
      ...pick(options, [...frameOptions, 'scale', 'numDecades']),
    },
  );
}
