import type { Box, Point } from './svg.js';

export type Vector = readonly [x: number, y: number, z: number];

export interface Camera {
  readonly eye: Vector;
  /** Unit vectors of the screen and towards the eye. */
  readonly right: Vector;
  readonly up: Vector;
  readonly toEye: Vector;
  readonly project: (point: Vector) => Point;
}

const eyeDistance = 6;

export function dot(a: Vector, b: Vector): number {
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

/**
 * Perspective camera that looks at the origin from `azimuth` and `elevation` (degrees), so placed that the
 * `corners` just fit the box.
 */
export function createCamera(
  azimuth: number,
  elevation: number,
  corners: readonly Vector[],
  box: Box,
): Camera {
  const a = (azimuth * Math.PI) / 180;
  const e = (elevation * Math.PI) / 180;
  const toEye: Vector = [Math.cos(e) * Math.cos(a), Math.cos(e) * Math.sin(a), Math.sin(e)];
  const right: Vector = [-Math.sin(a), Math.cos(a), 0];
  const up: Vector = [-Math.sin(e) * Math.cos(a), -Math.sin(e) * Math.sin(a), Math.cos(e)];
  const flat = (point: Vector): Point => {
    const zoom = eyeDistance / (eyeDistance - dot(point, toEye));
    return [zoom * dot(point, right), -zoom * dot(point, up)];
  };
  const xs = corners.map((corner) => flat(corner)[0]);
  const ys = corners.map((corner) => flat(corner)[1]);
  const [left, top] = [Math.min(...xs), Math.min(...ys)];
  const [width, height] = [Math.max(...xs) - left, Math.max(...ys) - top];
  const scale = Math.min((box.right - box.left) / width, (box.bottom - box.top) / height);
  const originX = (box.left + box.right - scale * width) / 2 - scale * left;
  const originY = (box.top + box.bottom - scale * height) / 2 - scale * top;
  const project = (point: Vector): Point => {
    const [x, y] = flat(point);
    return [originX + scale * x, originY + scale * y];
  };
  const eye: Vector = [toEye[0] * eyeDistance, toEye[1] * eyeDistance, toEye[2] * eyeDistance];
  return { eye, right, up, toEye, project };
}
