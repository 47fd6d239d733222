import { LossAtlasError } from '../errors.js';
import { checkOptions, isNumber } from '../validate.js';
import { layoutAxes } from './axes.js';
import type { DensityCurve } from './density.js';
import { isScaleKind } from './field.js';
import { clipTo, layoutFigure, layoutPage } from './figure.js';
import { figureChecks, type FigureOptions } from './options.js';
import { densityRange, drawDensityCurve, seriesStyle } from './series.js';
import { rotatedText, text, type Box } from './svg.js';
import { fitText } from './text.js';
import { panelSizes, theme } from './theme.js';
import type { ScaleKind } from './value-scale.js';

/** Densities side by side. */
export interface DensityPanels {
  /** Of columns, for example `epoch 3`. */
  readonly columns: readonly string[];
  readonly rows: readonly {
    readonly label: string;
    /** One a column; null where there is none. */
    readonly curves: readonly (DensityCurve | null)[];
  }[];
}

export interface DensityPanelsOptions extends FigureOptions {
  /** Of the densities (default 'log'). */
  readonly scale?: ScaleKind | undefined;
  /** Decades shown below the maximum on a log scale, at most (default 7). */
  readonly numDecades?: number | undefined;
  /** Warnings about the data, a line each. */
  readonly notes?: readonly string[] | undefined;
}

const name = 'drawDensityPanels';
const panelHeight = 190;
const headRoom = 20;
const rowRoom = 20;
const gap = 6;

/**
 * Spectral densities in rows and columns on shared scales, as SVG: 250 wide a column, as high as its rows need. Throws
 * ERR_INVALID_OPTION, ERR_INVALID_DATA where there is none.
 */
export function drawDensityPanels(panels: DensityPanels, options: DensityPanelsOptions = {}): string {
  const checks = { ...figureChecks, scale: isScaleKind, numDecades: isNumber(1, 300), notes: () => null };
  checkOptions(name, options, checks);
  const { columns, rows } = panels;
  const curves = rows.flatMap((row) => row.curves.filter((curve) => curve !== null));
  if (curves.length === 0)
    throw new LossAtlasError('ERR_INVALID_DATA', `${name}: there is no density to draw.`);
  const { scale = 'log', numDecades = 7, title = '', caption = '', notes = [] } = options;
  const { width = Math.max(460, 44 + columns.length * 250) } = options;
  const spec = { width, title, caption, notes };
  const figure =
    options.height === undefined
      ? layoutPage(spec, headRoom + rows.length * (panelHeight + gap))
      : layoutFigure({ ...spec, height: options.height });
  const ends = curves.flatMap(({ x }) => [x[0]!, x.at(-1)!]);
  const [least, most] = [Math.min(...ends), Math.max(...ends)];
  // A peak at the end would run along the frame.
  const [from, to] = [least - (most - least) / 30, most + (most - least) / 30];
  const [low, high] = densityRange(curves, scale, numDecades);
  const left = figure.box.left + rowRoom;
  const columnWidth = (figure.box.right - left) / columns.length;
  const top = figure.box.top + headRoom;
  const rowHeight = (figure.box.bottom - top) / rows.length;
  const boxOf = (r: number, c: number): Box => ({
    left: left + c * columnWidth,
    right: left + (c + 1) * columnWidth - gap,
    top: top + r * rowHeight,
    bottom: top + (r + 1) * rowHeight - gap,
  });
  const heads = columns.map((label, c) => {
    const { left: start, right } = boxOf(0, c);
    const fitted = fitText(label, right - start, theme.tickSize, theme.minSize, true);
    const at = [(start + right) / 2, figure.box.top + 13] as const;
    return text(fitted.text, at, {
      'text-anchor': 'middle',
      'font-size': fitted.size,
      'font-weight': 'bold',
    });
  });
  const names = rows.map(({ label }, r) => {
    const { top: start, bottom } = boxOf(r, 0);
    const fitted = fitText(label, bottom - start, theme.tickSize, theme.minSize, true);
    const at = [figure.box.left + 12, (start + bottom) / 2] as const;
    return rotatedText(fitted.text, at, -90, { 'font-size': fitted.size, 'font-weight': 'bold' });
  });
  const drawn = rows.flatMap((row, r) =>
    row.curves.map((curve, c) => {
      if (curve === null) return '';
      const axes = layoutAxes(boxOf(r, c), {
        x: { from, to, label: r === rows.length - 1 ? 'eigenvalue λ' : '' },
        y: { kind: scale, from: low, to: high, label: c === 0 ? 'density' : '' },
        sizes: panelSizes,
      });
      const data = drawDensityCurve(curve, axes, { floor: low, top: high }, seriesStyle(0), true);
      return axes.below + clipTo(axes.box, [data]) + axes.above;
    }),
  );
  return figure.finish([...heads, ...names, ...drawn]);
}
