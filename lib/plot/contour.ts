import type { LossSurface, Trajectory } from '../results.js';
import { checkOptions, isBoolean, isNumber, type Check } from '../validate.js';
import { isColorMap, type ColorMap } from './color-scale.js';
import { defaultHeight, drawContourPanel, levelsOf } from './contour-panel.js';
import { axisLabel, defaultCaption, landscapeTitle } from './describe.js';
import { checkSurface, drawingNotes, drawingScaleChecks, drawnValues, type DrawingScale } from './field.js';
import { hatchPattern, layoutFigure } from './figure.js';
import { formatNumber } from './number-format.js';
import { figureChecks, type FigureOptions } from './options.js';
import { planeFrame } from './plane-frame.js';
import { isPlaneCurve, marksNotes, type PlaneCurve } from './plane-overlay.js';
import { explosionNotes, quantityOf, valueChecks, type ValueChoice } from './quantity.js';
import { fullSizes } from './theme.js';
import { valueScale } from './value-scale.js';

export interface ContourOptions extends FigureOptions, DrawingScale, ValueChoice {
  /** Default 'viridis'. */
  readonly colorMap?: ColorMap | undefined;
  /** Coloured bands between the lines (default true); without them the lines have the colours. */
  readonly filled?: boolean | undefined;
  /** Coloured cells, one per point, instead of contours (default false). */
  readonly heatMap?: boolean | undefined;
  /** About how many levels (default 14). */
  readonly numLevels?: number | undefined;
  /** A training path on the same plane, drawn on top. */
  readonly trajectory?: Trajectory | undefined;
  /** A line on the same plane, such as the `plane` of a path of connectModes, drawn on top. */
  readonly curve?: PlaneCurve | undefined;
}

const name = 'drawContour';
const isTrajectory: Check = (value) =>
  typeof value === 'object' && value !== null && 'kind' in value && value.kind === 'trajectory'
    ? null
    : 'a trajectory (of projectTrajectory)';
const checks = {
  ...figureChecks,
  ...drawingScaleChecks,
  ...valueChecks,
  colorMap: isColorMap,
  filled: isBoolean,
  heatMap: isBoolean,
  numLevels: isNumber(1, 100),
  trajectory: isTrajectory,
  curve: isPlaneCurve,
};

/**
 * Labelled contours, filled or not, or a heat map of a loss surface, with a cross at the model, its solutions and, if given,
 * a training path, as SVG. Default 640 × 560 (lower for wide planes), linear scale; title and caption come from the provenance. Points without a
 * drawable value are hatched. Throws ERR_INVALID_OPTION, ERR_INVALID_DATA.
 */
export function drawContour(surface: LossSurface, options: ContourOptions = {}): string {
  checkOptions(name, options, checks);
  const { width = 640, colorMap = 'viridis', heatMap = false, numLevels = 14 } = options;
  const { trajectory = null, curve, filled = true } = options;
  const quantity = quantityOf(name, surface, options);
  checkSurface(name, surface, quantity.noun, quantity.values);
  const drawn = drawnValues(name, quantity.values, options);
  const marks = { solutions: surface.solutions, trajectory, curve };
  const variance = trajectory?.explainedVariance ?? null;
  const frame = planeFrame(
    [surface],
    [axisLabel('α', surface.axes[0], variance?.[0]), axisLabel('β', surface.axes[1], variance?.[1])],
    heatMap,
  );
  const { title = landscapeTitle(surface) } = options;
  const { caption = defaultCaption(surface, trajectory === null ? [] : pathFacts(trajectory)) } = options;
  const { height = defaultHeight(frame) } = options;
  const notes = [
    ...drawingNotes(quantity.noun, [drawn]),
    ...explosionNotes([surface], options),
    ...marksNotes(marks, frame),
  ];
  const figure = layoutFigure({ width, height, title, caption, notes });
  const [low, high] = drawn.isEmpty ? [1, 10] : [drawn.low, drawn.high];
  const colors = valueScale(drawn.kind, low, high, 7);
  const { content } = drawContourPanel(figure.box, {
    ...surface,
    frame,
    noun: quantity.noun,
    drawn,
    colors,
    colorMap,
    levels: heatMap ? null : levelsOf(colors, numLevels),
    isFilled: filled,
    bar: quantity.label,
    marks,
    sizes: fullSizes,
  });
  return figure.finish([drawn.numHidden > 0 ? hatchPattern : '', ...content]);
}

/** What a projected path hides. */
function pathFacts({ labels, distance }: Trajectory): string[] {
  const farthest = distance.reduce((most, value) => Math.max(most, value), 0);
  return [`path of ${labels.length} solutions, at most ${formatNumber(farthest, 2)} from the plane`];
}
