import { AbortError } from '../errors.js';
import { allocated } from '../io/allocate.js';
import { hashOf } from '../hash.js';
import { Journal, type Fingerprint } from '../io/journal.js';
import type { Evaluation } from '../objective/evaluation.js';
import type { Objective, PointSet } from '../objective/objective.js';
import { numThreads } from '../native/call.js';
import type { ReducedPrecision } from '../objective/subspace.js';
import type { PrecisionNote } from '../results.js';
import type { Steps } from '../steps.js';
import { pointsAtOnce } from './points-at-once.js';
import { measurePrecision } from './measure-precision.js';
import { bufferArrays, runFingerprint } from './run-fingerprint.js';

/** A native call should take about this long, so that abort and progress are prompt and calls cost nothing. */
const targetSeconds = 0.1;
const maxChunk = 256;
/** What an abort or a kill may cost at most, where a single point does not take longer. */
const maxSecondsLost = 1;

export interface SweepOptions {
  /** A file that keeps the values as they come; a run that was killed goes on from it, bit for bit. */
  readonly resume?: string;
  /** Record ‖∇L‖₂ at every point as well (about three times the work). */
  readonly gradientNorm?: boolean;
  /**
   * Products of the forward pass in bfloat16 (`bf16`, as PyTorch's autocast) or on a GPU in TF32 (`tf32`): faster, and
   * less exact. The result says by how much, measured at some of the points. Only of float32 models, and without
   * gradients. Default: the model's own type.
   */
  readonly precision?: ReducedPrecision;
}

export interface SweepValues {
  readonly loss: Float64Array;
  readonly accuracy: Float64Array | null;
  readonly metrics: Readonly<Record<string, Float64Array>>;
  readonly gradientNorm: Float64Array | null;
  readonly precision: PrecisionNote | null;
  /** For the provenance. */
  readonly plan: string | null;
}

/**
 * Evaluates the objective at every point. Non-finite values are kept as they come. Each point is computed from the origin,
 * so the values do not depend on how they are chunked, or on where a run was interrupted. `pointBytes`: what a point takes.
 */
export async function sweep(
  objective: Objective,
  points: PointSet,
  steps: Steps,
  options: SweepOptions & { readonly pointBytes: number },
): Promise<SweepValues> {
  const { gradientNorm = false, precision = null, pointBytes } = options;
  const recorder = new Recorder(objective.metricNames, points.numPoints, gradientNorm);
  const journal =
    options.resume === undefined
      ? null
      : await Journal.open(
          options.resume,
          'sweep',
          await fingerprint(objective, points, gradientNorm, precision),
          (record) => {
            const isPoint = record.length === 8 * recorder.width && recorder.numDone < points.numPoints;
            if (isPoint) recorder.add(decodeValues(record));
            return isPoint;
          },
        );
  const isPointwise = gradientNorm || objective.mode === 'recalibrate';
  const basis = { numPoints: points.numPoints, numThreads: await numThreads(), pointBytes };
  using subspace = objective.subspace(points, precision, isPointwise ? 1 : pointsAtOnce(basis));
  const atOnce = subspace.pointsAtOnce;
  // The last ones by themselves, where they are too few to keep all threads busy.
  const numTogether = points.numPoints - (points.numPoints % atOnce);
  try {
    steps.restore(recorder.numDone);
    // A native call takes all points of a chunk over one batch, and abort is heard between calls.
    const numCalls = isPointwise ? 1 : objective.numBatches;
    const secondsAtOnce = Math.min(targetSeconds * numCalls, maxSecondsLost);
    let chunk = atOnce;
    while (recorder.numDone < points.numPoints) {
      const isTogether = recorder.numDone < numTogether;
      const count = Math.min(chunk, (isTogether ? numTogether : points.numPoints) - recorder.numDone);
      const before = performance.now();
      const part = slice(points, recorder.numDone, count);
      const evaluated = gradientNorm
        ? await withGradients(objective, part, steps.signal)
        : (await objective.evaluateIn(subspace, part, steps.signal, !isTogether)).map((e) => ({
            ...e,
            gradientNorm: NaN,
          }));
      const values = evaluated.map((evaluation) => recorder.encode(evaluation));
      await journal?.append(values.map(encodeValues));
      values.forEach((point) => {
        recorder.add(point);
      });
      const secondsPerPoint = (performance.now() - before) / 1000 / count;
      const rounds = Math.min(maxChunk, secondsAtOnce / secondsPerPoint) / atOnce;
      chunk = atOnce * Math.max(1, Math.round(rounds));
      steps.advance(count);
    }
    const values = recorder.values();
    const note =
      precision === null
        ? null
        : await measurePrecision(precision, objective, points, values.loss, steps.signal);
    // 1 where the model turned out to be none that can be copied.
    const plan = subspace.pointsAtOnce > 1 ? `${atOnce} points at once` : null;
    return { ...values, precision: note, plan };
  } catch (error) {
    if (error instanceof AbortError) error.partial = recorder.partial();
    throw error;
  } finally {
    await journal?.close();
  }
}

/** `points` equally spaced coordinates; 0 and 1 are hit exactly where the spacing allows it. */
export function coordinates(range: readonly [number, number], points: number): Float64Array {
  const [low, high] = range;
  if (points === 1) return Float64Array.of((low + high) / 2);
  const snap = 1e-12 * (high - low);
  const values = allocated(() => new Float64Array(points), 'the grid', `${points} points along an axis`);
  return values.map((_, i) => {
    const t = low + (high - low) * (i / (points - 1));
    // Rounding must not move the model off its own grid, nor the end of an interpolation.
    const whole = Math.round(t);
    return (whole === 0 || whole === 1) && Math.abs(t - whole) < snap ? Math.abs(whole) : t;
  });
}

/** Points of a set from `start` on. */
function slice(points: PointSet, start: number, count: number): PointSet {
  const k = points.directions.length;
  return {
    ...points,
    coefficients: points.coefficients.subarray(start * k, (start + count) * k),
    numPoints: count,
  };
}

type PointValues = Evaluation & { readonly gradientNorm: number };

async function withGradients(
  objective: Objective,
  points: PointSet,
  signal: AbortSignal | undefined,
): Promise<PointValues[]> {
  const out: PointValues[] = [];
  for (let p = 0; p < points.numPoints; p++) {
    using theta = await objective.pointAt(points, p);
    using buffers = await objective.buffersAt(points, p);
    const { gradient, ...evaluation } = await objective.gradient(theta, signal, buffers ?? points.buffers);
    using vector = gradient;
    out.push({ ...evaluation, gradientNorm: await vector.norm() });
  }
  return out;
}

/** Little-endian on every machine. */
export function encodeValues(values: Float64Array): Buffer {
  const record = Buffer.alloc(8 * values.length);
  values.forEach((value, k) => record.writeDoubleLE(value, 8 * k));
  return record;
}

export function decodeValues(record: Buffer): Float64Array {
  return Float64Array.from({ length: record.length / 8 }, (_, k) => record.readDoubleLE(8 * k));
}

/** Values of points in order, in memory and as records of the journal. */
class Recorder {
  readonly width: number;
  readonly #columns: readonly Float64Array[];
  readonly #metricNames: readonly string[];
  readonly #hasGradients: boolean;
  #numDone = 0;

  constructor(metricNames: readonly string[], numPoints: number, hasGradients: boolean) {
    this.#metricNames = metricNames;
    this.#hasGradients = hasGradients;
    this.width = 2 + metricNames.length + (hasGradients ? 1 : 0);
    this.#columns = Array.from({ length: this.width }, () => new Float64Array(numPoints).fill(NaN));
  }

  get numDone(): number {
    return this.#numDone;
  }

  encode(values: PointValues): Float64Array {
    const metrics = this.#metricNames.map((name) => values.metrics[name]!);
    const rest = this.#hasGradients ? [values.gradientNorm] : [];
    return Float64Array.of(values.loss, values.accuracy ?? NaN, ...metrics, ...rest);
  }

  add(values: Float64Array): void {
    values.forEach((value, k) => (this.#columns[k]![this.#numDone] = value));
    this.#numDone++;
  }

  values(): Omit<SweepValues, 'precision' | 'plan'> {
    const metrics = this.#metricNames.map((name, i) => [name, this.#columns[2 + i]!] as const);
    return {
      loss: this.#columns[0]!,
      accuracy: this.#accuracy(),
      metrics: Object.freeze(Object.fromEntries(metrics)),
      gradientNorm: this.#hasGradients ? this.#columns[this.width - 1]! : null,
    };
  }

  partial() {
    return { numDone: this.#numDone, loss: this.#columns[0]!, accuracy: this.#accuracy() };
  }

  /** A criterion either has an accuracy at every point or at none. */
  #accuracy(): Float64Array | null {
    return Number.isNaN(this.#columns[1]![0]) ? null : this.#columns[1]!;
  }
}

/** What the values of a sweep depend on. */
async function fingerprint(
  objective: Objective,
  points: PointSet,
  gradientNorm: boolean,
  precision: ReducedPrecision | null,
): Promise<Fingerprint> {
  const vectors: (Float64Array | string)[] = [];
  for (const vector of points.directions) vectors.push(await vector.toArray());
  for (const state of points.bufferDirections ?? []) vectors.push(...(await bufferArrays(state)));
  const origin = { theta: points.origin, buffers: points.buffers ?? null };
  return runFingerprint(objective, origin, {
    directions: hashOf(vectors),
    points: points.numPoints,
    coefficients: hashOf([points.coefficients]),
    gradientNorm: String(gradientNorm),
    precision: precision ?? 'full',
  });
}
