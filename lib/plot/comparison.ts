import { LossAtlasError } from '../errors.js';
import type { CriteriaComparison, CriteriaRow, Estimate } from '../results.js';
import { checkOptions } from '../validate.js';
import { drawBars, rowHeight } from './criteria-table.js';
import { layoutFigure, layoutPage } from './figure.js';
import { formatNumber } from './number-format.js';
import { figureChecks, type FigureOptions } from './options.js';
import { element, group, num, text, type Box } from './svg.js';
import { fitText, textWidth } from './text.js';
import { theme } from './theme.js';

const name = 'drawComparison';
const criteria = ['kh1', 'kh05', 're'] as const;
const headings = { kh1: 'KH1', kh05: 'KH05', re: 're' } as const;
const margin = 14;

/**
 * A comparison of criteria as a table with bars, as SVG: a row for each model, mode and data set with its accuracy, and
 * KH1, KH05 and re as numbers and as points with their intervals, each on an axis of its own; beside each change of data
 * whether it agrees with the paper's reading (KH05 rises when accuracy falls). Default 980 wide, as high as needed.
 *
 *     await savePng('criteria.png', drawComparison(await compareCriteria(models, datasets)));
 *
 * Throws ERR_INVALID_OPTION, ERR_INVALID_DATA for a comparison without rows.
 */
export function drawComparison(comparison: CriteriaComparison, options: FigureOptions = {}): string {
  checkOptions(name, options, figureChecks);
  const { rows } = comparison;
  const [first] = rows;
  if (first === undefined) throw new LossAtlasError('ERR_INVALID_DATA', `${name}: no rows to draw.`);
  const { width = 980, title = 'Criteria', caption = captionOf(comparison, first) } = options;
  const spec = { width, title, caption, notes: [] };
  const needed = layoutPage(spec, (rows.length + 1) * rowHeight + 34);
  const figure = options.height === undefined ? needed : layoutFigure({ ...spec, height: options.height });
  const { left, right, top } = figure.box;
  const texts = columnsOf(rows);
  const widths = texts.map((cells) =>
    Math.min(180, Math.max(...cells.map((cell, i) => textWidth(cell, theme.tickSize, i === 0)))),
  );
  const starts = widths.map((_, c) => left + widths.slice(0, c).reduce((sum, w) => sum + w + margin, 0));
  const panelsStart = left + widths.reduce((sum, w) => sum + w + margin, 0);
  const panelWidth = (right - panelsStart) / criteria.length;
  const baseline = (i: number) => top + (i + 0.68) * rowHeight;
  const drawRow = (i: number) =>
    group(
      { class: i === 0 ? 'heading' : 'row', 'font-weight': i === 0 ? 'bold' : undefined },
      texts.flatMap((cells, c) => {
        const fitted = fitText(cells[i]!, widths[c]! + 2, theme.tickSize, theme.minSize);
        return fitted.text === ''
          ? []
          : [text(fitted.text, [starts[c]!, baseline(i)], { 'font-size': fitted.size })];
      }),
    );
  const rule = (i: number, stroke: string) =>
    element('path', { d: `M${num(left)},${num(top + i * rowHeight)}H${num(right)}`, stroke });
  const ruleBelow = (i: number) => {
    const isGroupEnd = rows[i + 1]?.model !== rows[i]!.model;
    return rule(i + 2, isGroupEnd ? theme.axis : theme.grid);
  };
  return figure.finish([
    rule(1, theme.axis),
    ...rows.map((_, i) => ruleBelow(i)),
    ...[0, ...rows.map((_, i) => i + 1)].map(drawRow),
    ...criteria.map((key, c) =>
      drawPanel(rows, key, {
        left: panelsStart + c * panelWidth + (c === 0 ? 0 : margin / 2),
        right: panelsStart + (c + 1) * panelWidth - (c === 2 ? 0 : margin / 2),
        top,
        bottom: top + (rows.length + 1) * rowHeight,
      }),
    ),
  ]);
}

/** Model and mode where they change, data, accuracy, reading: heading first. */
function columnsOf(rows: readonly CriteriaRow[]): readonly (readonly string[])[] {
  const isNew = (i: number, keys: readonly ('model' | 'mode')[]) =>
    keys.some((key) => rows[i]![key] !== rows[i - 1]?.[key]);
  const columns = [
    ['model', ...rows.map(({ model }, i) => (isNew(i, ['model']) ? model : ''))],
    ['mode', ...rows.map(({ mode }, i) => (isNew(i, ['model', 'mode']) ? mode : ''))],
    ['data', ...rows.map(({ data }) => data)],
    [
      'accuracy',
      ...rows.map(({ accuracy }) => (accuracy === null ? '–' : `${(100 * accuracy).toFixed(1)} %`)),
    ],
  ];
  if (rows.every(({ change }) => change === null)) return columns;
  return [
    ...columns,
    [
      'KH05’s change',
      ...rows.map(({ change }) => (change === null ? '' : change.paperReading.replace('-', ' '))),
    ],
  ];
}

function drawPanel(rows: readonly CriteriaRow[], key: (typeof criteria)[number], box: Box): string {
  const estimates: readonly Estimate[] = rows.map((row) => row.criteria[key]);
  const values = estimates.map(({ value }) => threeDigits(value));
  const valueEnd =
    box.left + Math.max(...[...values, headings[key]].map((v) => textWidth(v, theme.tickSize, true)));
  const baseline = (i: number) => box.top + (i + 0.68) * rowHeight;
  const bars = {
    left: valueEnd + margin,
    right: box.right - 10,
    top: box.top + rowHeight,
    bottom: box.bottom,
  };
  return group({ class: `criterion-${key}` }, [
    text(headings[key], [valueEnd, baseline(0)], { 'text-anchor': 'end', 'font-weight': 'bold' }),
    ...values.map((value, i) => text(value, [valueEnd, baseline(i + 1)], { 'text-anchor': 'end' })),
    bars.right - bars.left > 40
      ? drawBars(
          estimates.map(({ value, low, high }) => ({ name: headings[key], value, low, high })),
          bars,
        )
      : '',
  ]);
}

/** As the columns of a table have them, zeros kept. */
function threeDigits(value: number): string {
  return value >= 0.001 && value < 1000 ? value.toPrecision(3) : formatNumber(value, 3);
}

function captionOf({ batchSize }: CriteriaComparison, { criteria }: CriteriaRow): string {
  const { batches, steps, probes, confidence } = criteria.settings;
  const over = batches > 1 ? 'batches' : 'probes';
  const numbers = [
    `${batches} ${batches === 1 ? 'batch' : 'batches'} of ${batchSize}`,
    `${steps} Lanczos steps`,
    `${probes} ${probes === 1 ? 'probe' : 'probes'} a batch`,
    `bars: ${formatNumber(100 * confidence)} % intervals over ${over}`,
  ];
  return numbers.join(' · ');
}
