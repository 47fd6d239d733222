import { rgb } from 'd3-color';

import type { Camera, Vector } from '../../plot/camera.js';
import { colorAt, type ColorMap } from '../../plot/color-scale.js';
import {
  brightness,
  cellNormal,
  farToNear,
  lightOf,
  maxMeshLines,
  meshAttributes,
  type HeightField,
} from '../../plot/surface-mesh.js';
import type { DrapedLines } from './drape.js';

/** What the mesh's lines leave of the colour below them. */
const meshShade = 1 - meshAttributes['stroke-opacity'];

/** The cells of a height field on a canvas, far to near as in `drawMesh`; colours and normals are computed once. */
export class CellPainter {
  readonly #normals: (Vector | null)[] = [];
  readonly #colors: Uint8Array;
  readonly #px: Float64Array;
  readonly #py: Float64Array;
  #rows: readonly number[] = [];
  #columns: readonly number[] = [];

  constructor(
    readonly field: HeightField,
    colorMap: ColorMap,
    private readonly drape: DrapedLines | null,
  ) {
    const { x, y, z, shade } = field;
    const nx = x.length;
    this.#px = new Float64Array(z.length);
    this.#py = new Float64Array(z.length);
    this.#colors = new Uint8Array(3 * z.length);
    const table = Array.from({ length: 512 }, (_, i) => rgb(colorAt(colorMap, i / 511)));
    const corner = (k: number): Vector => [x[k % nx]!, y[Math.floor(k / nx)]!, z[k]!];
    for (let j = 0; j + 1 < y.length; j++) {
      for (let i = 0; i + 1 < nx; i++) {
        const k = j * nx + i;
        const mean = (shade[k]! + shade[k + 1]! + shade[k + nx]! + shade[k + nx + 1]!) / 4;
        if (Number.isNaN(mean)) continue;
        this.#normals[k] = cellNormal([corner(k), corner(k + 1), corner(k + nx + 1), corner(k + nx)]);
        const { r, g, b } = table[Math.round(511 * Math.max(0, Math.min(1, mean)))]!;
        this.#colors.set([r, g, b], 3 * k);
      }
    }
  }

  paint(context: CanvasRenderingContext2D, camera: Camera, hasMesh: boolean): void {
    this.#project(camera);
    const { x, y, z } = this.field;
    const nx = x.length;
    const light = lightOf(camera);
    const stepX = Math.ceil((nx - 1) / maxMeshLines);
    const stepY = Math.ceil((y.length - 1) / maxMeshLines);
    const wireColor = `rgba(0,0,0,${meshAttributes['stroke-opacity']})`;
    const isFine = hasMesh && stepX === 1 && stepY === 1;
    const [px, py] = [this.#px, this.#py];
    context.lineJoin = 'round';
    for (const j of this.#rows) {
      for (const i of this.#columns) {
        const k = j * nx + i;
        const normal = this.#normals[k];
        if (!normal) continue;
        const factor = brightness(normal, [x[i]!, y[j]!, z[k]!], camera, light);
        const channel = (c: number) => Math.min(255, Math.round(this.#colors[3 * k + c]! * factor));
        const [r, g, b] = [channel(0), channel(1), channel(2)] as const;
        const color = `rgb(${r},${g},${b})`;
        const [a, e, f, d] = [k, k + 1, k + nx + 1, k + nx];
        context.beginPath();
        context.moveTo(px[a]!, py[a]!);
        context.lineTo(px[e]!, py[e]!);
        context.lineTo(px[f]!, py[f]!);
        context.lineTo(px[d]!, py[d]!);
        context.closePath();
        context.fillStyle = color;
        context.fill();
        // The stroke closes the hairline between neighbours; where every edge is a mesh line it is that line.
        context.strokeStyle = isFine ? `rgb(${r * meshShade},${g * meshShade},${b * meshShade})` : color;
        context.lineWidth = isFine ? 0.7 : 0.8;
        context.stroke();
        if (hasMesh && !isFine) {
          context.beginPath();
          if (j % stepY === 0) this.#line(context, a, e);
          if (i % stepX === 0) this.#line(context, a, d);
          if ((j + 1) % stepY === 0 || j + 2 === y.length) this.#line(context, d, f);
          if ((i + 1) % stepX === 0 || i + 2 === nx) this.#line(context, e, f);
          context.strokeStyle = wireColor;
          context.lineWidth = meshAttributes['stroke-width'];
          context.stroke();
        }
        this.drape?.paint(context, k, camera);
      }
    }
  }

  /** Index of the grid point nearest to a place on the last picture, on the cell that is seen there; null beside it. */
  pick(left: number, top: number): number | null {
    const nx = this.field.x.length;
    for (const j of [...this.#rows].reverse()) {
      for (const i of [...this.#columns].reverse()) {
        const k = j * nx + i;
        const corners = [k, k + 1, k + nx + 1, k + nx];
        if (!this.#normals[k] || !this.#holds(corners, left, top)) continue;
        const distance = (at: number) => Math.hypot(this.#px[at]! - left, this.#py[at]! - top);
        return corners.reduce((best, at) => (distance(at) < distance(best) ? at : best));
      }
    }
    return null;
  }

  #project(camera: Camera): void {
    const { x, y, z } = this.field;
    const nx = x.length;
    for (let k = 0; k < z.length; k++) {
      const [left, top] = camera.project([x[k % nx]!, y[Math.floor(k / nx)]!, z[k]!]);
      this.#px[k] = left;
      this.#py[k] = top;
    }
    this.#rows = farToNear(y, camera.eye[1]);
    this.#columns = farToNear(x, camera.eye[0]);
  }

  #line(context: CanvasRenderingContext2D, from: number, to: number): void {
    context.moveTo(this.#px[from]!, this.#py[from]!);
    context.lineTo(this.#px[to]!, this.#py[to]!);
  }

  /** Even-odd rule. */
  #holds(corners: readonly number[], left: number, top: number): boolean {
    let isInside = false;
    corners.forEach((a, n) => {
      const b = corners[(n + 3) % 4]!;
      const [ya, yb] = [this.#py[a]!, this.#py[b]!];
      if (ya > top === yb > top) return;
      const crossing = this.#px[a]! + ((top - ya) / (yb - ya)) * (this.#px[b]! - this.#px[a]!);
      if (left < crossing) isInside = !isInside;
    });
    return isInside;
  }
}

/** Every `stride`-th point of a field and its last ones: what is drawn of a large one while it turns. */
export function thinned({ x, y, z, shade }: HeightField, stride: number): HeightField {
  const kept = (length: number) => {
    const indices = Array.from({ length: Math.ceil((length - 1) / stride) }, (_, i) => i * stride);
    return [...indices, length - 1];
  };
  const [columns, rows] = [kept(x.length), kept(y.length)];
  const pick = (values: Float64Array) =>
    Float64Array.from(rows.flatMap((j) => columns.map((i) => values[j * x.length + i]!)));
  return {
    x: Float64Array.from(columns, (i) => x[i]!),
    y: Float64Array.from(rows, (j) => y[j]!),
    z: pick(z),
    shade: pick(shade),
  };
}
