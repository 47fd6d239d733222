import { LossAtlasError } from '../errors.js';
import type { LossLine } from '../results.js';
import { checkOptions } from '../validate.js';
import { layoutAxes } from './axes.js';
import { defaultCaption, lineLabel } from './describe.js';
import { drawingNotes, drawnValues } from './field.js';
import { clipTo, emptyMessage, layoutFigure } from './figure.js';
import { drawLegend, legendHeight } from './legend.js';
import { checkLine, drawCurve, lineChecks, valueRange, type LineOptions } from './line.js';
import { explosionNotes, quantityOf } from './quantity.js';
import { maxSeries, seriesStyle } from './series.js';

const name = 'drawLines';

/** A line under the name that the legend gives it. */
export interface LabelledLine {
  readonly label: string;
  readonly line: LossLine;
}

/**
 * Up to five lines on shared axes, told apart by colour and dashes, as SVG: loss, or what `value` names. Default 720 × 440,
 * linear scale.
 *
 *     drawLines([{ label: 'batch 64', line: small }, { label: 'batch 8192', line: large }]);
 *
 * Throws ERR_INVALID_OPTION, ERR_INVALID_DATA.
 */
export function drawLines(lines: readonly LabelledLine[], options: LineOptions = {}): string {
  checkOptions(name, options, lineChecks);
  if (lines.length === 0 || lines.length > maxSeries) {
    const problem = `${lines.length} lines cannot be told apart in one figure; give 1 to ${maxSeries}`;
    throw new LossAtlasError('ERR_INVALID_DATA', `${name}: ${problem}.`);
  }
  const curves = lines.map(({ label, line }, i) => {
    const quantity = quantityOf(name, line, options);
    checkLine(name, line.coordinates, { [quantity.noun]: quantity.values });
    const drawn = drawnValues(name, quantity.values, options);
    return { label, line, quantity, drawn, style: seriesStyle(i) };
  });
  const first = curves[0]!;
  const { width = 720, height = 440, title = first.quantity.noun } = options;
  const { caption = lines.length === 1 ? defaultCaption(first.line) : '' } = options;
  const figure = layoutFigure({
    width,
    height,
    title,
    caption,
    notes: [
      ...drawingNotes(
        first.quantity.noun,
        curves.map(({ drawn }) => drawn),
      ),
      ...explosionNotes(
        lines.map(({ line }) => line),
        options,
      ),
    ],
  });
  const visible = curves.filter(({ drawn }) => !drawn.isEmpty);
  const ranges = visible.map(({ quantity, drawn }) => valueRange(quantity, drawn));
  const [low, high] = [Math.min(...ranges.map(([l]) => l)), Math.max(...ranges.map(([, h]) => h))];
  const labels = new Set(lines.map(({ line }) => lineLabel(line)));
  const axes = layoutAxes(
    { ...figure.box, top: figure.box.top + legendHeight(curves.length) },
    {
      x: {
        from: Math.min(...lines.map(({ line }) => line.coordinates[0]!)),
        to: Math.max(...lines.map(({ line }) => line.coordinates.at(-1)!)),
        label: labels.size === 1 ? [...labels][0]! : 'α',
      },
      y: {
        kind: first.drawn.kind,
        from: ranges.length === 0 ? 1 : low,
        to: ranges.length === 0 ? 10 : high,
        label: first.quantity.label,
        hasTicks: ranges.length > 0,
      },
    },
  );
  const data = curves.map(({ line, drawn, style }) =>
    drawCurve('curve', line.coordinates, drawn.values, axes.x, axes.y, style.color, style.dashes),
  );
  if (ranges.length === 0) data.push(emptyMessage(`no ${first.quantity.noun} to draw`, axes.box));
  const legend = drawLegend(curves, axes.box, figure.box.top);
  return figure.finish([axes.below, clipTo(axes.box, data), legend, axes.above]);
}
