import { expect } from 'chai';

import { createCamera, dot, type Camera, type Vector } from '../../../dist/plot/camera.js';
import { boxCorners } from '../../../dist/plot/surface-box.js';
import { drawMesh } from '../../../dist/plot/surface-mesh.js';
import { pathData, type Point } from '../../../dist/plot/svg.js';
import { randomOf } from '../io/mutate.js';
import { evenly } from './results.js';

type Triangle = readonly [Vector, Vector, Vector];

/** Distance from the eye plane of the point of a triangle seen at `p`, or null. */
function depthAt(p: Point, triangle: Triangle, camera: Camera): number | null {
  const [a, b, c] = triangle.map(camera.project) as [Point, Point, Point];
  const cross = (u: Point, v: Point, w: Point) =>
    (v[0] - u[0]) * (w[1] - u[1]) - (v[1] - u[1]) * (w[0] - u[0]);
  const total = cross(a, b, c);
  const weights = [cross(p, b, c) / total, cross(a, p, c) / total, cross(a, b, p) / total];
  // Away from the edges, where the rounding of coordinates decides.
  if (weights.some((weight) => !(weight > 0.05))) return null;
  // 1 / distance is linear on the screen.
  const eyeDistance = Math.hypot(...camera.eye);
  const inverse = triangle.reduce((sum, q, i) => sum + weights[i]! / (eyeDistance - dot(q, camera.toEye)), 0);
  return 1 / inverse;
}

describe('drawMesh', () => {
  it('draws nearer cells over farther ones from every side', () => {
    const random = randomOf(3);
    const [nx, ny] = [9, 7];
    let numOverlaps = 0;
    for (const [azimuth, elevation] of [
      [-55, 32],
      [0, 5],
      [93, 20],
      [180, 60],
      [250, 12],
      [37, 84],
    ] as const) {
      const x = evenly(-1, 1, nx);
      const y = evenly(-1, 1, ny);
      const z = Float64Array.from({ length: nx * ny }, () => 1.4 * random() - 0.7);
      const camera = createCamera(azimuth, elevation, boxCorners, {
        left: 0,
        top: 0,
        right: 1000,
        bottom: 1000,
      });
      const paths = drawMesh({ x, y, z, shade: z.map((value) => value + 0.5) }, camera, 'viridis');
      const corner = (i: number, j: number): Vector => [x[i]!, y[j]!, z[j * nx + i]!];
      const cells: { order: number; triangles: Triangle[] }[] = [];
      for (let j = 0; j < ny - 1; j++) {
        for (let i = 0; i < nx - 1; i++) {
          const quad = [corner(i, j), corner(i + 1, j), corner(i + 1, j + 1), corner(i, j + 1)] as const;
          const data = pathData(quad.map(camera.project), true);
          const order = paths.findIndex((path) => path.includes(`d="${data}"`));
          expect(order).to.be.at.least(0);
          const [a, b, c, d] = quad;
          cells.push({
            order,
            triangles: [
              [a, b, c],
              [a, c, d],
            ],
          });
        }
      }
      for (let sample = 0; sample < 2000; sample++) {
        const p: Point = [1000 * random(), 1000 * random()];
        const hits = cells.flatMap(({ order, triangles }) =>
          triangles.flatMap((triangle) => {
            const depth = depthAt(p, triangle, camera);
            return depth === null ? [] : [{ order, depth }];
          }),
        );
        for (const near of hits) {
          for (const far of hits) {
            if (near.order === far.order || far.depth - near.depth < 1e-3) continue;
            numOverlaps++;
            expect(near.order, `azimuth ${azimuth}, elevation ${elevation}`).to.be.above(far.order);
          }
        }
      }
    }
    expect(numOverlaps).to.be.above(1000);
  });

  it('leaves out cells with a missing corner', () => {
    const camera = createCamera(-55, 32, boxCorners, { left: 0, top: 0, right: 100, bottom: 100 });
    const x = evenly(-1, 1, 3);
    const z = Float64Array.of(0, 0, 0, 0, 0, 0, 0, 0, NaN);
    const paths = drawMesh({ x, y: x, z, shade: z }, camera, 'viridis');
    expect(paths.filter((path) => path.includes('stroke-opacity="1"'))).to.have.length(3);
  });

  it('thins the mesh lines of fine grids', () => {
    const camera = createCamera(-55, 32, boxCorners, { left: 0, top: 0, right: 100, bottom: 100 });
    const x = evenly(-1, 1, 201);
    const z = new Float64Array(201 * 201);
    const paths = drawMesh({ x, y: x, z, shade: z }, camera, 'viridis');
    expect(paths.length).to.be.below(200 * 200 * 1.8);
  });
});
