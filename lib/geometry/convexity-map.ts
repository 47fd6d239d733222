import { Plane } from '../directions/plane.js';
import { LossAtlasError } from '../errors.js';
import { hashOf } from '../hash.js';
import { Journal } from '../io/journal.js';
import { ownRecipe } from '../landscape/landscape-values.js';
import { runFingerprint } from '../landscape/run-fingerprint.js';
import { gridCoefficients } from '../landscape/surface.js';
import { coordinates } from '../landscape/sweep.js';
import { disposeAll, type ParameterVector } from '../model/parameter-vector.js';
import { ownSolution, requireFit, Solution, isSolution } from '../model/solution.js';
import { Objective, type PointSet } from '../objective/objective.js';
import { hessian } from '../operators/hessian.js';
import type { CurvatureOptions } from '../operators/curvature-operator.js';
import type { ColdStarts, EigenvalueMap, Provenance } from '../results.js';
import { eigenpairs, eigenpairsChecks, precisionOf, type EigenpairsOptions } from '../spectrum/eigenpairs.js';
import { Steps } from '../steps.js';
import type { AnalysisOptions } from '../types.js';
import {
  analysisChecks,
  checkOptions,
  invalidOption,
  isInteger,
  isRange,
  isString,
  requireInstance,
} from '../validate.js';
import { KeptVectors } from '../spectrum/kept-vectors.js';

export interface ConvexityMapOptions
  extends
    AnalysisOptions,
    Pick<
      EigenpairsOptions,
      'tolerance' | 'maxProducts' | 'verify' | 'seed' | 'basisSize' | 'memoryBudget' | 'basisPlacement'
    > {
  /** θ at the centre with its running statistics; default the model's own (or what the plane says). */
  readonly at?: Solution;
  /** Of both axes, in units of the directions; default [−1, 1]. */
  readonly range?: readonly [number, number];
  /** Default `range`. */
  readonly yRange?: readonly [number, number];
  /** Points along each axis; default 11. Every point costs tens of Hessian-vector products. */
  readonly points?: number;
  readonly yPoints?: number;
  /** Random starts at so many points besides, to see what starting from the neighbour saves; default 0. */
  readonly compareCold?: number;
  /** A file that keeps finished points, with one more beside it for the last eigenvectors; a run that was stopped goes on, bit for bit. */
  readonly resume?: string;
}

/** Residuals relative to max |λ|: errors of eigenvalues are of its square. */
const defaultTolerance = 1e-3;

/**
 * λ_min and λ_max of the Hessian at every point of a plane (Li et al. 2018, arXiv 1712.09913, section 6): where
 * |λ_min / λ_max| is near 0 the loss is convex in all that matters. The walk goes to and fro, and every search starts from
 * the eigenvectors of the point before; each point is computed from the origin.
 *
 *     using plane = await randomPlane(model, { seed: 1 });
 *     const map = await convexityMap(loss, plane, { points: 21, compareCold: 5 });
 *     console.log(map.search?.cold?.share); // products of a warm start, as a share of a cold one's
 *
 * Points where the loss is not finite are NaN.
 */
export async function convexityMap(
  objective: Objective,
  plane: Plane,
  options: ConvexityMapOptions = {},
): Promise<EigenvalueMap> {
  requireInstance('convexityMap: objective', objective, Objective, 'an Objective (of objective)');
  requireInstance('convexityMap: plane', plane, Plane, 'a Plane (of randomPlane, hessianPlane …)');
  const { blockSize: _, start: _1, ...searchChecks } = eigenpairsChecks;
  checkOptions('convexityMap', options, {
    ...searchChecks,
    ...analysisChecks,
    at: isSolution,
    range: isRange,
    yRange: isRange,
    points: isInteger(1),
    yPoints: isInteger(1),
    compareCold: isInteger(0),
    resume: isString,
  });
  if (plane.adamStep !== null)
    throw invalidOption('convexityMap: plane', "a plane of x·d1 + y·d2, not of Adam's equation", plane);
  const startedAt = performance.now();
  const { range = [-1, 1], points = 11, at, compareCold = 0 } = options;
  const x = coordinates(range, points);
  const y = coordinates(options.yRange ?? range, options.yPoints ?? points);
  const origin = at ?? plane.origin;
  if (origin !== null) requireFit(objective.model, origin);
  using own = origin === null ? await ownSolution(objective.model) : null;
  const center = origin ?? own!;
  const buffers = plane.axes.map((axis) => axis.buffers).filter((state) => state !== null);
  const set: PointSet = {
    origin: center.theta,
    buffers: center.buffers,
    directions: plane.axes.map(({ vector }) => vector),
    bufferDirections: buffers.length === plane.axes.length ? buffers : [],
    coefficients: gridCoefficients(x, y),
    numPoints: x.length * y.length,
  };
  const cells = serpentine(x.length, y.length);
  const numCold = Math.min(compareCold, cells.length - 1);
  const steps = new Steps('convexity map', cells.length + numCold, options);
  using walk = new Walk(objective, set, cells, options);
  await walk.run(center, steps, options.resume);
  const cold = numCold === 0 ? null : await walk.compareCold(numCold, steps);
  const { found } = walk;
  const grid = (of: (point: FoundPoint) => number) => {
    const values = new Float64Array(cells.length);
    found.forEach((point, i) => (values[cells[i]!] = of(point)));
    return values;
  };
  const numProducts = grid((point) => point.numProducts);
  const provenance = await objective.provenance(startedAt, origin?.label ?? 'model', 'Hessian', walk.plan);
  return Object.freeze({
    kind: 'eigenvalue-map',
    formatVersion: 1,
    x,
    y,
    axes: Object.freeze([plane.axes[0].description, plane.axes[1].description] as const),
    smallest: grid(({ smallest }) => smallest),
    largest: grid(({ largest }) => largest),
    numProducts,
    recipe: ownRecipe,
    provenance,
    source: null,
    search: Object.freeze({
      tolerance: walk.tolerance,
      seed: options.seed ?? 0,
      residuals: grid(({ residual }) => residual),
      numNotConverged: found.filter(({ isConverged }) => !isConverged).length,
      totalProducts: numProducts.reduce((sum, n) => sum + n, 0),
      cold,
    }),
  });
}

/** Cells row by row, every other row backwards, so that neighbours follow each other. */
export function serpentine(width: number, height: number): number[] {
  return Array.from({ length: width * height }, (_, k) => {
    const row = Math.floor(k / width);
    const column = k % width;
    return row * width + (row % 2 === 0 ? column : width - 1 - column);
  });
}

interface FoundPoint {
  readonly smallest: number;
  readonly largest: number;
  readonly numProducts: number;
  /** The larger of the two. */
  readonly residual: number;
  readonly isConverged: boolean;
}

class Walk implements Disposable {
  readonly found: FoundPoint[] = [];
  readonly tolerance: number;
  plan: Provenance['plan'] = null;
  readonly #objective: Objective;
  readonly #points: PointSet;
  readonly #cells: readonly number[];
  readonly #search: EigenpairsOptions;
  /** Of the last point. */
  #vectors: readonly ParameterVector[] = [];

  constructor(
    objective: Objective,
    points: PointSet,
    cells: readonly number[],
    { tolerance, maxProducts, verify, seed, basisSize, memoryBudget, basisPlacement }: ConvexityMapOptions,
  ) {
    this.#objective = objective;
    this.#points = points;
    this.#cells = cells;
    this.tolerance = tolerance ?? defaultTolerance;
    this.#search = {
      k: 2,
      which: 'both-ends',
      ...precisionOf(objective.model.space, {
        tolerance: this.tolerance,
        ...(verify === undefined ? {} : { verify }),
      }),
      ...(maxProducts === undefined ? {} : { maxProducts }),
      ...(seed === undefined ? {} : { seed }),
      ...(basisSize === undefined ? {} : { basisSize }),
      ...(memoryBudget === undefined ? {} : { memoryBudget }),
      ...(basisPlacement === undefined ? {} : { basisPlacement }),
    };
  }

  async run(center: Solution, steps: Steps, resume: string | undefined): Promise<void> {
    const { found } = this;
    const fingerprint = resume === undefined ? null : await this.#fingerprint(center);
    const kept =
      resume === undefined
        ? null
        : new KeptVectors(`${resume}.vectors`, hashOf([JSON.stringify(fingerprint)]));
    const last = await kept?.load(this.#objective.model.space);
    const journal =
      resume === undefined
        ? null
        : await Journal.open(resume, 'eigenvalue-map', fingerprint!, (record) => {
            // A point whose eigenvectors were not kept any more is computed anew, from those before it.
            const isNext = found.length < this.#cells.length && (last == null || found.length <= last.index);
            const point = isNext ? decodePoint(record) : null;
            if (point !== null) found.push(point);
            return point !== null;
          });
    try {
      if (last != null) {
        if (last.index === found.length - 1) this.#take(last.vectors);
        else disposeAll(last.vectors);
      }
      steps.restore(found.length);
      while (found.length < this.#cells.length) {
        const point = await this.#compute(this.#cells[found.length]!, this.#vectors, true, steps);
        await journal?.append([encodePoint(point)]);
        await kept?.save(found.length, this.#vectors);
        found.push(point);
        steps.advance();
      }
      await kept?.remove();
    } finally {
      await journal?.close();
    }
  }

  /** The same at some of the points from random vectors. */
  async compareCold(count: number, steps: Steps): Promise<ColdStarts> {
    const places = Array.from({ length: count }, (_, i) =>
      Math.round(1 + ((i + 0.5) * (this.#cells.length - 2)) / count),
    );
    const cold: number[] = [];
    for (const place of places) {
      cold.push((await this.#compute(this.#cells[place]!, [], false, steps)).numProducts);
      steps.advance();
    }
    const sum = (list: readonly number[]) => list.reduce((total, n) => total + n, 0);
    const warm = places.map((place) => this.found[place]!.numProducts);
    return Object.freeze({
      cells: Float64Array.from(places, (place) => this.#cells[place]!),
      numProducts: Float64Array.from(cold),
      share: sum(warm) / sum(cold),
    });
  }

  async #compute(
    cell: number,
    start: readonly ParameterVector[],
    isKept: boolean,
    { signal }: Steps,
  ): Promise<FoundPoint> {
    using theta = await this.#objective.pointAt(this.#points, cell);
    using moved = await this.#objective.buffersAt(this.#points, cell);
    // Not to be disposed of: it owns neither.
    const place = new Solution(`cell ${cell}`, theta, moved ?? this.#points.buffers!);
    const { memoryBudget } = this.#search;
    const matrix: CurvatureOptions = { at: place, ...(memoryBudget === undefined ? {} : { memoryBudget }) };
    using operator = hessian(this.#objective, matrix);
    try {
      const pairs = await eigenpairs(operator, {
        ...this.#search,
        ...(start.length === 0 ? {} : { start }),
        ...(signal === undefined ? {} : { signal }),
      });
      if (isKept) this.#take(pairs.vectors);
      else pairs.dispose();
      this.plan ??= pairs.provenance.plan;
      return {
        smallest: pairs.values[pairs.values.length - 1]!,
        largest: pairs.values[0]!,
        numProducts: pairs.numProducts,
        residual: Math.max(...pairs.residuals),
        isConverged: pairs.allConverged,
      };
    } catch (error) {
      if (!(error instanceof LossAtlasError) || error.code !== 'ERR_INVALID_DATA') throw error;
      // Only where the loss itself is none; what else is invalid concerns all points.
      const { loss } = await this.#objective.evaluate(theta, signal, place.buffers);
      if (Number.isFinite(loss)) throw error;
      return { smallest: NaN, largest: NaN, numProducts: 1, residual: NaN, isConverged: false };
    }
  }

  #take(vectors: readonly ParameterVector[]): void {
    disposeAll(this.#vectors);
    this.#vectors = vectors;
  }

  async #fingerprint(center: Solution) {
    const vectors: Float64Array[] = [];
    for (const vector of this.#points.directions) vectors.push(await vector.toArray());
    const { signal: _, onProgress: _1, start: _2, ...search } = this.#search;
    return runFingerprint(this.#objective, center, {
      directions: hashOf(vectors),
      coefficients: hashOf([this.#points.coefficients]),
      search: JSON.stringify(search),
    });
  }

  [Symbol.dispose](): void {
    this.#take([]);
  }
}

const keys = ['smallest', 'largest', 'numProducts', 'residual'] as const;

function encodePoint(point: FoundPoint): Buffer {
  const record = Buffer.alloc(8 * (keys.length + 1));
  keys.forEach((key, k) => record.writeDoubleLE(point[key], 8 * k));
  record.writeDoubleLE(point.isConverged ? 1 : 0, 8 * keys.length);
  return record;
}

function decodePoint(record: Buffer): FoundPoint | null {
  if (record.length !== 8 * (keys.length + 1)) return null;
  const at = (k: number) => record.readDoubleLE(8 * k);
  const [smallest, largest, numProducts, residual] = [at(0), at(1), at(2), at(3)];
  return { smallest, largest, numProducts, residual, isConverged: at(4) === 1 };
}
