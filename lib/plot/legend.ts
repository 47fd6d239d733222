import { sampleLine, sampleWidth, type SeriesStyle } from './series.js';
import { group, text, type Box } from './svg.js';
import { fitText, textWidth } from './text.js';
import { theme } from './theme.js';

export interface LegendEntry {
  readonly label: string;
  readonly style: SeriesStyle;
}

const leading = 17;

/** What a legend of so many rows takes above a frame. */
export function legendHeight(numEntries: number): number {
  return numEntries * leading + 4;
}

/** One row a curve, from `top` down, at the right end of a frame. */
export function drawLegend(entries: readonly LegendEntry[], { left, right }: Box, top: number): string {
  const room = right - left - sampleWidth - 8;
  const rows = entries.map(({ label, style }, i) => {
    const { text: fitted, size } = fitText(label, room, theme.tickSize, theme.minSize);
    const start = right - textWidth(fitted, size);
    const baseline = top + (i + 0.7) * leading;
    return (
      sampleLine(style, start - sampleWidth - 8, baseline - 4) +
      text(fitted, [start, baseline], { 'font-size': size })
    );
  });
  return group({ class: 'legend' }, rows);
}
