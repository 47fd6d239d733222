import { LossAtlasError } from '../errors.js';
import type { TrainingRun } from '../results.js';
import { checkOptions, isOneOf } from '../validate.js';
import { layoutAxes } from './axes.js';
import { defaultTitle, optimizerFacts, paragraph, provenanceFacts } from './describe.js';
import { clipTo, emptyMessage, layoutFigure } from './figure.js';
import { drawLegend, legendHeight } from './legend.js';
import { drawCurve } from './line.js';
import { figureChecks, type FigureOptions } from './options.js';
import { maxSeries, seriesStyle } from './series.js';
import { valueScale, type ScaleKind } from './value-scale.js';

const name = 'drawTraining';

export interface TrainingFigureOptions extends FigureOptions {
  /** Of losses: `linear` (default) or `log`. */
  readonly scale?: ScaleKind | undefined;
}

interface Curve {
  readonly label: string;
  readonly loss: Float64Array;
  readonly accuracy: Float64Array | null;
}

/**
 * Losses of a training run over its epochs (left axis, solid) and accuracies (right axis, dashed), of the training samples
 * and of every data set that was evaluated, as SVG. Default 720 × 440.
 *
 *     await saveSvg('training.svg', drawTraining(training.run, { scale: 'log' }));
 *
 * Throws ERR_INVALID_OPTION, ERR_INVALID_DATA for more than four data sets.
 */
export function drawTraining(run: TrainingRun, options: TrainingFigureOptions = {}): string {
  checkOptions(name, options, { ...figureChecks, scale: isOneOf('linear', 'log') });
  const curves: Curve[] = [{ label: 'training samples', loss: run.loss, accuracy: run.accuracy }];
  for (const { data, loss, accuracy } of run.evaluations) curves.push({ label: data, loss, accuracy });
  if (curves.length > maxSeries) {
    const problem = `${curves.length} curves cannot be told apart in one figure`;
    throw new LossAtlasError('ERR_INVALID_DATA', `${name}: ${problem}.`);
  }
  const { width = 720, height = 440, scale = 'linear' } = options;
  const { title = defaultTitle(run.provenance), caption = captionOf(run) } = options;
  const drawn = curves.map((curve) => ({
    ...curve,
    loss: curve.loss.map((value) =>
      Number.isFinite(value) && (scale === 'linear' || value > 0) ? value : NaN,
    ),
  }));
  const values = drawn.flatMap(({ loss }) => Array.from(loss).filter((value) => !Number.isNaN(value)));
  const hasAccuracy = curves.some(({ accuracy }) => accuracy !== null);
  const notes = [
    ...(hasAccuracy ? ['solid: loss, dashed: accuracy'] : []),
    ...(run.divergedAt === null ? [] : [`diverged at step ${run.divergedAt}`]),
  ];
  const figure = layoutFigure({ width, height, title, caption, notes });
  // Of no value there is no scale.
  const range = values.length === 0 ? null : valueScale(scale, Math.min(...values), Math.max(...values));
  const epochs = Float64Array.from(run.loss, (_, i) => i + 1);
  const axes = layoutAxes(
    { ...figure.box, top: figure.box.top + legendHeight(curves.length) },
    {
      x: { from: 1, to: Math.max(2, epochs.length), label: 'epoch', isWhole: true },
      y: {
        kind: scale,
        from: range?.value(-0.05) ?? 1,
        to: range?.value(1.05) ?? 10,
        label: 'loss',
        hasTicks: range !== null,
      },
      right: hasAccuracy ? { from: 0, to: 100, label: 'accuracy, %' } : undefined,
    },
  );
  const data = drawn.flatMap(({ loss, accuracy }, i) => {
    const { color } = seriesStyle(i);
    const percent = accuracy?.map((share) => 100 * share);
    return [
      ...(percent === undefined
        ? []
        : [drawCurve('accuracy', epochs, percent, axes.x, axes.right, color, '5 3')]),
      drawCurve('loss', epochs, loss, axes.x, axes.y, color),
    ];
  });
  if (range === null) data.push(emptyMessage('no loss to draw', axes.box));
  // Dashes tell accuracies from losses.
  const entries = curves.map(({ label }, i) => ({
    label,
    style: { color: seriesStyle(i).color, dashes: undefined },
  }));
  return figure.finish([
    axes.below,
    clipTo(axes.box, data),
    drawLegend(entries, axes.box, figure.box.top),
    axes.above,
  ]);
}

function captionOf(run: TrainingRun): string {
  const { optimizer, schedule, batchSize, seed, clipNorm, poison, provenance } = run;
  return paragraph([
    ...optimizerFacts(optimizer, schedule),
    `batches of ${batchSize}`,
    `seed ${seed}`,
    ...(clipNorm === null ? [] : [`gradients clipped to ${clipNorm}`]),
    ...(poison === null ? [] : [`avoiding labels of ${poison.data} (β = ${poison.weight})`]),
    ...provenanceFacts(provenance),
  ]);
}
