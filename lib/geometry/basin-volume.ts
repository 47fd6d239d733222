import {
  normalizationChecks,
  randomDirection,
  type Direction,
  type Normalization,
  type NormalizationOptions,
} from '../directions/direction.js';
import { LossAtlasError } from '../errors.js';
import { Journal } from '../io/journal.js';
import { runFingerprint } from '../landscape/run-fingerprint.js';
import { disposeAll } from '../model/parameter-vector.js';
import { ownSolution, requireFit, type Solution } from '../model/solution.js';
import type { Evaluation } from '../objective/evaluation.js';
import { Objective } from '../objective/objective.js';
import type { BasinVolume } from '../results.js';
import { Steps } from '../steps.js';
import type { AnalysisOptions } from '../types.js';
import {
  analysisChecks,
  checkOptions,
  invalidOption,
  isConfidence,
  isInteger,
  isNumber,
  isOneOf,
  isPositive,
  isSeed,
  isString,
  requireInstance,
} from '../validate.js';
import { logVolume } from './log-volume.js';
import { notFinite } from './not-finite.js';
import { Ray, type RayValue } from './ray.js';

export interface BasinVolumeOptions extends AnalysisOptions, NormalizationOptions {
  /** What leaves the basin: a `loss` above the cutoff (default), or an `accuracy` below it. */
  readonly quantity?: 'loss' | 'accuracy';
  /** Default a loss of 0.1 (Huang 2019); of accuracies, in [0, 1], there is none. */
  readonly cutoff?: number;
  /** Random rays; default 100. */
  readonly rays?: number;
  /**
   * Of the rays; default `none`: uniform on the unit sphere, and radii are Euclidean. Others measure radii in units of the
   * scaled direction: with `filter`, 1 is as far as each filter is long, and the volume does not change when filters
   * are rescaled.
   */
  readonly normalization?: Normalization;
  /** Relative width of the bracket around each radius; default 0.01. */
  readonly precision?: number;
  /**
   * Rays that have not left the basin there are censored, and count with this radius; default 10·‖θ‖, and 10 for scaled
   * directions.
   */
  readonly maxRadius?: number;
  readonly seed?: number;
  /** Number of the first ray in the seed's sequence; default 0. Runs with disjoint ranges are independent. */
  readonly firstRay?: number;
  /**
   * Rays side by side, with one pass over the data for all of them and a vector each; default 8. Later ones begin
   * at the median radius of those before, so that it decides the last digits.
   */
  readonly raysPerPass?: number;
  /** Of the intervals; default 0.95. */
  readonly confidence?: number;
  /** A file that keeps finished rays; a run that was stopped goes on from it, bit for bit. */
  readonly resume?: string;
}

/** Where the first ray looks first, in units of the largest radius. */
const firstGuess = 1e-3;
/** low, high, radius, number of evaluations. */
const numbersOfRay = 4;

interface FoundRay {
  readonly low: number;
  readonly high: number;
  readonly radius: number;
  readonly numEvaluations: number;
}

/**
 * How large the basin of a minimum is: radii along random rays at which the loss first exceeds a cutoff, and the log of the
 * volume π^(n/2) / Γ(1 + n/2) · E[rⁿ] that they enclose (Huang et al. 2019, arXiv 1906.03291).
 *
 *     const basin = await basinVolume(loss, { cutoff: 0.5, rays: 200, seed: 1 });
 *     console.log(basin.medianRadius, basin.logVolume.value, basin.effectiveSampleSize);
 *
 * In many dimensions the few longest rays make up all of the volume: the effective sample size says how many.
 * Throws ERR_INVALID_OPTION where the model itself is beyond the cutoff.
 */
export async function basinVolume(
  objective: Objective,
  options: BasinVolumeOptions = {},
): Promise<BasinVolume> {
  requireInstance('basinVolume: objective', objective, Objective, 'an Objective (of objective)');
  checkOptions('basinVolume', options, {
    ...analysisChecks,
    ...normalizationChecks,
    quantity: isOneOf('loss', 'accuracy'),
    cutoff: isNumber(),
    rays: isInteger(1),
    precision: isNumber(1e-9, 1),
    maxRadius: isPositive,
    seed: isSeed,
    firstRay: isInteger(0, 2 ** 40),
    raysPerPass: isInteger(1),
    confidence: isConfidence,
    resume: isString,
  });
  const startedAt = performance.now();
  const { rays = 100, confidence = 0.95, at } = options;
  const progress = new Steps('basin volume', rays, options);
  if (at !== undefined) requireFit(objective.model, at);
  using own = at === undefined ? await ownSolution(objective.model) : null;
  const center = at ?? own!;
  const model = await objective.evaluate(center.theta, progress.signal, center.buffers);
  const settings = await settingsOf(objective, options, center, model);
  const search = new BasinSearch(objective, center, settings);
  const found = await search.run(rays, progress, options.resume);
  const radii = found.map(({ radius }) => radius);
  const { volume, effectiveSampleSize } = logVolume(radii, settings.dimension, confidence);
  const censored = found.map(({ high }) => high === Infinity);
  return Object.freeze({
    kind: 'basin-volume',
    formatVersion: 1,
    quantity: settings.quantity,
    cutoff: settings.cutoff,
    modelLoss: model.loss,
    modelAccuracy: model.accuracy,
    dimension: settings.dimension,
    logVolume: volume,
    confidence,
    medianRadius: median(radii),
    effectiveSampleSize,
    numCensored: censored.filter(Boolean).length,
    radii: Float64Array.from(radii),
    low: Float64Array.from(found, ({ low }) => low),
    high: Float64Array.from(found, ({ high }) => high),
    numEvaluations: Float64Array.from(found, (ray) => ray.numEvaluations),
    precision: settings.precision,
    maxRadius: settings.maxRadius,
    normalization: settings.normalization,
    order: settings.order,
    ignored: settings.ignored,
    frozen: settings.frozen,
    seed: settings.seed,
    firstRay: settings.firstRay,
    raysPerPass: settings.raysPerPass,
    provenance: await objective.provenance(startedAt, at?.label ?? 'model'),
  });
}

interface BasinSettings extends Pick<
  BasinVolume,
  | 'quantity'
  | 'cutoff'
  | 'precision'
  | 'maxRadius'
  | 'normalization'
  | 'order'
  | 'ignored'
  | 'frozen'
  | 'seed'
  | 'firstRay'
  | 'raysPerPass'
  | 'dimension'
> {
  /** Of the quantity at the model. */
  readonly start: number;
  readonly directions: NormalizationOptions & { readonly seed: number };
}

async function settingsOf(
  objective: Objective,
  options: BasinVolumeOptions,
  center: Solution,
  model: Evaluation,
): Promise<BasinSettings> {
  const { quantity = 'loss', normalization = 'none', seed = 0, firstRay = 0, at } = options;
  const { order, ignore, freeze } = options;
  const { cutoff, start } = cutoffOf(quantity, options.cutoff, model, {
    label: center.label,
    criterion: objective.loss,
  });
  const directions = {
    normalization,
    seed,
    ...(order === undefined ? {} : { order }),
    ...(ignore === undefined ? {} : { ignore }),
    ...(freeze === undefined ? {} : { freeze }),
    ...(at === undefined ? {} : { at }),
  };
  using first = await randomDirection(objective.model, directions, firstRay);
  const dimension = (await first.vector.toArray()).reduce((count, x) => count + (x === 0 ? 0 : 1), 0);
  const { description } = first;
  return {
    quantity,
    cutoff,
    start,
    precision: options.precision ?? 0.01,
    maxRadius: options.maxRadius ?? (normalization === 'none' ? 10 * ((await center.theta.norm()) || 1) : 10),
    normalization,
    order: description.order!,
    ignored: description.ignored,
    frozen: description.frozen,
    seed,
    firstRay,
    raysPerPass: options.raysPerPass ?? 8,
    dimension,
    directions,
  };
}

function cutoffOf(
  quantity: BasinVolume['quantity'],
  given: number | undefined,
  { loss, accuracy }: Evaluation,
  { label, criterion }: { readonly label: string; readonly criterion: string },
): { readonly cutoff: number; readonly start: number } {
  if (!Number.isFinite(loss)) throw notFinite(`loss of '${label}' is ${loss}`, 'there is no basin around it');
  const name = "basinVolume: option 'cutoff'";
  if (quantity === 'loss') {
    const cutoff = given ?? 0.1;
    if (loss < cutoff) return { cutoff, start: loss };
    throw invalidOption(name, `above the loss of the model, ${loss}`, cutoff);
  }
  if (accuracy === null)
    throw invalidOption(
      "basinVolume: option 'quantity'",
      `'loss' for ${criterion}, which has no accuracy`,
      quantity,
    );
  if (given === undefined)
    throw new LossAtlasError('ERR_INVALID_OPTION', `${name} is missing: an accuracy, for example 0.9.`);
  if (accuracy >= given) return { cutoff: given, start: accuracy };
  throw invalidOption(name, `at most the accuracy of the model, ${accuracy}`, given);
}

/** Rays of one centre, some side by side. */
class BasinSearch {
  readonly #objective: Objective;
  readonly #center: Solution;
  readonly #settings: BasinSettings;
  readonly #found: FoundRay[] = [];

  constructor(objective: Objective, center: Solution, settings: BasinSettings) {
    this.#objective = objective;
    this.#center = center;
    this.#settings = settings;
  }

  async run(count: number, progress: Steps, resume: string | undefined): Promise<readonly FoundRay[]> {
    const found = this.#found;
    const groupSize = () => Math.min(this.#settings.raysPerPass, count - found.length);
    const journal =
      resume === undefined
        ? null
        : await Journal.open(resume, 'basin', await this.#fingerprint(), (record) => {
            const isGroup = groupSize() > 0 && record.length === 8 * numbersOfRay * groupSize();
            if (isGroup) found.push(...decodeRays(record));
            return isGroup;
          });
    try {
      progress.restore(found.length);
      while (found.length < count) {
        const group = await this.#search(groupSize(), progress.signal);
        await journal?.append([encodeRays(group)]);
        found.push(...group);
        progress.advance(group.length);
      }
      return found;
    } finally {
      await journal?.close();
    }
  }

  /** The next rays. */
  async #search(count: number, signal: AbortSignal | undefined): Promise<FoundRay[]> {
    const { precision, maxRadius, normalization, directions, firstRay } = this.#settings;
    const guess = this.#guess();
    const rays = Array.from({ length: count }, () => new Ray({ guess, precision, maxRadius }));
    const held: Direction[] = [];
    try {
      for (let i = 0; i < count; i++) {
        const stream = firstRay + this.#found.length + i;
        held.push(await randomDirection(this.#objective.model, directions, stream));
      }
      // Of a unit direction, or of the scaled one as it is.
      const units = held.map(({ description }) => (normalization === 'none' ? 1 / description.norm : 1));
      const { theta: origin, buffers } = this.#center;
      const span = { origin, buffers, directions: held.map(({ vector }) => vector) };
      using subspace = this.#objective.subspace(span);
      for (;;) {
        const active = rays.flatMap((ray, i) => (ray.isDone ? [] : [i]));
        if (active.length === 0) break;
        const radii = active.map((i) => rays[i]!.next());
        const coefficients = new Float64Array(active.length * count);
        active.forEach((i, p) => (coefficients[p * count + i] = radii[p]! * units[i]!));
        const points = { ...span, coefficients, numPoints: active.length };
        const values = await this.#objective.evaluateIn(subspace, points, signal);
        active.forEach((i, p) => {
          rays[i]!.take(radii[p]!, this.#valueOf(values[p]!));
        });
      }
    } finally {
      disposeAll(held);
    }
    return rays.map(({ low, high, radius, numEvaluations }) => ({ low, high, radius, numEvaluations }));
  }

  #guess(): number {
    const radii = this.#found.filter(({ high }) => high !== Infinity).map(({ radius }) => radius);
    return radii.length === 0 ? firstGuess * this.#settings.maxRadius : median(radii);
  }

  #valueOf({ loss, accuracy }: Evaluation): RayValue {
    const { quantity, cutoff, start } = this.#settings;
    const value = quantity === 'loss' ? loss : accuracy!;
    // Of what is not finite either comparison is false.
    const isInside = Number.isFinite(loss) && (quantity === 'loss' ? value <= cutoff : value >= cutoff);
    return { isOutside: !isInside, ratio: (value - start) / (cutoff - start) };
  }

  async #fingerprint() {
    const { directions: _, ignored, frozen, seed, ...settings } = this.#settings;
    const own = { ...settings, ignored: ignored.join(), frozen: frozen.join() };
    return runFingerprint(this.#objective, this.#center, { ...own, raySeed: seed });
  }
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

function encodeRays(rays: readonly FoundRay[]): Buffer {
  const record = Buffer.alloc(8 * numbersOfRay * rays.length);
  rays
    .flatMap(({ low, high, radius, numEvaluations }) => [low, high, radius, numEvaluations])
    .forEach((value, k) => record.writeDoubleLE(value, 8 * k));
  return record;
}

function decodeRays(record: Buffer): FoundRay[] {
  return Array.from({ length: record.length / (8 * numbersOfRay) }, (_, i) => {
    const at = (k: number) => record.readDoubleLE(8 * (numbersOfRay * i + k));
    return { low: at(0), high: at(1), radius: at(2), numEvaluations: at(3) };
  });
}
