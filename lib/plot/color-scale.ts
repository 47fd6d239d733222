import { rgb } from 'd3-color';
import { interpolateCividis, interpolateInferno, interpolateViridis } from 'd3-scale-chromatic';

import { isOneOf } from '../validate.js';
import { element, group, num, rectangle, rotatedText, text, type Box } from './svg.js';
import { fitText, textWidth } from './text.js';
import { fullSizes, theme, type TextSizes } from './theme.js';
import { scaleLabel, type ValueScale } from './value-scale.js';

/** Perceptually uniform colour maps. */
export type ColorMap = 'viridis' | 'cividis' | 'inferno';

const colorMaps: Record<ColorMap, (position: number) => string> = {
  viridis: interpolateViridis,
  cividis: interpolateCividis,
  inferno: interpolateInferno,
};

/** Their names. */
export const colorMapNames = Object.keys(colorMaps) as readonly ColorMap[];

export const isColorMap = isOneOf(...colorMapNames);

/** The colour at 0 … 1 (clamped) as #rrggbb. */
export function colorAt(map: ColorMap, position: number): string {
  return rgb(colorMaps[map](Math.max(0, Math.min(1, position)))).formatHex();
}

const barWidth = 14;

/** Width of a colour bar with its tick labels and name. */
export function colorBarWidth(scale: ValueScale, { note }: TextSizes = fullSizes): number {
  return barWidth + 8 + Math.max(0, ...scale.ticks.map((tick) => textWidth(tick.label, note))) + 2 * note;
}

/** A vertical colour bar at the left of `box`; with `levels` (0 … 1, ascending) it shows bands. */
export function drawColorBar(
  box: Box,
  scale: ValueScale,
  map: ColorMap,
  label: string,
  levels: readonly number[] | null = null,
  sizes: TextSizes = fullSizes,
): string {
  const { left, top, bottom } = box;
  const right = left + barWidth;
  const at = (position: number) => bottom - position * (bottom - top);
  const edges = levels === null ? Array.from({ length: 129 }, (_, i) => i / 128) : [0, ...levels, 1];
  const bands = edges.slice(1).map((edge, i) => {
    const start = edges[i]!;
    // Each band reaches under the next, so that no seam shows.
    const under = Math.min(at(start) + 0.6, bottom);
    const fill = colorAt(map, (start + edge) / 2);
    return rectangle({ left, top: at(edge), right, bottom: under }, { fill });
  });
  const ticks = scale.ticks.map(({ value, label: name }) => {
    const y = at(scale.position(value));
    const mark = element('path', { d: `M${num(right)},${num(y)}h4`, stroke: theme.axis });
    return mark + text(name, [right + 7, y + 4], { 'font-size': sizes.note });
  });
  const name = fitText(scaleLabel(label, scale), bottom - top, sizes.note + 1, theme.minSize);
  return group({}, [
    ...bands,
    rectangle({ left, top, right, bottom }, { fill: 'none', stroke: theme.axis, class: 'color-bar' }),
    group({ class: 'color-bar-ticks' }, ticks),
    rotatedText(name.text, [left + colorBarWidth(scale, sizes) - 6, (top + bottom) / 2], -90, {
      'font-size': name.size,
    }),
  ]);
}
