/** A loss over y, and how far each entry may be from 0. */
export interface BoxProblem {
  readonly bounds: Float64Array;
  /** Loss and gradient at y = 0. */
  readonly start: { readonly loss: number; readonly gradient: Float64Array };
  readonly lossAt: (y: Float64Array) => Promise<number>;
  readonly gradientAt: (y: Float64Array) => Promise<Float64Array>;
}

export interface BoxMaximum {
  readonly loss: number;
  readonly numIterations: number;
  readonly numEvaluations: number;
  /** No step along the gradient rises any more; else the iterations were up. */
  readonly isStationary: boolean;
}

const maxTrials = 10;

/**
 * The largest loss in a box around 0 by projected gradient ascent. The first try is the corner that the gradient points
 * to: of a linear loss that is the maximum itself, and of a convex one each corner is above the one before. Where it does
 * not rise the step is shortened until it does.
 */
export async function maximizeInBox(problem: BoxProblem, iterations: number): Promise<BoxMaximum> {
  const { bounds, start } = problem;
  let z: Float64Array = new Float64Array(bounds.length);
  let loss = start.loss;
  let gradient = start.gradient;
  let step = Infinity;
  let numEvaluations = 0;
  for (let i = 0; i < iterations; i++) {
    if (i > 0) gradient = await problem.gradientAt(times(z, bounds));
    const slope = times(gradient, bounds);
    const size = Math.sqrt(slope.reduce((sum, h) => sum + h * h, 0) / slope.length);
    let isBetter = false;
    for (let trial = 0; trial < maxTrials && size > 0; trial++) {
      const next = stepped(z, slope, step);
      if (next.every((value, k) => value === z[k])) break;
      const value = await problem.lossAt(times(next, bounds));
      numEvaluations++;
      // What is not finite is no maximum that says anything.
      isBetter = Number.isFinite(value) && value > loss;
      if (isBetter) {
        [z, loss] = [next, value];
        break;
      }
      step = Number.isFinite(step) ? step / 4 : 2 / size;
    }
    if (!isBetter) return { loss, numIterations: i, numEvaluations, isStationary: true };
    step *= 4;
  }
  return { loss, numIterations: iterations, numEvaluations, isStationary: false };
}

/** z + step·slope, cut off at ±1; the corner for an infinite step. */
function stepped(z: Float64Array, slope: Float64Array, step: number): Float64Array {
  return z.map((value, k) => {
    const h = slope[k]!;
    return h === 0 ? value : Math.max(-1, Math.min(1, value + step * h));
  });
}

function times(a: Float64Array, b: Float64Array): Float64Array {
  return a.map((value, k) => value * b[k]!);
}
