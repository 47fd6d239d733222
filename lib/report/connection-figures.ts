import { drawAtlas } from '../plot/atlas.js';
import { drawConnection, pathName } from '../plot/connection.js';
import { aspectOf } from '../plot/contour-panel.js';
import { drawContour } from '../plot/contour.js';
import { planeFrame } from '../plot/plane-frame.js';
import type { LandscapeAtlas, ModeConnection } from '../results.js';
import { defaultScale } from './default-scale.js';
import { LossAtlasError } from '../errors.js';
import { frameOptions, mapOptions, pick, type DrawResultOptions, type Figures } from './figure-options.js';

export const connectionFigures: Figures<ModeConnection> = {
  connection: (connection, options) =>
    drawConnection(connection, pick(options, [...frameOptions, 'scale', 'cap'])),
  contour: drawPlanes,
};

/** Surfaces on the planes of curves, where they were asked for, with the curves on them. */
export function connectionPlanes({ paths }: ModeConnection) {
  return paths.flatMap((path) => {
    const surface = path.plane?.surface ?? null;
    return surface === null ? [] : [{ title: pathName(path), plane: path.plane!, surface }];
  });
}

/** One as a figure of its own, several side by side. */
function drawPlanes(connection: ModeConnection, options: DrawResultOptions): string {
  const planes = connectionPlanes(connection);
  const [first, second] = planes;
  // What lies between the minima would be one colour beside steep corners.
  const scale = { scale: defaultScale(planes.map(({ surface }) => surface)) };
  if (first === undefined)
    throw new LossAtlasError(
      'ERR_INVALID_DATA',
      'This connection has no loss surface on the plane of a curve: connect with surface (--surface) to have one.',
    );
  if (second === undefined)
    return drawContour(first.surface, {
      ...scale,
      ...pick(options, [...mapOptions, 'numLevels', 'filled']),
      curve: first.plane,
    });
  const atlas: LandscapeAtlas = {
    kind: 'landscape-atlas',
    formatVersion: 2,
    titles: planes.map(({ title }) => title),
    surfaces: planes.map(({ surface }) => surface),
    spread: null,
  };
  // Wide planes would leave pages of the usual height half empty.
  const aspects = planes.map(({ surface }) => aspectOf(planeFrame([surface], ['', ''])));
  return drawAtlas(atlas, {
    height: Math.round(180 + 300 / Math.max(1, Math.min(...aspects))),
    ...scale,
    shared: true,
    ...pick(options, [...mapOptions, 'columns', 'shared']),
    kind: 'contour',
    curves: planes.map(({ plane }) => plane),
  });
}
