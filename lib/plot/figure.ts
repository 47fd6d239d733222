import { element, escapeXml, rectangle, text, type Box } from './svg.js';
import { fitText, wrapText } from './text.js';
import { theme } from './theme.js';

export interface FigureSpec {
  readonly width: number;
  readonly height: number;
  readonly title: string;
  readonly caption: string;
  /** Warnings about the data, one line each, drawn above the caption. */
  readonly notes: readonly string[];
}

export interface Figure {
  /** What title, notes and caption leave free. */
  readonly box: Box;
  /** The whole SVG document around `content`. */
  readonly finish: (content: readonly string[]) => string;
}

const margin = 12;
const noteLeading = 15;

/** Lays out title (top, at most two lines), notes and caption (bottom). */
export function layoutFigure(spec: FigureSpec): Figure {
  const { width, height, title, caption, notes } = spec;
  const center = width / 2;
  const available = width - 2 * margin;
  const header = titleLines(title, available);
  const leading = header.size * 1.3;
  const titleEnd = header.lines.length === 0 ? margin : margin + header.lines.length * leading + 6;
  const footer = [
    ...notes.flatMap((note) =>
      wrapText(note, available, theme.noteSize, 2).map((line) => [line, theme.warning]),
    ),
    ...wrapText(caption, available, theme.noteSize, 4).map((line) => [line, theme.muted]),
  ] as [string, string][];
  const footerStart = height - 8 - footer.length * noteLeading;

  const titleText = header.lines.map((line, i) =>
    text(line, [center, margin + header.size * 0.95 + i * leading], {
      'text-anchor': 'middle',
      'font-size': header.size,
      'font-weight': 'bold',
    }),
  );
  const footerText = footer.map(([line, fill], i) =>
    text(line, [center, footerStart + (i + 0.75) * noteLeading], {
      'text-anchor': 'middle',
      'font-size': theme.noteSize,
      fill,
    }),
  );
  return {
    box: { left: margin, top: titleEnd, right: width - margin, bottom: footerStart - 4 },
    finish: (content) =>
      element(
        'svg',
        {
          xmlns: 'http://www.w3.org/2000/svg',
          width,
          height,
          viewBox: `0 0 ${width} ${height}`,
          role: 'img',
          'aria-label': title === '' ? undefined : title,
          'font-family': theme.fontFamily,
          'font-size': theme.tickSize,
          fill: theme.text,
        },
        rectangle({ left: 0, top: 0, right: width, bottom: height }, { fill: theme.background }),
        ...content,
        ...titleText,
        ...footerText,
      ),
  };
}

/** A figure as high as a content of `contentHeight` needs. */
export function layoutPage(spec: Omit<FigureSpec, 'height'>, contentHeight: number): Figure {
  const { top, bottom } = layoutFigure({ ...spec, height: 0 }).box;
  return layoutFigure({ ...spec, height: contentHeight + top - bottom });
}

/** One line if shrinking a little is enough, else two. */
function titleLines(title: string, width: number): { lines: string[]; size: number } {
  if (title.trim() === '') return { lines: [], size: theme.titleSize };
  const single = fitText(title, width, theme.titleSize, theme.titleSize * 0.87, true);
  if (!single.text.endsWith('…') || title.endsWith('…')) return { lines: [single.text], size: single.size };
  const size = theme.titleSize * 0.87;
  return { lines: wrapText(title, width, size, 2, true), size };
}

/** A message in the middle of a box, for figures with nothing to draw. */
export function emptyMessage(message: string, { left, top, right, bottom }: Box): string {
  return text(message, [(left + right) / 2, (top + bottom) / 2], {
    'text-anchor': 'middle',
    'font-size': theme.labelSize,
    fill: theme.warning,
  });
}

/** Pattern of cells that cannot be drawn; the same in every figure, so that several can share a page. */
export const hatchFill = 'url(#hatch)';

export const hatchPattern = element(
  'defs',
  {},
  element(
    'pattern',
    { id: 'hatch', width: 6, height: 6, patternUnits: 'userSpaceOnUse', patternTransform: 'rotate(45)' },
    element('rect', { width: 6, height: 6, fill: theme.hatchBackground }),
    element('path', { d: 'M0,0V6', stroke: theme.hatchLine, 'stroke-width': 2 }),
  ),
);

/** A clip path whose name tells its geometry: equal names on one page are equal clips. */
export function clipTo(box: Box, children: readonly string[]): string {
  const key = [box.left, box.top, box.right, box.bottom].map((side) => Math.round(side * 100)).join('-');
  const id = escapeXml(`clip-${key}`);
  const path = element('clipPath', { id }, rectangle(box, {}));
  return element('defs', {}, path) + element('g', { 'clip-path': `url(#${id})` }, children.join(''));
}
