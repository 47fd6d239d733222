import type { Camera, Vector } from '../../plot/camera.js';
import { coordinateAt, type ContourLevel } from '../../plot/contour-lines.js';
import type { Point } from '../../plot/svg.js';
import type { SurfaceScene } from '../../plot/surface-scene.js';

/** Contour lines on the surface, cut into the pieces of each cell, so that cells before them cover them. */
export class DrapedLines {
  readonly #pieces = new Map<number, [Vector, Vector][]>();

  constructor(contours: readonly ContourLevel[], { field, axes, colors }: SurfaceScene) {
    const nx = field.x.length;
    for (const { level, lines } of contours) {
      const height = axes.z.at(colors.value(level));
      const at = ([i, j]: Point): Vector => [coordinateAt(field.x, i), coordinateAt(field.y, j), height];
      for (const line of lines) {
        for (let n = 0; n + 1 < line.length; n++) {
          const [a, b] = [line[n]!, line[n + 1]!];
          const cell = Math.floor((a[1] + b[1]) / 2) * nx + Math.floor((a[0] + b[0]) / 2);
          const pieces = this.#pieces.get(cell) ?? [];
          this.#pieces.set(cell, [...pieces, [at(a), at(b)]]);
        }
      }
    }
  }

  /** The pieces of one cell. */
  paint(context: CanvasRenderingContext2D, cell: number, { project }: Camera): void {
    const pieces = this.#pieces.get(cell);
    if (pieces === undefined) return;
    context.beginPath();
    for (const [a, b] of pieces) {
      context.moveTo(...(project(a) as [number, number]));
      context.lineTo(...(project(b) as [number, number]));
    }
    // Readable on all three colour maps.
    context.strokeStyle = 'rgba(255,255,255,0.85)';
    context.lineWidth = 1.1;
    // Round ends reach over the strokes of the neighbours.
    context.lineCap = 'round';
    context.stroke();
  }
}
