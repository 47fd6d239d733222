import type { Dataset } from '../data/dataset.js';
import { randomBatches } from '../data/random-batches.js';
import { LossAtlasError } from '../errors.js';
import type { OpenedCheckpoint } from '../evaluation/opened-checkpoint.js';
import { hashOf } from '../hash.js';
import type { Fingerprint } from '../io/journal.js';
import { disposeAll, type ParameterVector } from '../model/parameter-vector.js';
import type { Model } from '../model/model.js';
import type { Solution } from '../model/solution.js';
import { objective, type Objective, type ObjectiveOptions } from '../objective/objective.js';
import { hessian } from '../operators/hessian.js';
import type { Provenance, TrackCheckpoint, TrackCurvature, TrackData, TrackRow } from '../results.js';
import { analyseHessian } from '../spectrum/analyse-hessian.js';
import { eigenpairs } from '../spectrum/eigenpairs.js';
import { hessianType } from '../spectrum/hessian-type.js';
import { KeptVectors } from '../spectrum/kept-vectors.js';
import { objectiveFingerprint } from '../spectrum/objective-fingerprint.js';
import type { Steps } from '../steps.js';
import type { Eigenpairs } from '../results.js';
import { checkData } from '../objective/check-data.js';
import { TrackJournal, type RowKey } from './track-journal.js';
import { defaultCurvatureSamples, defaultProbes, defaultSteps, type TrackOptions } from './track-options.js';

/** Of loss and accuracy, as in `evaluateCheckpoints`. */
const defaultBatchSize = 500;
/** For progress: what a search for the extremes alone takes at most, as a rule. */
const usualSearch = 40;

/** A model on its data sets, checkpoint after checkpoint. */
export class TrackRun implements Disposable {
  readonly #options: TrackOptions;
  readonly #parts: TrackedData[] = [];
  #journal: TrackJournal | null = null;
  #isChecked = false;

  constructor(model: Model, datasets: readonly Dataset[], options: TrackOptions) {
    this.#options = options;
    try {
      for (const [i, data] of datasets.entries())
        this.#parts.push(new TrackedData(model, data, i === 0, options));
    } catch (error) {
      this.dispose();
      throw error;
    }
  }

  get datasets(): TrackData[] {
    return this.#parts.map(({ description }) => description);
  }

  /** Of one checkpoint, for progress. */
  get steps(): number {
    return this.#parts.reduce((sum, part) => sum + part.steps, 0);
  }

  async provenance(startedAt: number): Promise<Provenance> {
    const { loss, curvature } = this.#parts[0]!;
    return loss.provenance(startedAt, 'checkpoints', curvature === null ? null : 'Hessian');
  }

  /** Goes on with finished rows. Throws ERR_RESUME, ERR_FILE_NOT_WRITABLE. */
  async open(path: string): Promise<void> {
    const settings = await this.#settings();
    this.#journal = await TrackJournal.open(path, settings);
    for (const part of this.#parts) part.keepIn(path, hashOf([JSON.stringify(settings)]));
  }

  async close(): Promise<void> {
    await this.#journal?.close();
  }

  /** Everything about one checkpoint; its position is not known yet. */
  async compute(opened: OpenedCheckpoint, epoch: number | null, steps: Steps): Promise<TrackCheckpoint> {
    const { name: label, hash, problem } = opened;
    const rows: TrackRow[] = [];
    if (opened.solution !== null) {
      await this.#checkData(opened.solution, steps.signal);
      for (const part of this.#parts) rows.push(await part.row(opened.solution, hash, this.#journal, steps));
    } else steps.advance(this.steps);
    return Object.freeze({
      label,
      epoch,
      position: NaN,
      hash,
      problem: problem === null ? null : `${problem.code}: ${problem.message}`,
      rows: Object.freeze(rows),
    });
  }

  /** Before the first row, what a later data set would come upon. */
  async #checkData(at: Solution, signal: AbortSignal | undefined): Promise<void> {
    if (this.#isChecked) return;
    for (const { loss } of this.#parts) await checkData(loss, at, signal);
    this.#isChecked = true;
  }

  /** What decides the rows besides the checkpoint and the data. */
  async #settings(): Promise<Fingerprint> {
    const { data: _, ...settings } = await objectiveFingerprint(this.#parts[0]!.loss);
    const { key = '', by = 'name', curvature = 'all', spectrum = true, compareCold = false } = this.#options;
    const {
      curvatureSamples = defaultCurvatureSamples,
      steps = defaultSteps,
      probes = defaultProbes,
    } = this.#options;
    const { probesPerPass, tolerance, maxProducts, relativeError, confidence, tailThreshold, memoryBudget } =
      this.#options;
    const others = {
      probesPerPass,
      tolerance,
      maxProducts,
      relativeError,
      confidence,
      tailThreshold,
      memoryBudget,
    };
    return {
      ...settings,
      key,
      by,
      curvature,
      curvatureSamples,
      // Of the loss it is another, where none is given.
      curvatureBatchSize: String(this.#options.batchSize ?? 'all'),
      spectrum: String(spectrum),
      compareCold: String(compareCold),
      steps,
      probes,
      ...Object.fromEntries(
        Object.entries(others).map(([name, value]) => [name, String(value ?? 'default')]),
      ),
    };
  }

  dispose(): void {
    for (const part of this.#parts) part.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

/** One data set, with what the next search for its extremes starts from. */
class TrackedData {
  readonly loss: Objective;
  /** The loss whose Hessian it is; null for none. */
  readonly curvature: Objective | null = null;
  readonly #options: TrackOptions;
  /** Of the checkpoint that `#chain` ends with. */
  #vectors: readonly ParameterVector[] = [];
  /** Every search goes on from the eigenvectors of the checkpoint before: a hash of all that led here. */
  #chain = '';
  /** The chain that `#vectors` belong to. */
  #vectorsChain = '';
  #keep: { readonly path: string; readonly settings: string } | null = null;
  /** Vectors are kept in two files in turn: those that a row started from are there until it is finished. */
  #slot = 0;

  constructor(model: Model, data: Dataset, isFirst: boolean, options: TrackOptions) {
    this.#options = options;
    const { curvature = 'all', curvatureSamples = defaultCurvatureSamples, seed = 0 } = options;
    const given = objectiveOptionsOf(options);
    this.loss = objective(model, data, { batchSize: defaultBatchSize, ...given });
    if (curvature === 'none' || (curvature === 'first' && !isFirst)) return;
    try {
      const some =
        curvatureSamples >= data.numSamples
          ? data
          : randomBatches(data, { count: 1, batchSize: curvatureSamples, seed })[0]!;
      this.curvature = objective(model, some, given);
    } catch (error) {
      this.loss.dispose();
      throw error;
    }
  }

  get description(): TrackData {
    const { name, hash, numSamples } = this.loss.data;
    const numCurvatureSamples = this.curvature?.data.numSamples ?? 0;
    return Object.freeze({ name, hash, numSamples, numCurvatureSamples });
  }

  get steps(): number {
    if (this.curvature === null) return 1;
    const { spectrum = true, steps = defaultSteps, probes = defaultProbes } = this.#options;
    return 1 + (spectrum ? Math.min(steps, this.loss.model.size) * probes : usualSearch);
  }

  keepIn(path: string, settings: string): void {
    this.#keep = { path: `${path}.vectors-${this.loss.data.hash.slice(0, 8)}`, settings };
  }

  async row(at: Solution, hash: string, journal: TrackJournal | null, steps: Steps): Promise<TrackRow> {
    const { name: data, hash: dataHash } = this.loss.data;
    // A row without a Hessian is another one.
    const chain = this.curvature === null ? 'no Hessian' : this.#chain;
    const key: RowKey = { checkpointHash: hash, dataHash, chain };
    const known = journal?.find(key);
    if (known !== undefined) {
      this.#chain = this.#chainAfter(hash);
      steps.restore(this.steps);
      return Object.freeze({ ...known, data });
    }
    // Also where this row takes none: they are kept for the next one.
    if (this.#isWarm) await this.#loadVectors();
    const { loss, accuracy } = await this.loss.evaluate(at.theta, steps.signal, at.buffers);
    steps.advance();
    const curvature = Number.isFinite(loss) ? await this.#curvature(at, steps) : null;
    if (curvature === null) steps.advance(this.steps - 1);
    const row = Object.freeze({ data, loss, accuracy, curvature });
    const next = this.#chainAfter(hash);
    await this.#save(next);
    await journal?.add(key, row);
    this.#chain = next;
    return row;
  }

  /** Null where a product is not finite. */
  async #curvature(at: Solution, steps: Steps): Promise<TrackCurvature | null> {
    if (this.curvature === null) return null;
    const { memoryBudget } = this.#options;
    using operator = hessian(this.curvature, { at, ...defined({ memoryBudget }) });
    const meter = new Meter(steps, this.steps - 1);
    try {
      const found =
        this.#options.spectrum === false
          ? await this.#searchExtremes(operator, meter)
          : await this.#analyse(operator, meter);
      meter.finish();
      return Object.freeze(found);
    } catch (error) {
      if (!(error instanceof LossAtlasError) || error.code !== 'ERR_INVALID_DATA') throw error;
      return null;
    }
  }

  /**
   * The first probe has both extremes as a rule. Where it does not, the search goes on in its subspace, which measured
   * cheaper than to bring in the eigenvectors of the checkpoint before.
   */
  async #analyse(operator: ReturnType<typeof hessian>, meter: Meter): Promise<TrackCurvature> {
    const { steps, probes, probesPerPass, relativeError, confidence, tailThreshold } = this.#options;
    using analysis = await analyseHessian(operator, {
      ...this.#searchOptions(meter),
      ...defined({ steps, probes, probesPerPass, relativeError, confidence, tailThreshold }),
    });
    const { density, eigenpairs: pairs, trace, numProducts } = analysis;
    const { value, low, high, standardError } = trace;
    const { type, reason } = hessianType(density);
    const { size, nodes, weights, residualBounds, criteria } = density;
    return {
      ...extremesOf(pairs),
      spectrum: Object.freeze({
        trace: Object.freeze({ value, low, high, standardError }),
        criteria,
        type,
        typeReason: reason,
        density: Object.freeze({ size, steps: density.steps, nodes, weights, residualBounds }),
      }),
      numProducts,
      searchProducts: pairs.numProducts,
      coldProducts: null,
    };
  }

  async #searchExtremes(operator: ReturnType<typeof hessian>, meter: Meter): Promise<TrackCurvature> {
    const start = this.#vectors;
    const options = this.#searchOptions(meter);
    const pairs = await eigenpairs(operator, { ...options, ...(start.length === 0 ? {} : { start }) });
    this.#take(pairs.vectors);
    const { numProducts } = pairs;
    const isCompared = this.#options.compareCold === true && start.length > 0;
    const cold = isCompared ? await eigenpairs(operator, options) : null;
    cold?.dispose();
    return {
      ...extremesOf(pairs),
      spectrum: null,
      numProducts,
      searchProducts: numProducts,
      coldProducts: cold?.numProducts ?? null,
    };
  }

  #searchOptions({ signal, onProgress }: Meter) {
    const { tolerance, maxProducts, memoryBudget, seed } = this.#options;
    return {
      k: 2,
      which: 'both-ends' as const,
      signal,
      onProgress,
      ...defined({ tolerance, maxProducts, memoryBudget, seed }),
    };
  }

  get #isWarm(): boolean {
    return this.curvature !== null && this.#options.spectrum === false;
  }

  #chainAfter(hash: string): string {
    return this.#isWarm ? hashOf([this.#chain, hash]) : '';
  }

  #kept(slot: number, chain: string): KeptVectors | null {
    if (this.#keep === null) return null;
    const { path, settings } = this.#keep;
    return new KeptVectors(`${path}-${slot}`, hashOf([settings, chain]));
  }

  /** Those of the last checkpoint, where it is one that an earlier run has finished. */
  async #loadVectors(): Promise<void> {
    if (this.#vectorsChain === this.#chain) return;
    this.#take([]);
    for (const slot of [0, 1]) {
      const found = await this.#kept(slot, this.#chain)?.load(this.loss.model.space);
      if (found == null) continue;
      this.#take(found.vectors);
      this.#slot = slot;
      return;
    }
  }

  async #save(chain: string): Promise<void> {
    this.#vectorsChain = chain;
    if (!this.#isWarm) return;
    const slot = 1 - this.#slot;
    await this.#kept(slot, chain)?.save(0, this.#vectors);
    this.#slot = slot;
  }

  #take(vectors: readonly ParameterVector[]): void {
    disposeAll(this.#vectors);
    this.#vectors = vectors;
  }

  dispose(): void {
    this.#take([]);
    this.curvature?.dispose();
    this.loss.dispose();
  }
}

/** Tells the progress of an analysis whose length is not known as so many steps. */
class Meter {
  readonly signal: AbortSignal | undefined;
  readonly #steps: Steps;
  readonly #room: number;
  #done = 0;

  constructor(steps: Steps, room: number) {
    this.signal = steps.signal;
    this.#steps = steps;
    this.#room = room;
  }

  readonly onProgress = ({ done }: { readonly done: number }): void => {
    // The last one is its end.
    this.#reach(Math.min(done, this.#room - 1));
  };

  finish(): void {
    this.#reach(this.#room);
  }

  #reach(done: number): void {
    if (done <= this.#done) return;
    this.#steps.advance(done - this.#done);
    this.#done = done;
  }
}

function extremesOf({
  values,
  residuals,
  converged,
}: Eigenpairs): Pick<TrackCurvature, 'largest' | 'smallest'> {
  const at = (i: number) =>
    Object.freeze({ value: values[i]!, residual: residuals[i]!, converged: converged[i]! });
  return { largest: at(0), smallest: at(values.length - 1) };
}

function objectiveOptionsOf(options: TrackOptions): ObjectiveOptions {
  const { loss, mode, output, batchSize, dataPlacement, labelSmoothing, ignoreIndex, delta, seed } = options;
  return defined({ loss, mode, output, batchSize, dataPlacement, labelSmoothing, ignoreIndex, delta, seed });
}

/** Without the keys that are undefined. */
function defined<T extends object>(options: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as never;
}
