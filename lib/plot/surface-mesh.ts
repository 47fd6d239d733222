import { rgb } from 'd3-color';

import { dot, type Camera, type Vector } from './camera.js';
import { colorAt, type ColorMap } from './color-scale.js';
import { element, pathData, segment, type Point } from './svg.js';

/** A height field in the box −1 … 1: NaN heights leave holes. */
export interface HeightField {
  readonly x: Float64Array;
  readonly y: Float64Array;
  /** z[j * x.length + i] at (x[i], y[j]). */
  readonly z: Float64Array;
  /** Colour positions 0 … 1 of the same points. */
  readonly shade: Float64Array;
}

/** Number of mesh lines that is still readable. */
export const maxMeshLines = 52;

/**
 * The cells of a height field, far to near. The grid is split at the column and the row that hold the eye;
 * on each side cells nearer to them can only hide farther ones, so the order is exact.
 */
export function drawMesh(field: HeightField, camera: Camera, colorMap: ColorMap): string[] {
  const { x, y, z, shade } = field;
  const nx = x.length;
  const light = lightOf(camera);
  const stepX = Math.ceil((nx - 1) / maxMeshLines);
  const stepY = Math.ceil((y.length - 1) / maxMeshLines);
  const corner = (i: number, j: number): Vector => [x[i]!, y[j]!, z[j * nx + i]!];
  const columns = farToNear(x, camera.eye[0]);
  const cells: string[] = [];
  for (const j of farToNear(y, camera.eye[1])) {
    for (const i of columns) {
      const corners = [corner(i, j), corner(i + 1, j), corner(i + 1, j + 1), corner(i, j + 1)] as const;
      if (corners.some((point) => Number.isNaN(point[2]))) continue;
      const k = j * nx + i;
      const mean = (shade[k]! + shade[k + 1]! + shade[k + nx]! + shade[k + nx + 1]!) / 4;
      const fill = lit(colorAt(colorMap, mean), brightness(cellNormal(corners), corners[0], camera, light));
      const points = corners.map(camera.project) as [Point, Point, Point, Point];
      // The stroke closes the hairline between neighbours.
      cells.push(element('path', { d: pathData(points, true), fill, stroke: fill, 'stroke-opacity': 1 }));
      const wire = [
        j % stepY === 0 ? segment(points[0], points[1]) : '',
        i % stepX === 0 ? segment(points[0], points[3]) : '',
        (j + 1) % stepY === 0 || j + 2 === y.length ? segment(points[3], points[2]) : '',
        (i + 1) % stepX === 0 || i + 2 === nx ? segment(points[1], points[2]) : '',
      ].join('');
      if (wire !== '') cells.push(element('path', { d: wire }));
    }
  }
  return cells;
}

/** Attributes of the group around the cells: those of the mesh lines. */
export const meshAttributes = {
  class: 'surface',
  fill: 'none',
  stroke: '#000000',
  'stroke-opacity': 0.22,
  'stroke-width': 0.5,
  'stroke-linejoin': 'round',
} as const;

/** Indices of the cells between `coordinates`, those farthest from the eye first. */
export function farToNear(coordinates: Float64Array, eye: number): number[] {
  const distance = (i: number) => Math.abs((coordinates[i]! + coordinates[i + 1]!) / 2 - eye);
  return Array.from({ length: coordinates.length - 1 }, (_, i) => i).sort(
    (a, b) => distance(b) - distance(a),
  );
}

/** Light from the upper left of the viewer, so that every azimuth shows the relief. */
export function lightOf({ right, toEye }: Camera): Vector {
  const [x, y] = [toEye[0] * 0.35 - right[0] * 0.55, toEye[1] * 0.35 - right[1] * 0.55];
  const length = Math.hypot(x, y, 0.8);
  return [x / length, y / length, 0.8 / length];
}

/** Of a cell, upwards. */
export function cellNormal([a, b, c, d]: readonly [Vector, Vector, Vector, Vector]): Vector {
  return unitNormal(difference(c, a), difference(d, b));
}

/** What the light makes of the colour of a cell with this normal that `corner` belongs to. */
export function brightness(normal: Vector, corner: Vector, { eye }: Camera, light: Vector): number {
  const lambert = Math.max(0, dot(normal, light));
  const view = difference(eye, corner);
  // The underside is seen from where no light comes.
  return dot(normal, view) < 0 ? 0.62 + 0.2 * Math.abs(dot(normal, light)) : 0.62 + 0.45 * lambert;
}

function unitNormal(a: Vector, b: Vector): Vector {
  const normal: Vector = [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
  // Descending coordinates turn the orientation round.
  const length = (Math.hypot(...normal) || 1) * (normal[2] < 0 ? -1 : 1);
  return [normal[0] / length, normal[1] / length, normal[2] / length];
}

function difference(a: Vector, b: Vector): Vector {
  return [a[0] - b[0], a[1] - b[1], a[2] - b[2]];
}

function lit(color: string, factor: number): string {
  const { r, g, b } = rgb(color);
  return rgb(r * factor, g * factor, b * factor)
    .clamp()
    .formatHex();
}
