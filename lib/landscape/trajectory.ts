import type { Plane } from '../directions/plane.js';
import { combine } from '../model/parameter-vector.js';
import { ownSolution, requireFit, type Solution } from '../model/solution.js';
import type { Evaluation } from '../objective/evaluation.js';
import type { Objective } from '../objective/objective.js';
import type { Trajectory } from '../results.js';
import { Steps } from '../steps.js';
import type { AnalysisOptions } from '../types.js';
import { analysisChecks, checkOptions } from '../validate.js';

/**
 * Where solutions lie on a plane: the coordinates of their orthogonal projection, their distance from the plane, their own
 * loss and that of the projection (Li et al. 2018, section 7; a projected path alone misleads). Any plane will do;
 * `trajectoryPlane` makes the one that shows most. Projections are evaluated with the running statistics of the solution.
 */
export async function projectTrajectory(
  objective: Objective,
  plane: Plane,
  solutions: readonly Solution[],
  options: AnalysisOptions = {},
): Promise<Trajectory> {
  checkOptions('projectTrajectory', options, analysisChecks);
  const startedAt = performance.now();
  const steps = new Steps('trajectory', solutions.length, options);
  const [d1, d2] = [plane.axes[0].vector, plane.axes[1].vector];
  const [g11, g12, g22] = [await d1.dot(d1), await d1.dot(d2), await d2.dot(d2)];
  const determinant = g11 * g22 - g12 * g12;
  using own = plane.origin === null ? await ownSolution(objective.model) : null;
  const origin = plane.origin ?? own!;
  const rows: { x: number; y: number; distance: number; actual: Evaluation; projected: Evaluation }[] = [];
  for (const solution of solutions) {
    requireFit(objective.model, solution);
    using step = await combine([solution.theta, origin.theta], [1, -1]);
    const [b1, b2] = [await step.dot(d1), await step.dot(d2)];
    // Normal equations: the axes need not be orthogonal.
    const x = (g22 * b1 - g12 * b2) / determinant;
    const y = (g11 * b2 - g12 * b1) / determinant;
    using rest = await combine([step, d1, d2], [1, -x, -y]);
    using projection = await combine([origin.theta, d1, d2], [1, x, y]);
    rows.push({
      x,
      y,
      distance: await rest.norm(),
      actual: await objective.evaluate(solution.theta, steps.signal, solution.buffers),
      projected: await objective.evaluate(projection, steps.signal, solution.buffers),
    });
    steps.advance();
  }
  const column = (pick: (row: (typeof rows)[number]) => number) => Float64Array.from(rows, pick);
  const hasAccuracy = rows.every(({ actual }) => actual.accuracy !== null);
  return Object.freeze({
    kind: 'trajectory',
    formatVersion: 1,
    labels: Object.freeze(solutions.map(({ label }) => label)),
    x: column((row) => row.x),
    y: column((row) => row.y),
    distance: column((row) => row.distance),
    loss: column((row) => row.actual.loss),
    projectedLoss: column((row) => row.projected.loss),
    accuracy: hasAccuracy ? column((row) => row.actual.accuracy!) : null,
    explainedVariance: plane.explainedVariance,
    provenance: await objective.provenance(startedAt, origin.label),
  });
}
