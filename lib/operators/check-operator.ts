import { combine, type ParameterVector } from '../model/parameter-vector.js';
import type { OperatorCheck } from '../results.js';
import { throwIfAborted } from '../steps.js';
import { checkOptions, isInteger, isPositive, isSeed, isSignal } from '../validate.js';
import { applyOne, type LinearOperator, requireOperator } from './linear-operator.js';
import { notFinite } from './not-finite.js';
import { curvatureIn } from './wrapped-operator.js';

export interface CheckOperatorOptions {
  /** Random pairs of vectors for the symmetry; default 3. */
  readonly pairs?: number;
  /** ε of the central difference, relative to ‖θ‖; default 1e-3 (float32) or 1e-6 (float64). */
  readonly relativeStep?: number;
  readonly seed?: number;
  readonly signal?: AbortSignal | undefined;
}

/** What rounding may do to a product, relative to its norm. */
const tolerances = { float32: 1e-4, float64: 1e-9 } as const;
const relativeSteps = { float32: 1e-3, float64: 1e-6 } as const;
/** Kinks (ReLU, max-pooling) within the step leave a difference of some per cent. */
const differenceTolerance = 0.05;

/**
 * Whether an operator is what spectral methods take it for: symmetric (uᵀAv = vᵀAu), repeatable (the same product when
 * the model runs anew), and for Hessians the derivative of the gradient (vᵀHv against a central difference of gᵀv). What
 * depends on the mode is named: dropout and BatchNorm in train mode, random numbers drawn in the forward pass.
 *
 *     const check = await checkOperator(hessian(loss));
 *     if (!check.ok) console.log(check.notes);
 */
export async function checkOperator(
  operator: LinearOperator,
  options: CheckOperatorOptions = {},
): Promise<OperatorCheck> {
  requireOperator('checkOperator', operator);
  checkOptions('checkOperator', options, {
    pairs: isInteger(1),
    relativeStep: isPositive,
    seed: isSeed,
    signal: isSignal,
  });
  const startedAt = performance.now();
  const { pairs = 3, seed = 0, signal } = options;
  const { dtype } = operator.space;
  const tolerance = tolerances[dtype];
  let [skew, total, variation] = [0, 0, 0];
  for (let pair = 0; pair < pairs; pair++) {
    using u = await operator.space.randomVector('gaussian', seed, 2 * pair);
    using v = await operator.space.randomVector('gaussian', seed, 2 * pair + 1);
    using au = await applyOne(operator, u, signal);
    using av = await applyOne(operator, v, signal);
    skew += ((await u.dot(av)) - (await v.dot(au))) ** 2;
    const norm = await av.norm();
    if (!Number.isFinite(norm)) throw notFinite();
    total += (norm ** 2 + (await au.norm()) ** 2) / 2;
    // The model runs anew: a retained graph would only repeat itself.
    operator.forget?.();
    throwIfAborted(signal);
    using again = await applyOne(operator, v, signal);
    using change = await combine([again, av], [1, -1]);
    if (norm > 0) variation = Math.max(variation, (await change.norm()) / norm);
  }
  // Of Gaussian vectors E(uᵀ(A − Aᵀ)v)² = ‖A − Aᵀ‖²_F and E‖Av‖² = ‖A‖²_F.
  const asymmetry = total === 0 ? 0 : Math.sqrt(skew / total);
  const inside = curvatureIn(operator);
  const isHessian = inside?.curvature.matrix.kind === 'hessian';
  const relativeStep = options.relativeStep ?? relativeSteps[dtype];
  // Recalibrated statistics follow the point, and the Hessian holds them fixed.
  const isSmooth = isHessian && inside.curvature.objective.mode !== 'recalibrate';
  const curvature = isSmooth ? await centralDifference(operator, inside, relativeStep, seed, signal) : null;
  const isSymmetric = asymmetry <= tolerance;
  const isRepeatable = variation <= tolerance;
  return Object.freeze({
    kind: 'operator-check',
    formatVersion: 1,
    asymmetry,
    variation,
    tolerance,
    isSymmetric,
    isRepeatable,
    curvature,
    ok: isSymmetric && isRepeatable,
    notes: Object.freeze(describe({ inside, asymmetry, variation, isSymmetric, isRepeatable, curvature })),
    provenance: await operator.provenance(startedAt),
  });
}

/** vᵀAv, and factor·(g(θ + εv) − g(θ − εv))ᵀv / 2ε + shift for a unit v, of A = factor·H + shift·I. */
async function centralDifference(
  operator: LinearOperator,
  inside: NonNullable<ReturnType<typeof curvatureIn>>,
  relativeStep: number,
  seed: number,
  signal: AbortSignal | undefined,
): Promise<OperatorCheck['curvature']> {
  const { curvature, factor, shift } = inside;
  const { objective, space } = curvature;
  using raw = await space.randomVector('gaussian', seed, 1);
  using part = await raw.scale(1 / (await raw.norm()));
  using product = await applyOne(operator, part, signal);
  using v = await space.embed(part);
  const { theta } = await curvature.place();
  const step = relativeStep * ((await theta.norm()) || 1);
  const slope = async (t: number): Promise<number> => {
    using moved: ParameterVector = await combine([theta, v], [1, t]);
    const { gradient } = await objective.gradient(moved, signal, curvature.buffers);
    using g = gradient;
    return await g.dot(v);
  };
  const plain = ((await slope(step)) - (await slope(-step))) / (2 * step) + curvature.weightDecay;
  const difference = factor * plain + shift;
  const quadraticForm = await part.dot(product);
  const scale = Math.max(Math.abs(quadraticForm), await product.norm());
  const agrees = Math.abs(difference - quadraticForm) <= differenceTolerance * scale;
  return Object.freeze({ quadraticForm, difference, step, agrees });
}

interface Findings {
  readonly inside: ReturnType<typeof curvatureIn>;
  readonly asymmetry: number;
  readonly variation: number;
  readonly isSymmetric: boolean;
  readonly isRepeatable: boolean;
  readonly curvature: OperatorCheck['curvature'];
}

function describe(findings: Findings): string[] {
  const { inside, curvature } = findings;
  const notes: string[] = [];
  const objective = inside?.curvature.objective;
  const isTraining = objective?.mode === 'train';
  const impure = objective?.model.impureOperators ?? [];
  const found = (pattern: RegExp) => impure.filter((name) => pattern.test(name)).join(', ');
  const dropout = found(/dropout|rrelu/);
  const norm = found(/batch_norm|instance_norm/);
  const draws = found(/rand|bernoulli|multinomial|normal_?$|poisson|exponential/);
  if (isTraining && dropout !== '') {
    notes.push(
      `${dropout} in train mode: each batch has masks of its own, fixed by the objective's seed; another seed is another matrix.`,
    );
  }
  if (isTraining && norm !== '') {
    notes.push(
      `${norm} in train mode uses each batch's statistics: the matrix depends on how samples fall into batches.`,
    );
  }
  if (!findings.isRepeatable) {
    const cause =
      draws === ''
        ? 'the model is not a function of parameters and data alone'
        : `the model draws random numbers (${draws})`;
    notes.push(
      `Not repeatable: the same product differs by ${percent(findings.variation)} when the model runs anew; ${cause}. Eigenvalues of such an operator mean nothing.`,
    );
  }
  if (!findings.isSymmetric) {
    notes.push(`Not symmetric: ‖A − Aᵀ‖ is about ${percent(findings.asymmetry)} of ‖A‖.`);
  }
  if (curvature?.agrees === false) {
    notes.push(
      `vᵀHv is ${curvature.quadraticForm.toPrecision(4)}, the central difference of the gradient ${curvature.difference.toPrecision(4)}: kinks (ReLU, max-pooling) or rounding within the step, or a wrong derivative. float64 allows a smaller step.`,
    );
  }
  return notes;
}

function percent(share: number): string {
  return `${(100 * share).toPrecision(2)} %`;
}
