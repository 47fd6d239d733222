import { cosine } from '../directions/direction.js';
import type { Plane } from '../directions/plane.js';
import type { Objective } from '../objective/objective.js';
import type { LossSurface } from '../results.js';
import { Steps } from '../steps.js';
import type { AnalysisOptions } from '../types.js';
import { analysisChecks, checkOptions, isInteger, isRange } from '../validate.js';
import { selfChecks } from './checks.js';
import { coordinates, sweep } from './sweep.js';

export interface LossSurfaceOptions extends AnalysisOptions {
  /** Of both axes, in units of the directions; default [−1, 1]. */
  readonly range?: readonly [number, number];
  readonly yRange?: readonly [number, number];
  /** Points along each axis; default 25. An odd number puts the model itself on the grid. */
  readonly points?: number;
  readonly yPoints?: number;
}

/**
 * Loss and accuracy on the plane θ* + x·d1 + y·d2 (Li et al. 2018, arXiv 1712.09913; Gabdullin 2024, eq. 1).
 *
 *     using plane = await randomPlane(model, { seed: 1 });
 *     const surface = await lossSurface(loss, plane, { range: [-1, 1], points: 51 });
 */
export async function lossSurface(
  objective: Objective,
  plane: Plane,
  options: LossSurfaceOptions = {},
): Promise<LossSurface> {
  checkOptions('lossSurface', options, {
    ...analysisChecks,
    range: isRange,
    yRange: isRange,
    points: isInteger(1),
    yPoints: isInteger(1),
  });
  const startedAt = performance.now();
  const { range = [-1, 1], points = 25 } = options;
  const x = coordinates(range, points);
  const y = coordinates(options.yRange ?? range, options.yPoints ?? points);
  const grid = new Float64Array(2 * x.length * y.length);
  y.forEach((b, j) => {
    x.forEach((a, i) => {
      grid.set([a, b], 2 * (j * x.length + i));
    });
  });
  const steps = new Steps('loss surface', x.length * y.length, options);
  const directions = plane.axes.map((axis) => axis.vector);
  using theta = await objective.model.theta();
  const model = await objective.evaluate(theta, options.signal);
  const { loss, accuracy } = await sweep(objective, theta, directions, grid, steps);
  const column = x.indexOf(0);
  const row = y.indexOf(0);
  const center = column < 0 || row < 0 ? -1 : row * x.length + column;
  return Object.freeze({
    kind: 'loss-surface',
    formatVersion: 1,
    x,
    y,
    loss,
    accuracy,
    modelLoss: model.loss,
    modelAccuracy: model.accuracy,
    axes: Object.freeze([plane.axes[0].description, plane.axes[1].description] as const),
    checks: selfChecks(loss, model.loss, center, await cosine(directions[0]!, directions[1]!)),
    provenance: await objective.provenance(startedAt),
  });
}
