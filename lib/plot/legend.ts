import { sampleLine, sampleWidth, type SeriesStyle } from './series.js';
import { group, text, type Box } from './svg.js';
import { fitText, textWidth } from './text.js';
import { theme } from './theme.js';

const leading = 17;

export interface LegendEntry {
  readonly label: string;
  readonly style: SeriesStyle;
}

/** What a legend over a frame takes of the height. */
export function legendHeight(numEntries: number): number {
  return numEntries * leading + 4;
}

/** One row an entry, at the right above a frame; `top` is where the first begins. */
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
