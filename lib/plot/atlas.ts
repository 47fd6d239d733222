import { LossAtlasError } from '../errors.js';
import type { LandscapeAtlas, LossSurface } from '../results.js';
import { checkOptions, isArrayOf, isBoolean, isInteger, isOneOf } from '../validate.js';
import { colorBarWidth, drawColorBar, isColorMap, type ColorMap } from './color-scale.js';
import { drawContourPanel, heightFor, levelsOf } from './contour-panel.js';
import { atlasCaption, landscapeTitle, shortAxisLabel } from './describe.js';
import {
  checkSurface,
  drawingNotes,
  drawingScaleChecks,
  drawnValues,
  rangeOf,
  type DrawingScale,
  type DrawnValues,
} from './field.js';
import { hatchPattern, layoutFigure, layoutPage } from './figure.js';
import { figureChecks, type FigureOptions } from './options.js';
import { planeFrame, type PlaneFrame } from './plane-frame.js';
import { isPlaneCurve, marksNotes, type PlaneCurve } from './plane-overlay.js';
import { explosionNotes, quantityOf, valueChecks, type Quantity, type ValueChoice } from './quantity.js';
import { viewChecks } from './surface3d.js';
import { drawSurfacePanel, pinNotes, type View } from './surface-panel.js';
import { group, text, type Box } from './svg.js';
import { fitText } from './text.js';
import { fullSizes, panelSizes, theme } from './theme.js';
import { valueScale, type ValueScale } from './value-scale.js';

export interface AtlasFigureOptions extends FigureOptions, DrawingScale, ValueChoice {
  /** Surfaces in perspective (default) or contours. */
  readonly kind?: 'surface' | 'contour' | undefined;
  /** Panels side by side (default 2). */
  readonly columns?: number | undefined;
  /** One value scale, range of the axes and colour bar for all panels; default where the atlas has a spread. */
  readonly shared?: boolean | undefined;
  /** Default 'viridis'. */
  readonly colorMap?: ColorMap | undefined;
  /** Of surfaces: direction of the viewer around the vertical, degrees (default −55). */
  readonly azimuth?: number | undefined;
  /** Of surfaces: height of the viewer, 5 to 85 degrees (default 32). */
  readonly elevation?: number | undefined;
  /** Of contours: a line on each of the surfaces, drawn on top. */
  readonly curves?: readonly PlaneCurve[] | undefined;
}

const name = 'drawAtlas';
const checks = {
  ...figureChecks,
  ...drawingScaleChecks,
  ...valueChecks,
  ...viewChecks,
  kind: isOneOf('surface', 'contour'),
  columns: isInteger(1, 12),
  shared: isBoolean,
  colorMap: isColorMap,
  curves: isArrayOf(isPlaneCurve, 'a list of objects with x and y'),
};

const panelWidth = 400;
const surfaceHeight = 330;
const gap = 14;
const titleRoom = 24;

/** A surface and all that its panel needs to know. */
interface Entry {
  readonly title: string;
  readonly surface: LossSurface;
  readonly quantity: Quantity;
  readonly drawn: DrawnValues;
  readonly range: { readonly low: number; readonly high: number };
  readonly frame: PlaneFrame;
  readonly curve: PlaneCurve | undefined;
}

interface DrawnEntry {
  readonly content: readonly string[];
  readonly frameBox: Box;
  readonly numHiddenSolutions: number;
}

/**
 * A page of small multiples, one panel a surface, as SVG: 400 wide a column, as high as its rows need, linear scale; title
 * and caption come from the provenance. Throws ERR_INVALID_OPTION, ERR_INVALID_DATA.
 */
export function drawAtlas(atlas: LandscapeAtlas, options: AtlasFigureOptions = {}): string {
  checkOptions(name, options, checks);
  checkAtlas(atlas);
  const { kind = 'surface', shared = atlas.spread !== null, colorMap = 'viridis' } = options;
  const { azimuth = -55, elevation = 32 } = options;
  const entries = readEntries(atlas, options, shared);
  const first = entries[0]!;
  const all = entries.map(({ drawn }) => drawn);
  const isEmpty = all.every((drawn) => drawn.isEmpty);
  const colors =
    shared && !isEmpty ? valueScale(first.drawn.kind, first.range.low, first.range.high, 7) : null;
  const barRoom = colors === null ? 0 : colorBarWidth(colors) + gap;
  const numColumns = Math.min(options.columns ?? 2, entries.length);
  const numRows = Math.ceil(entries.length / numColumns);
  const { width = Math.max(460, numColumns * (panelWidth + gap) + 24 + barRoom) } = options;
  const { title = landscapeTitle(first.surface), caption = atlasCaption(atlas.surfaces) } = options;
  const draw = (box: Box, entry: Entry) =>
    kind === 'surface'
      ? surfacePanel(box, entry, colorMap, { azimuth, elevation }, !shared)
      : contourPanel(box, entry, colorMap, !shared);
  const page = (numHidden: number) => {
    const marks =
      kind === 'surface'
        ? pinNotes(
            entries.map(({ surface, frame }) => ({ solutions: surface.solutions, frame })),
            numHidden,
          )
        : entries.flatMap(({ surface, frame, title: panel }) =>
            marksNotes({ solutions: surface.solutions, trajectory: null }, frame).map(
              (note) => `${panel}: ${note}`,
            ),
          );
    const notes = [
      ...drawingNotes(first.quantity.noun, all),
      ...explosionNotes(atlas.surfaces, options),
      ...marks,
    ];
    const panelHeight =
      kind === 'surface'
        ? surfaceHeight
        : heightFor(
            entries.map(({ frame }) => frame),
            380,
            300,
          );
    const content = numRows * panelHeight + (numRows - 1) * gap;
    const spec = { width, title, caption, notes };
    const { height } = options;
    const figure = height === undefined ? layoutPage(spec, content) : layoutFigure({ ...spec, height });
    const drawn = panelBoxes(figure.box, barRoom, numColumns, numRows, entries.length).map((box, i) =>
      drawEntry(box, entries[i]!, draw),
    );
    return { figure, drawn };
  };
  const draft = page(0);
  const numHidden = draft.drawn.reduce((sum, { numHiddenSolutions }) => sum + numHiddenSolutions, 0);
  // The note on hidden pins takes room itself.
  const { figure, drawn } = numHidden === 0 ? draft : page(numHidden);
  return figure.finish([
    all.some((field) => field.numHidden > 0) ? hatchPattern : '',
    ...drawn.map(({ content }) => group({ class: 'panel' }, content)),
    colors === null
      ? ''
      : pageBar(figure.box, colors, colorMap, first.quantity.label, kind === 'contour' ? numLevels : null),
  ]);
}

function checkAtlas({ titles, surfaces }: LandscapeAtlas): void {
  if (surfaces.length === 0) fail('an atlas without surfaces cannot be drawn');
  if (titles.length !== surfaces.length)
    fail(`the atlas has ${titles.length} titles for ${surfaces.length} surfaces`);
}

function readEntries(
  { surfaces, titles }: LandscapeAtlas,
  options: AtlasFigureOptions,
  shared: boolean,
): Entry[] {
  const fields = surfaces.map((surface) => {
    const quantity = quantityOf(name, surface, options);
    checkSurface(name, surface, quantity.noun, quantity.values);
    return { quantity, drawn: drawnValues(name, quantity.values, options) };
  });
  const common = rangeOf(fields.map(({ drawn }) => drawn));
  return surfaces.map((surface, i) => {
    const { quantity, drawn } = fields[i]!;
    return {
      title: titles[i]!,
      surface,
      quantity,
      drawn,
      range: shared ? common : drawn,
      curve: options.curves?.[i],
      frame: planeFrame(shared ? surfaces : [surface], [
        shortAxisLabel('α', surface.axes[0]),
        shortAxisLabel('β', surface.axes[1]),
      ]),
    };
  });
}

/** Row by row; the last row is centred where it is not full. */
function panelBoxes(page: Box, barRoom: number, numColumns: number, numRows: number, count: number): Box[] {
  const width = (page.right - page.left - barRoom - (numColumns - 1) * gap) / numColumns;
  const height = (page.bottom - page.top - (numRows - 1) * gap) / numRows;
  return Array.from({ length: count }, (_, k) => {
    const row = Math.floor(k / numColumns);
    const numInRow = Math.min(numColumns, count - row * numColumns);
    const indent = ((numColumns - numInRow) * (width + gap)) / 2;
    const left = page.left + indent + (k % numColumns) * (width + gap);
    const top = page.top + row * (height + gap);
    return { left, top, right: left + width, bottom: top + height };
  });
}

function drawEntry(box: Box, entry: Entry, draw: (box: Box, entry: Entry) => DrawnEntry): DrawnEntry {
  const drawn = draw({ ...box, top: box.top + titleRoom }, entry);
  // Over the middle of the axes, as far as the panel is wide enough to both sides.
  const middle = (drawn.frameBox.left + drawn.frameBox.right) / 2;
  const available = 2 * Math.min(middle - box.left, box.right - middle);
  const heading = fitText(entry.title, available, theme.tickSize, theme.minSize, true);
  const title = text(heading.text, [middle, box.top + 14], {
    'text-anchor': 'middle',
    'font-size': heading.size,
    'font-weight': 'bold',
    class: 'panel-title',
  });
  return { ...drawn, content: [...drawn.content, title] };
}

function surfacePanel(box: Box, entry: Entry, colorMap: ColorMap, view: View, hasBar: boolean): DrawnEntry {
  const { surface, quantity } = entry;
  return drawSurfacePanel(box, {
    ...surface,
    ...quantity,
    ...entry,
    colorMap,
    view,
    hasBar,
    sizes: panelSizes,
  });
}

const numLevels = 10;

function contourPanel(box: Box, entry: Entry, colorMap: ColorMap, hasBar: boolean): DrawnEntry {
  const { surface, quantity, drawn, range, curve } = entry;
  const [low, high] = drawn.isEmpty ? [1, 10] : [range.low, range.high];
  const colors = valueScale(drawn.kind, low, high, 7);
  const drawnPanel = drawContourPanel(box, {
    ...surface,
    ...entry,
    noun: quantity.noun,
    colors,
    colorMap,
    levels: levelsOf(colors, numLevels),
    bar: hasBar ? quantity.label : null,
    marks: { solutions: surface.solutions, trajectory: null, curve },
    sizes: panelSizes,
  });
  return { ...drawnPanel, numHiddenSolutions: 0 };
}

/** The colour bar of all panels, in the middle of the right side. */
function pageBar(
  page: Box,
  colors: ValueScale,
  colorMap: ColorMap,
  label: string,
  count: number | null,
): string {
  const middle = (page.top + page.bottom) / 2;
  const half = Math.min(210, ((page.bottom - page.top) / 2) * 0.75);
  const left = page.right - colorBarWidth(colors);
  const levels = count === null ? null : levelsOf(colors, count).map(({ position }) => position);
  return drawColorBar(
    { left, top: middle - half, right: page.right, bottom: middle + half },
    colors,
    colorMap,
    label,
    levels,
    fullSizes,
  );
}

function fail(problem: string): never {
  throw new LossAtlasError('ERR_INVALID_DATA', `${name}: ${problem}.`);
}
