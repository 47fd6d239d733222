import { LossAtlasError } from '../errors.js';
import type { ConnectionPath, ModeConnection, PathBarrier, PathEvaluation } from '../results.js';
import { checkOptions } from '../validate.js';
import { layoutAxes, type Axes } from './axes.js';
import { defaultTitle, optimizerFacts, paragraph, provenanceFacts } from './describe.js';
import {
  drawingNotes,
  drawingScaleChecks,
  drawnValues,
  rangeOf,
  type DrawingScale,
  type DrawnValues,
} from './field.js';
import { clipTo, emptyMessage, layoutFigure } from './figure.js';
import { checkLine, drawCurve, withMargin } from './line.js';
import { formatNumber } from './number-format.js';
import { figureChecks, type FigureOptions } from './options.js';
import { maxSeries, sampleLine, sampleWidth, seriesStyle } from './series.js';
import { element, group, num, text, type Box } from './svg.js';
import { fitText } from './text.js';
import { theme } from './theme.js';

export interface ConnectionFigureOptions extends FigureOptions, DrawingScale {}

const name = 'drawConnection';
const leading = 17;
const panelGap = 10;
const pathNames = { linear: 'straight line', bezier: 'Bezier curve', chain: 'chain' } as const;

/** What a path is called in figures and tables. */
export function pathName({ kind, numBends }: Pick<ConnectionPath, 'kind' | 'numBends'>): string {
  return numBends > 1 ? `${pathNames[kind]} of ${numBends} bends` : pathNames[kind];
}

/** One curve of the figure: a path on a data set. */
interface Curve {
  readonly path: number;
  readonly data: number;
  readonly evaluation: PathEvaluation;
  readonly drawn: DrawnValues;
}

/**
 * Loss along the paths of a connection over t, and below it accuracy where there is one, as SVG. A colour a path, dashes a data
 * set; a bracket at each path's barrier on the first data set, whose height stands in the legend. Default 720 × 440, with accuracy
 * 720 × 600; linear scale.
 *
 *     await saveSvg('connection.svg', drawConnection(found.connection, { scale: 'log' }));
 *
 * Throws ERR_INVALID_OPTION, ERR_INVALID_DATA for more than five data sets.
 */
export function drawConnection(connection: ModeConnection, options: ConnectionFigureOptions = {}): string {
  checkOptions(name, options, { ...figureChecks, ...drawingScaleChecks });
  const { t, paths, from, to } = connection;
  const datasets = paths[0]?.evaluations.map(({ data }) => data) ?? [];
  if (datasets.length > maxSeries) {
    const problem = `${datasets.length} data sets cannot be told apart in one figure`;
    throw new LossAtlasError('ERR_INVALID_DATA', `${name}: ${problem}.`);
  }
  const curves = paths.flatMap(({ evaluations }, path) =>
    evaluations.map((evaluation, data): Curve => {
      checkLine(name, t, { loss: evaluation.loss, accuracy: evaluation.accuracy });
      return { path, data, evaluation, drawn: drawnValues(name, evaluation.loss, options) };
    }),
  );
  const hasAccuracy = curves.some(({ evaluation }) => evaluation.accuracy !== null);
  const { width = 720, height = hasAccuracy ? 600 : 440 } = options;
  const { title = defaultTitle(connection.provenance), caption = captionOf(connection) } = options;
  const drawn = curves.map((curve) => curve.drawn);
  const notes = [
    ...drawingNotes('loss', drawn).map((note) => note.replaceAll(' (hatched)', ' (left out)')),
    ...paths.flatMap((path) => {
      const divergedAt = path.training?.divergedAt ?? null;
      return divergedAt === null ? [] : [`${pathName(path)}: training diverged at step ${divergedAt}`];
    }),
  ];
  const figure = layoutFigure({ width, height, title, caption, notes });
  const numRows = paths.length + (datasets.length > 1 ? 1 : 0);
  const top = figure.box.top + numRows * leading + 4;
  const middle = hasAccuracy ? top + 0.58 * (figure.box.bottom - top) : figure.box.bottom;
  const label = `t (0 = ${from}, 1 = ${to})`;
  const x = { from: 0, to: 1 };
  const { low, high } = rangeOf(drawn);
  const isEmpty = Number.isNaN(low);
  const kind = options.scale ?? 'linear';
  const [bottomLoss, topLoss] = isEmpty ? [1, 10] : withMargin(kind, low, high);
  const lossSpec = {
    x: { ...x, label: hasAccuracy ? '' : label },
    y: { kind, from: bottomLoss, to: topLoss, label: 'loss', hasTicks: !isEmpty },
  };
  const lossBox = { ...figure.box, top, bottom: middle };
  const shareBox = { ...figure.box, top: middle + panelGap };
  const shares = curves.map(({ evaluation, ...curve }) => ({
    ...curve,
    values: evaluation.accuracy?.map((share) => 100 * share) ?? t.map(() => NaN),
  }));
  const shareSpec = { x: { ...x, label }, y: { from: leastShare(shares), to: 100, label: 'accuracy, %' } };
  // One frame under the other, whatever room their numbers take.
  const left = Math.max(
    ...[layoutAxes(lossBox, lossSpec), ...(hasAccuracy ? [layoutAxes(shareBox, shareSpec)] : [])].map(
      ({ box }) => box.left,
    ),
  );
  const aligned = (box: Box, spec: typeof lossSpec | typeof shareSpec) =>
    layoutAxes({ ...box, left: box.left + left - layoutAxes(box, spec).box.left }, spec);
  const losses = aligned(lossBox, lossSpec);
  const content = [
    legend(paths, datasets, figure.box),
    ...panel(
      losses,
      curves.map((curve) => ({ ...curve, values: curve.drawn.values })),
      t,
      datasets.length,
    ),
    ...paths.map(({ evaluations }, i) => bracket(evaluations[0]!, losses, i)),
    isEmpty ? emptyMessage('no loss to draw', losses.box) : '',
  ];
  if (hasAccuracy) content.push(...panel(aligned(shareBox, shareSpec), shares, t, datasets.length));
  return figure.finish(content);
}

/** Near 100 % differences would vanish on the full range. */
function leastShare(curves: readonly PanelCurve[]): number {
  const finite = curves.flatMap(({ values }) => Array.from(values).filter((value) => !Number.isNaN(value)));
  const lowest = Math.min(100, ...finite);
  return Math.max(0, lowest - 0.08 * Math.max(1, 100 - lowest));
}

interface PanelCurve {
  readonly path: number;
  readonly data: number;
  readonly values: Float64Array;
}

/** Curves, and a ring at either end of each path on the first data set. */
function panel(axes: Axes, curves: readonly PanelCurve[], t: Float64Array, numDatasets: number): string[] {
  const lines = curves.map(({ path, data, values }) =>
    drawCurve('path', t, values, axes.x, axes.y, seriesStyle(path).color, styleOf(path, data, numDatasets)),
  );
  const marks = curves.map(({ path, values }) => pathMarks(path, t, values, axes));
  const rings = curves
    .filter(({ path, data }) => path === 0 && data === 0)
    .flatMap(({ values }) =>
      [0, t.length - 1]
        .filter((i) => !Number.isNaN(values[i]!))
        .map((i) => element('circle', { cx: axes.x(t[i]!), cy: axes.y(values[i]!), r: 4.2 })),
    );
  const ends = { class: 'ends', fill: theme.background, stroke: theme.axis, 'stroke-width': 1.6 };
  return [axes.below, clipTo(axes.box, [...lines, ...marks]), axes.above, group(ends, rings)];
}

/** Every tenth of the way, so that paths are told apart without their colours. */
function pathMarks(path: number, t: Float64Array, values: Float64Array, axes: Axes): string {
  const every = Math.max(1, Math.round((t.length - 1) / 10));
  const places = Array.from(values.keys()).filter(
    (i) => i > 0 && i < t.length - 1 && i % every === 0 && !Number.isNaN(values[i]!),
  );
  const marks = places.map((i) => pathMark(path, axes.x(t[i]!), axes.y(values[i]!)));
  return group({ class: 'path-marks' }, marks);
}

/** None of the first path, circles of the second, squares of the third. */
function pathMark(path: number, x: number, y: number): string {
  const style = { fill: theme.background, stroke: seriesStyle(path).color, 'stroke-width': 1.4 };
  if (path === 0) return '';
  if (path === 1) return element('circle', { cx: x, cy: y, r: 3.2, ...style });
  return element('rect', { x: x - 2.9, y: y - 2.9, width: 5.8, height: 5.8, ...style });
}

/** Of a single data set dashes tell paths apart, too. */
function styleOf(path: number, data: number, numDatasets: number): string | undefined {
  return seriesStyle(numDatasets > 1 ? data : path).dashes;
}

/** From the line between the ends up to the curve, where it is farthest. */
function bracket({ loss, barrier }: PathEvaluation, axes: Axes, path: number): string {
  const { height, t } = barrier;
  const [first, last] = [loss[0]!, loss.at(-1)!];
  const base = (1 - t) * first + t * last;
  const [x, low, high] = [axes.x(t), axes.y(base), axes.y(base + height)];
  // Too small to be seen, or off the scale.
  const isShown = low - high > 8 && high >= axes.box.top && low <= axes.box.bottom;
  if (!isShown) return '';
  const d = `M${num(x - 5)},${num(low)}h10M${num(x - 5)},${num(high)}h10M${num(x)},${num(low)}V${num(high)}`;
  const { color } = seriesStyle(path);
  return element('path', { d, stroke: color, 'stroke-width': 1.2, fill: 'none', class: 'barrier' });
}

function legend(paths: readonly ConnectionPath[], datasets: readonly string[], box: Box): string {
  const rows = paths.map((path, i) => {
    const { barrier } = path.evaluations[0]!;
    const dashes = styleOf(i, 0, datasets.length);
    return {
      style: { color: seriesStyle(i).color, dashes },
      label: `${pathName(path)}: ${barrierText(barrier)}`,
    };
  });
  const start = box.left + 62;
  const lines = rows.map(({ style, label }, i) => {
    const baseline = box.top + (i + 0.7) * leading;
    const fitted = fitText(label, box.right - start - sampleWidth - 8, theme.tickSize, theme.minSize);
    return (
      sampleLine(style, start, baseline - 4) +
      pathMark(i, start + sampleWidth / 2, baseline - 4) +
      text(fitted.text, [start + sampleWidth + 8, baseline], { 'font-size': fitted.size })
    );
  });
  if (datasets.length > 1) {
    const baseline = box.top + (rows.length + 0.7) * leading;
    const room = (box.right - start) / datasets.length;
    datasets.forEach((data, i) => {
      const left = start + i * room;
      const fitted = fitText(data, room - sampleWidth - 16, theme.tickSize, theme.minSize);
      lines.push(
        sampleLine({ color: theme.muted, dashes: seriesStyle(i).dashes }, left, baseline - 4) +
          text(fitted.text, [left + sampleWidth + 8, baseline], { 'font-size': fitted.size }),
      );
    });
  }
  return group({ class: 'legend' }, lines);
}

/** A barrier of losses in words. */
export function barrierText({ height, t, worst }: PathBarrier): string {
  if (worst === Infinity) return 'a barrier without end';
  // Less is rounding.
  if (height <= 1e-12 * Math.abs(worst)) return 'no barrier';
  return `barrier ${formatNumber(height, 3)} at t = ${formatNumber(t, 3)}`;
}

function captionOf({ paths, training, distance, seed, provenance }: ModeConnection): string {
  const lengths = paths
    .filter(({ kind }) => kind !== 'linear')
    .map((path) => `${pathName(path)} ${formatNumber(path.length / distance)} times as long as the line`);
  const how =
    training === null
      ? []
      : [
          `${training.steps} steps of ${training.batchSize} samples`,
          ...optimizerFacts(training.optimizer, training.schedule),
          `seed ${seed}`,
        ];
  return paragraph([
    `‖w2 − w1‖ = ${formatNumber(distance)}`,
    ...lengths,
    ...how,
    ...provenanceFacts(provenance),
  ]);
}
