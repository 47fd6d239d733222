import { combine, disposeAll, type ParameterVector } from '../model/parameter-vector.js';
import { ownSolution, requireFit, type Solution, isSolution } from '../model/solution.js';
import { Objective } from '../objective/objective.js';
import type { AverageSharpness, KeskarSharpness, Sharpness } from '../results.js';
import { meanEstimate } from '../spectrum/statistics.js';
import { Steps, throwIfAborted } from '../steps.js';
import type { AnalysisOptions } from '../types.js';
import {
  analysisChecks,
  checkOptions,
  invalidOption,
  isArrayOf,
  isInteger,
  isPositive,
  isSeed,
  requireInstance,
} from '../validate.js';
import { maximizeInBox, type BoxMaximum } from './box-ascent.js';
import { countChecks, countEigenvalues, type EigenvalueCountOptions } from './eigenvalue-counts.js';
import { notFinite } from './not-finite.js';
import { solveSymmetric } from './solve-symmetric.js';

export interface SharpnessOptions extends AnalysisOptions, EigenvalueCountOptions {
  /** θ with its running statistics; default the model's own. */
  readonly at?: Solution;
  /** Of Keskar's boxes; default [1e-3, 5e-4] (Keskar 2017). */
  readonly epsilons?: readonly number[];
  /** Dimensions of Keskar's random subspace; default 100 (Keskar 2017), at most 2000, 0: none. It takes as many
   * vectors of memory. */
  readonly subspaceSize?: number;
  /** Of each maximisation; default 10 (Keskar 2017). */
  readonly iterations?: number;
  /** Radius of SAM, and of the average case; default 0.05 (Foret 2021). */
  readonly rho?: number;
  /** Radius of ASAM, and of its average case, in units of the weights; default 2. */
  readonly adaptiveRho?: number;
  /** Random perturbations of each average; default 20. */
  readonly samples?: number;
  readonly seed?: number;
}

/** Random vectors of averages come after those of a subspace. */
const averageStream = 2 ** 24;
const pointsAtOnce = 8;
/** Time grows with its cube. */
const maxSubspaceSize = 2000;

/**
 * How sharp a minimum is, in the worst case and on average:
 *
 * - `keskar`: 100·(max L(θ + Ay) − L(θ)) / (1 + L(θ)) over the box |yᵢ| ≤ ε(|(A⁺θ)ᵢ| + 1), in the full space (A = I) and
 *   for A with random N(0, 1) entries (Keskar et al. 2017, arXiv 1609.04836, by projected gradient ascent);
 * - `sam`: L(θ + ρg/‖g‖) − L(θ) (Foret et al. 2021), `asam`: the same with ρT²g/‖Tg‖, T = |θ| (Kwon et al. 2021);
 * - `average`, `adaptiveAverage`: the mean of L(θ + δ) − L(θ) over random δ = ρu, and ρTu, u uniform on the unit sphere;
 * - `counts`: eigenvalues above and below `thresholds`, where a `density` or `eigenpairs` are given.
 *
 *     const { keskar, sam, average } = await sharpness(loss, { seed: 1 });
 *
 * Throws ERR_INVALID_OPTION, ERR_INVALID_DATA where the loss or its gradient is not finite.
 */
export async function sharpness(objective: Objective, options: SharpnessOptions = {}): Promise<Sharpness> {
  requireInstance('sharpness: objective', objective, Objective, 'an Objective (of objective)');
  checkOptions('sharpness', options, {
    ...analysisChecks,
    ...countChecks,
    at: isSolution,
    epsilons: isArrayOf((v) => isPositive(v), 'an array of positive numbers'),
    subspaceSize: isInteger(0),
    iterations: isInteger(1),
    rho: isPositive,
    adaptiveRho: isPositive,
    samples: isInteger(1),
    seed: isSeed,
  });
  const startedAt = performance.now();
  const { at, epsilons = [1e-3, 5e-4], iterations = 10, rho = 0.05, adaptiveRho = 2 } = options;
  const { samples = 20, seed = 0, confidence = 0.95, thresholds, density, eigenpairs } = options;
  const { size } = objective.model;
  const largest = Math.min(size, maxSubspaceSize);
  if ((options.subspaceSize ?? 0) > largest)
    throw invalidOption("sharpness: option 'subspaceSize'", `at most ${largest}`, options.subspaceSize);
  const subspaceSize = Math.min(options.subspaceSize ?? 100, size);
  const numBoxes = epsilons.length * (subspaceSize > 0 ? 2 : 1);
  const steps = new Steps('sharpness', numBoxes + subspaceSize + 2 + 2 * samples, options);
  if (at !== undefined) requireFit(objective.model, at);
  using own = at === undefined ? await ownSolution(objective.model) : null;
  using place = await Place.of(objective, at ?? own!, steps);
  const [sam, asam] = [await place.sam(rho), await place.asam(adaptiveRho)];
  const keskar: KeskarSharpness[] = [];
  for (const epsilon of epsilons) keskar.push(await place.fullBox(epsilon, iterations));
  if (subspaceSize > 0) keskar.push(...(await place.subspaceBoxes(epsilons, iterations, subspaceSize, seed)));
  const averages = { samples, seed, confidence };
  const average = await place.average(rho, averages, false);
  const adaptiveAverage = await place.average(adaptiveRho, averages, true);
  const hasSpectrum = density !== undefined || eigenpairs !== undefined;
  steps.finish();
  return Object.freeze({
    kind: 'sharpness',
    formatVersion: 1,
    modelLoss: place.loss,
    gradientNorm: await place.gradient.norm(),
    keskar: Object.freeze(keskar),
    sam: Object.freeze({ rho, value: sam }),
    asam: Object.freeze({ rho: adaptiveRho, value: asam }),
    average,
    adaptiveAverage,
    counts: hasSpectrum
      ? countEigenvalues({
          confidence,
          ...(thresholds === undefined ? {} : { thresholds }),
          ...(density === undefined ? {} : { density }),
          ...(eigenpairs === undefined ? {} : { eigenpairs }),
        })
      : Object.freeze([]),
    confidence,
    seed,
    provenance: await objective.provenance(startedAt, at?.label ?? 'model'),
  });
}

interface AverageOptions {
  readonly samples: number;
  readonly seed: number;
  readonly confidence: number;
}

/** θ with loss and gradient there. */
class Place {
  readonly objective: Objective;
  readonly center: Solution;
  readonly steps: Steps;
  readonly loss: number;
  readonly gradient: ParameterVector;

  private constructor(
    objective: Objective,
    center: Solution,
    steps: Steps,
    found: { readonly loss: number; readonly gradient: ParameterVector },
  ) {
    this.objective = objective;
    this.center = center;
    this.steps = steps;
    this.loss = found.loss;
    this.gradient = found.gradient;
  }

  static async of(objective: Objective, center: Solution, steps: Steps): Promise<Place> {
    const found = await objective.gradient(center.theta, steps.signal, center.buffers);
    const place = new Place(objective, center, steps, found);
    const problem = !Number.isFinite(found.loss)
      ? `loss of '${center.label}' is ${found.loss}`
      : Number.isFinite(await found.gradient.norm())
        ? null
        : `gradient at '${center.label}' is not finite`;
    if (problem === null) return place;
    place[Symbol.dispose]();
    throw notFinite(problem, 'there is no sharpness to speak of');
  }

  async sam(rho: number): Promise<number> {
    return this.#rise(this.gradient, rho / (await this.gradient.norm()));
  }

  async asam(rho: number): Promise<number> {
    const { theta } = this.center;
    using scaled = await theta.multiply(this.gradient);
    using twice = await theta.multiply(scaled);
    return await this.#rise(twice, rho / (await scaled.norm()));
  }

  /** L(θ + factor·d) − L(θ); 0 where there is no way to go. */
  async #rise(direction: ParameterVector, factor: number): Promise<number> {
    let rise = 0;
    if (Number.isFinite(factor)) {
      using point = await combine([this.center.theta, direction], [1, factor]);
      rise = (await this.#lossAt(point)) - this.loss;
    }
    this.steps.advance();
    return rise;
  }

  async fullBox(epsilon: number, iterations: number): Promise<KeskarSharpness> {
    const theta = await this.center.theta.toArray();
    const { space } = this.center.theta;
    const pointAt = async (y: Float64Array) => space.vector(theta.map((value, i) => value + y[i]!));
    const bounds = theta.map((value) => epsilon * (Math.abs(value) + 1));
    const maximum = await maximizeInBox(
      {
        bounds,
        start: { loss: this.loss, gradient: await this.gradient.toArray() },
        lossAt: async (y) => {
          using point = await pointAt(y);
          return await this.#lossAt(point);
        },
        gradientAt: async (y) => {
          using point = await pointAt(y);
          using gradient = await this.#gradientAt(point);
          return await gradient.toArray();
        },
      },
      iterations,
    );
    return this.#keskar(epsilon, null, maximum);
  }

  async subspaceBoxes(
    epsilons: readonly number[],
    iterations: number,
    size: number,
    seed: number,
  ): Promise<KeskarSharpness[]> {
    const { theta } = this.center;
    const columns: ParameterVector[] = [];
    try {
      for (let i = 0; i < size; i++) {
        throwIfAborted(this.steps.signal);
        columns.push(await theta.space.randomVector('gaussian', seed, i));
      }
      const dots = async (vector: ParameterVector, count = size) => {
        const out = new Float64Array(count);
        for (let i = 0; i < count; i++) out[i] = await columns[i]!.dot(vector);
        throwIfAborted(this.steps.signal);
        return out;
      };
      // A⁺θ = (AᵀA)⁻¹Aᵀθ
      const gram: Float64Array[] = [];
      for (let i = 0; i < size; i++) {
        gram.push(await dots(columns[i]!, i + 1));
        this.steps.advance();
      }
      const coordinates = solveSymmetric(gram, await dots(theta));
      const start = { loss: this.loss, gradient: await dots(this.gradient) };
      const pointAt = async (y: Float64Array) => combine([theta, ...columns], [1, ...y]);
      const out: KeskarSharpness[] = [];
      for (const epsilon of epsilons) {
        const maximum = await maximizeInBox(
          {
            bounds: coordinates.map((value) => epsilon * (Math.abs(value) + 1)),
            start,
            lossAt: async (y) => {
              using point = await pointAt(y);
              return await this.#lossAt(point);
            },
            gradientAt: async (y) => {
              using point = await pointAt(y);
              using gradient = await this.#gradientAt(point);
              return await dots(gradient);
            },
          },
          iterations,
        );
        out.push(this.#keskar(epsilon, size, maximum));
      }
      return out;
    } finally {
      disposeAll(columns);
    }
  }

  #keskar(epsilon: number, subspaceSize: number | null, maximum: BoxMaximum): KeskarSharpness {
    const { loss, numIterations, numEvaluations, isStationary } = maximum;
    this.steps.advance();
    const value = (100 * (loss - this.loss)) / (1 + this.loss);
    return Object.freeze({
      epsilon,
      subspaceSize,
      value,
      maxLoss: loss,
      numIterations,
      numEvaluations,
      isStationary,
    });
  }

  /** Mean rise over random perturbations of length ρ; `isAdaptive`: in units of the weights. */
  async average(
    rho: number,
    { samples, seed, confidence }: AverageOptions,
    isAdaptive: boolean,
  ): Promise<AverageSharpness> {
    const { theta, buffers } = this.center;
    const rises: number[] = [];
    while (rises.length < samples) {
      const count = Math.min(pointsAtOnce, samples - rises.length);
      const directions: ParameterVector[] = [];
      const coefficients = new Float64Array(count * count);
      try {
        for (let i = 0; i < count; i++) {
          const stream = averageStream + rises.length + i;
          const random = await theta.space.randomVector('gaussian', seed, stream);
          directions.push(random);
          coefficients[i * count + i] = rho / (await random.norm());
          if (isAdaptive) {
            directions[i] = await theta.multiply(random);
            random.dispose();
          }
        }
        const points = { origin: theta, buffers, directions, coefficients, numPoints: count };
        const values = await this.objective.evaluatePoints(points, this.steps.signal);
        rises.push(...values.map(({ loss }) => loss - this.loss));
      } finally {
        disposeAll(directions);
      }
      this.steps.advance(count);
    }
    return Object.freeze({ rho, ...meanEstimate(rises, confidence), samples: Float64Array.from(rises) });
  }

  async #lossAt(point: ParameterVector): Promise<number> {
    return (await this.objective.evaluate(point, this.steps.signal, this.center.buffers)).loss;
  }

  async #gradientAt(point: ParameterVector): Promise<ParameterVector> {
    return (await this.objective.gradient(point, this.steps.signal, this.center.buffers)).gradient;
  }

  [Symbol.dispose](): void {
    this.gradient.dispose();
  }
}
