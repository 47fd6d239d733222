import { area } from 'd3-shape';
import { LossAtlasError } from '../errors.js';
import type { Estimate, Track, TrackRow } from '../results.js';
import { checkOptions, isOneOf } from '../validate.js';
import { layoutAxes, type Axes } from './axes.js';
import { defaultTitle, paragraph, provenanceFacts } from './describe.js';
import { isScaleKind } from './field.js';
import { clipTo, emptyMessage, layoutFigure } from './figure.js';
import { drawLegend, legendHeight } from './legend.js';
import { drawCurve } from './line.js';
import { formatNumber } from './number-format.js';
import { figureChecks, type FigureOptions } from './options.js';
import { maxSeries, seriesStyle, type SeriesStyle } from './series.js';
import { element, type Box } from './svg.js';
import { valueScale, type ScaleKind } from './value-scale.js';

const name = 'drawTrack';

/** What a figure of a track shows over the epochs. */
export type TrackValue = 'accuracy' | 'loss' | 'kh05' | 'kh1' | 're' | 'eigenvalues' | 'trace';

export interface TrackFigureOptions extends FigureOptions {
  /** Default `accuracy`. */
  readonly value?: TrackValue | undefined;
  /** Default `linear`; of re `log`. */
  readonly scale?: ScaleKind | undefined;
}

/** A value with its interval, which may be NaN. */
type Point = Pick<Estimate, 'value' | 'low' | 'high'>;

interface Panel {
  readonly label: string;
  readonly point: (row: TrackRow) => Point | null;
}

const plain = (value: number): Point => ({ value, low: NaN, high: NaN });
const spectrumOf = (row: TrackRow) => row.curvature?.spectrum;

const panels: Readonly<Record<TrackValue, readonly Panel[]>> = {
  accuracy: [
    {
      label: 'accuracy, %',
      point: ({ accuracy }) => (accuracy === null ? null : plain(100 * accuracy)),
    },
  ],
  loss: [{ label: 'loss', point: ({ loss }) => plain(loss) }],
  kh05: [{ label: 'KH05', point: (row) => spectrumOf(row)?.criteria.kh05 ?? null }],
  kh1: [{ label: 'KH1', point: (row) => spectrumOf(row)?.criteria.kh1 ?? null }],
  re: [{ label: 're = |λ min / λ max|', point: (row) => spectrumOf(row)?.criteria.re ?? null }],
  eigenvalues: [
    { label: 'λ max', point: ({ curvature }) => eigenvalue(curvature?.largest) },
    { label: 'λ min', point: ({ curvature }) => eigenvalue(curvature?.smallest) },
  ],
  trace: [{ label: 'trace of the Hessian', point: (row) => spectrumOf(row)?.trace ?? null }],
};

export const trackValues = Object.keys(panels) as readonly TrackValue[];

/** An eigenvalue lies within the residual of the Rayleigh quotient of its unit vector. */
function eigenvalue(found: { readonly value: number; readonly residual: number } | undefined): Point | null {
  if (found === undefined) return null;
  const { value, residual } = found;
  return { value, low: value - residual, high: value + residual };
}

/** Whether a track has such values to draw. */
export function hasTrackValue({ checkpoints }: Track, value: TrackValue): boolean {
  const [{ point }] = panels[value] as readonly [Panel];
  return checkpoints.some(({ rows }) => rows.some((row) => point(row) !== null));
}

interface Curve {
  readonly label: string;
  readonly style: SeriesStyle;
  readonly points: readonly Point[];
}

/**
 * One quantity of a track over the epochs, a line each data set, with its intervals as bands (Gabdullin 2024,
 * arXiv 2412.10146, figures 10 to 13), as SVG. Default 720 × 400.
 *
 *     await savePng('kh05.png', drawTrack(track, { value: 'kh05' }));
 *
 * Throws ERR_INVALID_OPTION, ERR_INVALID_DATA for more than five data sets.
 */
export function drawTrack(track: Track, options: TrackFigureOptions = {}): string {
  checkOptions(name, options, { ...figureChecks, value: isOneOf(...trackValues), scale: isScaleKind });
  const { value = 'accuracy', title = defaultTitle({ ...track.provenance, data: titleOf(track) }) } = options;
  const { width = 720, scale = value === 're' ? 'log' : 'linear' } = options;
  const { height = value === 'eigenvalues' ? 560 : 400, caption = captionOf(track, value) } = options;
  if (track.datasets.length > maxSeries)
    throw new LossAtlasError(
      'ERR_INVALID_DATA',
      `${name}: ${track.datasets.length} curves cannot be told apart in one figure.`,
    );
  const drawn = track.checkpoints
    .filter(({ position }) => Number.isFinite(position))
    .sort((a, b) => a.position - b.position);
  const x = Float64Array.from(drawn, ({ position }) => position);
  const curvesOf = ({ point }: Panel): Curve[] =>
    track.datasets.flatMap(({ name: label }, d) => {
      const points = drawn.map(({ rows }) => (rows[d] === undefined ? null : point(rows[d])) ?? plain(NaN));
      const shown = points.map((item) => onScale(item, scale));
      const isThere = drawn.some(({ rows }) => rows[d] !== undefined && point(rows[d]) !== null);
      return isThere ? [{ label, style: seriesStyle(d), points: shown }] : [];
    });
  const figure = layoutFigure({ width, height, title, caption, notes: notesOf(track, value) });
  const list = panels[value];
  const curves = list.map(curvesOf);
  const legend = curves.find((found) => found.length > 0) ?? [];
  const top = figure.box.top + legendHeight(legend.length);
  const rowHeight = (figure.box.bottom - top) / list.length;
  const drawAll = (lefts: readonly number[]) =>
    list.map(({ label }, i) => {
      const box = {
        left: figure.box.left + (lefts[i] ?? 0),
        right: figure.box.right,
        top: top + i * rowHeight,
        bottom: top + (i + 1) * rowHeight,
      };
      // The axis of the last one stands for all.
      const xLabel = i === list.length - 1 ? track.axis : '';
      return drawPanel(x, curves[i]!, box, { label, scale, xLabel });
    });
  // Tick labels differ in width: the frames are brought into line.
  const starts = drawAll([]).map(({ box }) => box.left);
  const drawnPanels = drawAll(starts.map((start) => Math.max(...starts) - start));
  const content = drawnPanels.flatMap(({ svg }) => svg);
  return figure.finish([...content, drawLegend(legend, drawnPanels[0]!.box, figure.box.top)]);
}

interface PanelSpec {
  readonly label: string;
  readonly scale: ScaleKind;
  readonly xLabel: string;
}

function drawPanel(
  x: Float64Array,
  curves: readonly Curve[],
  outer: Box,
  { label, scale, xLabel }: PanelSpec,
): { readonly svg: readonly string[]; readonly box: Box } {
  const range = rangeOf(curves, scale);
  const axes = layoutAxes(outer, {
    x: { ...epochRange(x), label: xLabel, isWhole: true },
    y: { kind: scale, from: range?.[0] ?? 1, to: range?.[1] ?? 10, label, hasTicks: range !== null },
  });
  const data = curves.flatMap(({ points, style }) => [
    drawBand(x, points, axes, style.color),
    drawCurve(
      'value',
      x,
      Float64Array.from(points, ({ value }) => value),
      axes.x,
      axes.y,
      style.color,
      style.dashes,
    ),
  ]);
  if (range === null) data.push(emptyMessage(`no ${label} to draw`, axes.box));
  return { svg: [axes.below, clipTo(axes.box, data), axes.above], box: axes.box };
}

/** Half an epoch of air where there is a single one. */
function epochRange(x: Float64Array): { readonly from: number; readonly to: number } {
  if (x.length === 0) return { from: 0, to: 1 };
  const [from, to] = [x[0]!, x.at(-1)!];
  return from === to ? { from: from - 1, to: to + 1 } : { from, to };
}

/** What a log scale cannot show is a gap; the lower end of a band, its floor. */
function onScale(point: Point, scale: ScaleKind): Point {
  if (!Number.isFinite(point.value) || (scale === 'log' && point.value <= 0)) return plain(NaN);
  return point;
}

/** Bands are shown as far as the values themselves reach once more: one of two probes may be endless. */
function rangeOf(curves: readonly Curve[], scale: ScaleKind): readonly [number, number] | null {
  const points = curves.flatMap((curve) => curve.points.filter(({ value }) => !Number.isNaN(value)));
  if (points.length === 0) return null;
  const values = points.map(({ value }) => value);
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const inner = valueScale(scale, least, most);
  const [lowest, highest] = [inner.value(-1), inner.value(2)];
  const lows = points.map(({ low }) => low).filter((low) => Number.isFinite(low));
  const highs = points.map(({ high }) => high).filter((high) => Number.isFinite(high));
  const low = Math.min(least, Math.max(lowest, Math.min(...lows, least)));
  const high = Math.max(most, Math.min(highest, Math.max(...highs, most)));
  const full = valueScale(scale, low, high);
  return [full.value(-0.05), full.value(1.05)];
}

function drawBand(x: Float64Array, points: readonly Point[], axes: Axes, color: string): string {
  const isKnown = (i: number) => {
    const { value, low, high } = points[i]!;
    return !Number.isNaN(value) && Number.isFinite(low) && Number.isFinite(high);
  };
  // A log scale has no place for what is not positive: the floor of the frame.
  const y = (value: number) => {
    const at = axes.y(value);
    return Number.isFinite(at) ? at : axes.box.bottom;
  };
  const indices = Array.from(x.keys());
  if (!indices.some(isKnown)) return '';
  const band = area<number>(
    (i) => axes.x(x[i]!),
    (i) => y(points[i]!.low),
    (i) => y(points[i]!.high),
  )
    .defined(isKnown)
    .digits(2)(indices);
  return element('path', { d: band ?? '', fill: color, 'fill-opacity': 0.16, class: 'band' });
}

function titleOf({ datasets }: Track): string {
  return datasets.map((data) => data.name).join(', ');
}

function notesOf({ checkpoints, datasets }: Track, value: TrackValue): string[] {
  const numBad = checkpoints.filter(({ problem }) => problem !== null).length;
  const rows = checkpoints.flatMap((checkpoint) => checkpoint.rows);
  const numNotFinite = rows.filter(({ loss }) => !Number.isFinite(loss)).length;
  const numOpen =
    value === 'eigenvalues'
      ? rows.filter(
          ({ curvature }) =>
            curvature !== null && !(curvature.largest.converged && curvature.smallest.converged),
        ).length
      : 0;
  return [
    ...(numBad === 0 ? [] : [`${numBad} of ${checkpoints.length} checkpoints could not be read`]),
    ...(numNotFinite === 0
      ? []
      : [`${numNotFinite} of ${checkpoints.length * datasets.length} losses not finite`]),
    ...(numOpen === 0 ? [] : [`${numOpen} pairs of eigenvalues not converged: the bands are residuals`]),
  ];
}

function captionOf(track: Track, value: TrackValue): string {
  const { datasets, checkpoints, provenance, seed } = track;
  const samples = datasets.map((data) => `${data.name}: ${data.numSamples} samples`);
  // Those of the first data set alone.
  const shared = provenanceFacts(provenance).filter((fact) => !fact.endsWith(' samples'));
  if (value === 'accuracy' || value === 'loss') return paragraph([...samples, ...shared]);
  const sizes = datasets.filter(({ numCurvatureSamples }) => numCurvatureSamples > 0);
  const of = `Hessian of ${[...new Set(sizes.map((data) => data.numCurvatureSamples))].join(' and ')} samples`;
  const rows = checkpoints.flatMap((checkpoint) => checkpoint.rows);
  const settings = rows.map(spectrumOf).find((found) => found != null)?.criteria.settings;
  const lanczos =
    settings === undefined
      ? []
      : [
          `${settings.steps} Lanczos steps`,
          `${settings.probes} ${settings.probes === 1 ? 'probe' : 'probes'}`,
          ...(value === 'eigenvalues' || settings.probes === 1
            ? []
            : [
                `bands: ${formatNumber(100 * (value === 'trace' ? 0.95 : settings.confidence))} % over probes`,
              ]),
        ];
  return paragraph([of, ...lanczos, `seed ${seed}`, ...shared]);
}
