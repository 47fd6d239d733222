import type { ExplosionRow, ExplosionTable } from '../results.js';
import { checkOptions } from '../validate.js';
import { defaultTitle, explosionRowName, explosionRule, paragraph, provenanceFacts } from './describe.js';
import { layoutPage } from './figure.js';
import { formatNumber } from './number-format.js';
import { figureChecks, type FigureOptions } from './options.js';
import { element, group, rectangle, text } from './svg.js';
import { fitText } from './text.js';
import { theme } from './theme.js';

const name = 'drawExplosionTable';
const rowHeight = 44;
const headHeight = 26;
const labelWidth = 170;

const words: Readonly<Record<'none' | 'grows' | 'explodes', string>> = {
  none: 'no',
  grows: 'grows',
  explodes: 'explodes',
};

/** Darker with every power of ten, to 10⁶ and beyond. */
function shadeOf(ratio: number): number {
  if (Number.isNaN(ratio)) return 1;
  return Math.max(0, Math.min(1, Math.log10(Math.max(1, ratio)) / 6));
}

/**
 * Value explosion by mode, axes and normalisation, as SVG: each cell gives the verdict, the largest loss as a multiple of
 * the model's and the share of points above the cap (Gabdullin 2024, arXiv 2412.10146, Table 1). Default width 720; its
 * height follows from the rows. Throws ERR_INVALID_OPTION.
 */
export function drawExplosionTable(
  table: ExplosionTable,
  options: Omit<FigureOptions, 'height'> = {},
): string {
  const { height: _, ...checks } = figureChecks;
  checkOptions(name, options, checks);
  const { provenance, x } = table.rows[0]!.surface;
  const columns = [...new Set(table.rows.map(({ normalization }) => normalization))];
  const keys = [...new Set(table.rows.map(explosionRowName))];
  const { width = 720, title = provenance === null ? '' : `Value explosion: ${defaultTitle(provenance)}` } =
    options;
  const {
    caption = paragraph([
      explosionRule(table),
      'beside it the largest loss as a multiple of the model’s, and the share of points above the cap',
      `${x.length} × ${x.length} points, ${formatNumber(x[0]!, 3)} … ${formatNumber(x.at(-1)!, 3)} along both axes`,
      ...(provenance === null ? [] : provenanceFacts(provenance).filter((fact) => !fact.includes('mode'))),
    ]),
  } = options;
  const numOpen = table.rows.filter(({ axesConverged }) => !axesConverged).length;
  const notes =
    numOpen === 0 ? [] : [`the axes of ${numOpen} cells are no eigenvectors: their search did not converge`];
  const figure = layoutPage({ width, title, caption, notes }, headHeight + keys.length * rowHeight);
  const { left, right, top } = figure.box;
  const columnWidth = (right - left - labelWidth) / columns.length;
  const middle = (c: number) => left + labelWidth + (c + 0.5) * columnWidth;
  const head = columns.map((column, c) =>
    text(column, [middle(c), top + 16], { 'text-anchor': 'middle', 'font-weight': 'bold' }),
  );
  const body = keys.flatMap((key, r) => {
    const y = top + headHeight + r * rowHeight;
    const label = text(key, [left + 4, y + rowHeight / 2 + 4]);
    const cells = table.rows
      .filter((row) => explosionRowName(row) === key)
      .map((row) => cell(row, middle(columns.indexOf(row.normalization)), y, columnWidth));
    return [label, ...cells];
  });
  return figure.finish([group({ class: 'head' }, head), group({ class: 'cells' }, body)]);
}

function cell({ surface }: ExplosionRow, x: number, y: number, width: number): string {
  const { explosion } = surface;
  if (explosion === null) return '';
  const { maxToCenterRatio, shareAboveCap, verdict } = explosion;
  const shade = shadeOf(maxToCenterRatio);
  const box = { left: x - width / 2 + 1, right: x + width / 2 - 1, top: y + 1, bottom: y + rowHeight - 1 };
  const ratio = Number.isNaN(maxToCenterRatio) ? 'not finite' : `× ${formatNumber(maxToCenterRatio, 3)}`;
  const share = shareAboveCap === 0 ? '' : `, ${formatNumber(100 * shareAboveCap, 2)} %`;
  const fit = fitText(`${ratio}${share}`, width - 8, theme.noteSize, theme.minSize);
  const fill = shade > 0.72 ? '#ffffff' : theme.text;
  return (
    rectangle(box, { fill: theme.secondary, 'fill-opacity': 0.06 + 0.94 * shade }) +
    element(
      'g',
      { fill, 'text-anchor': 'middle' },
      text(words[verdict], [x, y + 18], { 'font-weight': 'bold' }) +
        text(fit.text, [x, y + 34], { 'font-size': fit.size }),
    )
  );
}
