import { LossAtlasError } from '../errors.js';
import { checkOptions, invalidOption, isArrayOf, isInteger, isString } from '../validate.js';
import { layoutPage } from './figure.js';
import { isText } from './options.js';
import { element, num } from './svg.js';

export interface PageOptions {
  /** Figures side by side (default 2). */
  readonly columns?: number | undefined;
  /** Bold text above all ('' for none, the default). */
  readonly title?: string | undefined;
  /** Small text below all ('' for none, the default). */
  readonly caption?: string | undefined;
}

const gap = 8;
const head = /^<svg [^>]*?width="([\d.]+)" height="([\d.]+)"/;

/**
 * Finished figures on one page, as SVG, row by row: a curve beside a histogram, the surface of one net beside another's.
 * A column is as wide as its widest figure, a row as high as its highest.
 *
 *     const page = drawPage([drawLine(line), drawWeightHistogram(histogram)], { title: 'Two minima' });
 *
 * Throws ERR_INVALID_OPTION, ERR_INVALID_DATA for what is no figure of this library.
 */
export function drawPage(figures: readonly string[], options: PageOptions = {}): string {
  checkOptions('drawPage', options, { columns: isInteger(1, 12), title: isText, caption: isText });
  if (isArrayOf(isString, '')(figures) !== null || figures.length === 0)
    throw invalidOption('drawPage: figures', 'a list of figures, not empty', figures);
  const { title = '', caption = '' } = options;
  const columns = Math.min(options.columns ?? 2, figures.length);
  const sizes = figures.map(sizeOf);
  const largest = (of: (size: Size) => number, belongs: (i: number) => boolean) =>
    Math.max(...sizes.filter((_, i) => belongs(i)).map(of));
  const widths = Array.from({ length: columns }, (_, c) =>
    largest(
      ({ width }) => width,
      (i) => i % columns === c,
    ),
  );
  const heights = Array.from({ length: Math.ceil(figures.length / columns) }, (_, r) =>
    largest(
      ({ height }) => height,
      (i) => Math.floor(i / columns) === r,
    ),
  );
  const start = (list: readonly number[], count: number) =>
    list.slice(0, count).reduce((total, value) => total + value + gap, 0);
  const [width, height] = [start(widths, columns), start(heights, heights.length)];
  const page = layoutPage({ width: width + gap, title, caption, notes: [] }, height - gap);
  const placed = figures.map((svg, i) => {
    const x = gap + start(widths, i % columns);
    const y = page.box.top + start(heights, Math.floor(i / columns));
    return svg.replace('<svg ', `<svg x="${num(x)}" y="${num(y)}" `);
  });
  return page.finish([element('g', { class: 'page' }, placed.join(''))]);
}

interface Size {
  readonly width: number;
  readonly height: number;
}

function sizeOf(svg: string, place: number): Size {
  const found = head.exec(svg);
  if (found === null)
    throw new LossAtlasError('ERR_INVALID_DATA', `drawPage: figures[${place}] is no figure of this library.`);
  return { width: Number(found[1]), height: Number(found[2]) };
}
