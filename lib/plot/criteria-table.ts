import { checkOptions, isNumber } from '../validate.js';
import { layoutFigure } from './figure.js';
import { formatNumber } from './number-format.js';
import { figureChecks, isText, type FigureOptions } from './options.js';
import { element, group, num, text, type Box } from './svg.js';
import { fitText, textWidth, wrapText } from './text.js';
import { theme } from './theme.js';
import { valueScale, type ValueScale } from './value-scale.js';

export interface CriterionRow {
  readonly name: string;
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

export interface CriteriaOptions extends FigureOptions {
  /** Confidence of the intervals, for the heading (default 0.95). */
  readonly confidence?: number | undefined;
  /** Of the intervals' column, where they are no confidence intervals. */
  readonly intervalHeading?: string | undefined;
}

export const rowHeight = 26;
const margin = 16;

/**
 * A table of criteria with their confidence intervals, as numbers and as bars on one axis (logarithmic where all ends are
 * positive and far apart), as SVG. Default 620 wide, as high as needed. Throws ERR_INVALID_OPTION.
 */
export function drawCriteria(rows: readonly CriterionRow[], options: CriteriaOptions = {}): string {
  checkOptions('drawCriteria', options, {
    ...figureChecks,
    confidence: isNumber(0, 1),
    intervalHeading: isText,
  });
  const { width = 620, confidence = 0.95, title = 'Criteria', caption = '' } = options;
  const { intervalHeading = `${formatNumber(100 * confidence)} % interval` } = options;
  const numCaptionLines = wrapText(caption, width - 24, theme.noteSize, 4).length;
  const needed = (title === '' ? 12 : 40) + (rows.length + 1) * rowHeight + 40 + numCaptionLines * 15;
  const { height = needed } = options;
  const figure = layoutFigure({ width, height, title, caption, notes: [] });
  const { left, right, top } = figure.box;
  const cells = rows.map(({ name, value, low, high }) => ({
    name,
    value: formatNumber(value),
    interval: Number.isNaN(low) && Number.isNaN(high) ? '' : `${formatNumber(low)} … ${formatNumber(high)}`,
  }));
  const heading = {
    name: 'criterion',
    value: 'value',
    interval: intervalHeading,
  };
  const columnWidth = (key: 'name' | 'value' | 'interval', size: number) =>
    Math.max(...[heading, ...cells].map((cell) => textWidth(cell[key], size))) + margin;
  const nameWidth = Math.min(columnWidth('name', theme.tickSize), (right - left) * 0.4);
  const valueEnd = left + nameWidth + columnWidth('value', theme.tickSize);
  const intervalStart = valueEnd + margin;
  const barStart = intervalStart + columnWidth('interval', theme.tickSize) + margin;
  const baseline = (i: number) => top + (i + 0.68) * rowHeight;
  const drawRow = (cell: (typeof cells)[number], i: number, weight?: string) => {
    const name = fitText(cell.name, nameWidth - margin / 2, theme.tickSize, theme.minSize);
    return group({ class: 'row', 'font-weight': weight }, [
      text(name.text, [left, baseline(i)], { 'font-size': name.size }),
      text(cell.value, [valueEnd, baseline(i)], { 'text-anchor': 'end' }),
      text(cell.interval, [intervalStart, baseline(i)]),
    ]);
  };
  const rule = (i: number, stroke: string) =>
    element('path', { d: `M${num(left)},${num(top + i * rowHeight)}H${num(right)}`, stroke });
  const bars: Box = {
    left: barStart,
    right: right - 14,
    top: top + rowHeight,
    bottom: top + (rows.length + 1) * rowHeight,
  };
  return figure.finish([
    drawRow(heading, 0, 'bold'),
    rule(1, theme.axis),
    ...cells.map((cell, i) => drawRow(cell, i + 1)),
    ...cells.map((_, i) => rule(i + 2, i + 1 === cells.length ? theme.axis : theme.grid)),
    bars.right - bars.left > 60 ? drawBars(rows, bars) : '',
  ]);
}

/** Values with their intervals, one a row, on one axis. */
export function drawBars(rows: readonly CriterionRow[], box: Box): string {
  const ends = rows.flatMap(({ value, low, high }) => [value, low, high]).filter(Number.isFinite);
  if (ends.length === 0) return '';
  const [low, high] = [Math.min(...ends), Math.max(...ends)];
  const kind = low > 0 && high / low > 30 ? 'log' : 'linear';
  const width = box.right - box.left;
  // Fewer than four leave two decades without a power of ten.
  const count = kind === 'log' ? Math.max(4, width / 45) : width / 55;
  const scale = valueScale(kind, kind === 'log' ? low : Math.min(0, low), high, count);
  const at = (value: number) =>
    box.left + Math.max(0, Math.min(1, scale.position(value))) * (box.right - box.left);
  const bars = rows.map((row, i) => {
    if (!Number.isFinite(row.value)) return '';
    const y = box.top + (i + 0.5) * rowHeight;
    const [a, b] = [
      at(Number.isNaN(row.low) ? row.value : row.low),
      at(Number.isNaN(row.high) ? row.value : row.high),
    ];
    return (
      element('path', {
        d: `M${num(a)},${num(y)}H${num(b)}M${num(a)},${num(y - 4)}v8M${num(b)},${num(y - 4)}v8`,
      }) + element('circle', { cx: at(row.value), cy: y, r: 3.2, fill: theme.primary, stroke: 'none' })
    );
  });
  return group({ class: 'bars' }, [
    drawBarAxis(scale, box, at),
    group({ fill: 'none', stroke: theme.primary, 'stroke-width': 1.5 }, bars),
  ]);
}

function drawBarAxis(scale: ValueScale, box: Box, at: (value: number) => number): string {
  return group({ class: 'axis-x', 'font-size': theme.noteSize }, [
    element('path', {
      d: scale.ticks.map(({ value }) => `M${num(at(value))},${num(box.top)}V${num(box.bottom + 4)}`).join(''),
      stroke: theme.grid,
    }),
    ...scale.ticks.map(({ value, label }) =>
      text(label, [at(value), box.bottom + 17], { 'text-anchor': 'middle' }),
    ),
  ]);
}
