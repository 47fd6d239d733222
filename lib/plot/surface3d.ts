import type { LossSurface } from '../results.js';
import { checkOptions, isNumber } from '../validate.js';
import { isColorMap, type ColorMap } from './color-scale.js';
import { axisLabel, defaultCaption, landscapeTitle } from './describe.js';
import { checkSurface, drawingNotes, drawingScaleChecks, drawnValues, type DrawingScale } from './field.js';
import { hatchPattern, layoutFigure } from './figure.js';
import { figureChecks, type FigureOptions } from './options.js';
import { planeFrame } from './plane-frame.js';
import { explosionNotes, quantityOf, valueChecks, type ValueChoice } from './quantity.js';
import { drawSurfacePanel, pinNotes } from './surface-panel.js';
import { fullSizes } from './theme.js';

export interface SurfaceOptions extends FigureOptions, DrawingScale, ValueChoice {
  /** Direction of the viewer around the vertical, degrees (default −55). */
  readonly azimuth?: number | undefined;
  /** Height of the viewer, 5 to 85 degrees (default 32). */
  readonly elevation?: number | undefined;
  /** Default 'viridis'. */
  readonly colorMap?: ColorMap | undefined;
}

const name = 'drawSurface';

export const viewChecks = { azimuth: isNumber(), elevation: isNumber(5, 85) } as const;

const checks = {
  ...figureChecks,
  ...drawingScaleChecks,
  ...valueChecks,
  ...viewChecks,
  colorMap: isColorMap,
};

/**
 * A loss surface in perspective with mesh, contours on the floor, pins at its solutions and colour bar, as SVG. Default
 * 760 × 600, linear scale; title and caption come from the provenance. Points without a drawable value leave holes above
 * hatched floor. Throws ERR_INVALID_OPTION, ERR_INVALID_DATA.
 */
export function drawSurface(surface: LossSurface, options: SurfaceOptions = {}): string {
  checkOptions(name, options, checks);
  const { width = 760, height = 600, azimuth = -55, elevation = 32, colorMap = 'viridis' } = options;
  const quantity = quantityOf(name, surface, options);
  checkSurface(name, surface, quantity.noun, quantity.values);
  const drawn = drawnValues(name, quantity.values, options);
  const { title = landscapeTitle(surface), caption = defaultCaption(surface) } = options;
  const panel = {
    ...surface,
    ...quantity,
    frame: planeFrame([surface], [axisLabel('α', surface.axes[0]), axisLabel('β', surface.axes[1])]),
    drawn,
    range: drawn,
    colorMap,
    hasBar: true,
    view: { azimuth, elevation },
    sizes: fullSizes,
  };
  const layout = (numHidden: number) => {
    const notes = [
      ...drawingNotes(quantity.noun, [drawn]),
      ...explosionNotes([surface], options),
      ...pinNotes([panel], numHidden),
    ];
    return layoutFigure({ width, height, title, caption, notes });
  };
  const first = layout(0);
  const draft = drawSurfacePanel(first.box, panel);
  const hatch = drawn.numHidden > 0 ? hatchPattern : '';
  if (draft.numHiddenSolutions === 0) return first.finish([hatch, ...draft.content]);
  // The note on hidden pins takes room itself; what the camera sees does not change with it.
  const second = layout(draft.numHiddenSolutions);
  return second.finish([hatch, ...drawSurfacePanel(second.box, panel).content]);
}
