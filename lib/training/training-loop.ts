import type { Dataset } from '../data/dataset.js';
import { LossAtlasError } from '../errors.js';
import { combineBuffers } from '../model/buffer-state.js';
import { requireBatchSizes } from '../model/exported-program/batch-size.js';
import type { Model } from '../model/model.js';
import { combine, disposeAll } from '../model/parameter-vector.js';
import { Solution } from '../model/solution.js';
import { freeHandle } from '../native/call.js';
import { checkData } from '../objective/check-data.js';
import { objective, type Objective, type ObjectiveOptions } from '../objective/objective.js';
import { prefetched } from '../objective/prefetch.js';
import type { TrainingEvaluation, TrainingOptimizer, TrainingRun, TrainingSchedule } from '../results.js';
import { Steps, throwIfAborted } from '../steps.js';
import {
  listCheckpoints,
  lockCheckpointFolder,
  readNewestCheckpoint,
  setAside,
  writeTrainingCheckpoint,
  type TrainingPoint,
} from './checkpoints.js';
import { requireFiniteStart } from './finite-start.js';
import { columnsOf, EpochSum, type EpochFigures } from './history.js';
import { SampleBatches } from './sample-batches.js';
import { batchesOfEpoch, EndlessBatches } from './sample-order.js';
import { learningRateOf } from './schedule.js';
import type { TrainingSettings } from './settings.js';
import type { Training, TrainOptions } from './train.js';
import { Trainer, TrainerState } from './trainer.js';

/** Of a step; PyTorch has none. */
const defaultBatchSize = 128;
/** Of evaluations, which do not depend on it, unless a program was exported for batches of one size. */
const evaluationBatchSize = 500;

/** Options with what was made of them. */
export type LoopOptions = Omit<TrainOptions, 'optimizer' | 'schedule'> & {
  readonly optimizer: TrainingOptimizer;
  readonly schedule: TrainingSchedule;
  /** Places of parameters. */
  readonly frozen: readonly number[];
};

/** Samples to avoid, and their order. */
interface Poison {
  readonly batches: SampleBatches;
  /** Of them in each step. */
  readonly batchSize: number;
  readonly order: EndlessBatches;
}

/** One run of `train`. */
export class TrainingLoop {
  readonly #model: Model;
  readonly #data: Dataset;
  readonly #options: LoopOptions;
  readonly #start: Solution;
  readonly #batchSize: number;
  readonly #objective: Objective;
  readonly #evaluations: Objective[] = [];
  readonly #batches: SampleBatches;
  readonly #poison: Poison | null;
  readonly #epochs: EpochFigures[] = [];
  readonly #checkpoints: string[] = [];
  #trainer: Trainer | undefined;
  /** Where the last finished epoch ended. */
  #good: TrainerState;
  #divergedAt: number | null = null;

  constructor(model: Model, data: Dataset, options: LoopOptions, start: Solution) {
    const { batchSize = defaultBatchSize, seed = 0, shuffle = true, dataPlacement, poison } = options;
    this.#model = model;
    this.#data = data;
    this.#options = options;
    this.#start = start;
    this.#batchSize = Math.min(batchSize, data.numSamples);
    const loss = lossOptions(options);
    this.#objective = objective(model, data, { ...loss, mode: 'train', batchSize: this.#batchSize, seed });
    try {
      const isFixed = typeof model.inputs?.[0]?.shape[0] === 'number';
      const size = isFixed ? this.#batchSize : evaluationBatchSize;
      for (const test of options.evaluateOn ?? [])
        this.#evaluations.push(objective(model, test, { ...loss, batchSize: size }));
    } catch (error) {
      this.dispose();
      throw error;
    }
    this.#batches = new SampleBatches(model, data, dataPlacement);
    if (poison === undefined) this.#poison = null;
    else {
      const { data: samples, batchSize: size = this.#batchSize } = poison;
      const numSamples = samples.numSamples;
      const order = { numSamples, batchSize: Math.min(size, numSamples), seed, shuffle, what: 'poison' };
      const batches = new SampleBatches(model, samples, dataPlacement);
      this.#poison = { batches, batchSize: order.batchSize, order: new EndlessBatches(order) };
    }
    this.#good = new TrainerState(start, new Float64Array(0), []);
  }

  async train(startedAt: number): Promise<Training> {
    const { checkpoints } = this.#options;
    await requireFiniteStart(this.#start);
    if (checkpoints === undefined) return this.#train(startedAt);
    const lock = await lockCheckpointFolder(checkpoints.folder);
    try {
      return await this.#train(startedAt);
    } finally {
      await lock.release();
    }
  }

  /** How many epochs the folder has of this run. Throws ERR_RESUME where `train` would. */
  async epochsDone(): Promise<number> {
    await requireFiniteStart(this.#start);
    if (this.#options.checkpoints !== undefined) await this.#openFolder(await this.#settings(), false);
    if (this.#epochs.length < this.#options.epochs) await this.#checkData();
    return this.#epochs.length;
  }

  async #train(startedAt: number): Promise<Training> {
    const { epochs, optimizer, frozen, checkpoints } = this.#options;
    const stepsPerEpoch = batchesOfEpoch(this.#order(), 0).length;
    const steps = new Steps('training', epochs * stepsPerEpoch, this.#options);
    const settings = await this.#settings();
    if (checkpoints !== undefined) await this.#openFolder(settings, true);
    steps.restore(Math.min(this.#epochs.length, epochs) * stepsPerEpoch);
    const last = this.#epochs.at(-1);
    if (last !== undefined && last.evaluations.length < this.#evaluations.length)
      await this.#evaluateEpoch(settings);
    if (this.#epochs.length < epochs) await this.#checkData();
    this.#trainer = await Trainer.start(this.#objective, optimizer, this.#good, frozen);
    while (this.#epochs.length < epochs) {
      const figures = await this.#epoch(steps, stepsPerEpoch);
      if (figures === null) {
        // Whatever `every` says, of a run that ends here the last epoch is the last good checkpoint.
        if (this.#epochs.length % (checkpoints?.every ?? 1) !== 0) await this.#save(settings, true);
        break;
      }
      this.#epochs.push(figures);
      await this.#evaluateEpoch(settings);
      steps.advance();
    }
    const run = await this.#result(startedAt, stepsPerEpoch);
    const solution = await this.#takeSolution();
    const dispose = () => {
      solution.dispose();
    };
    return { run, solution, dispose, [Symbol.dispose]: dispose };
  }

  /** Where the last finished epoch ended, for the caller to own. */
  async #takeSolution(): Promise<Solution> {
    const label = this.#divergedAt === null ? 'trained' : 'before it diverged';
    const { theta, buffers } = this.#good.solution;
    if (this.#good.solution !== this.#start) {
      disposeAll(this.#good.moments);
      this.#good = new TrainerState(this.#start, new Float64Array(0), []);
      return new Solution(label, theta, buffers);
    }
    const copy = await combine([theta], [1]);
    try {
      return new Solution(label, copy, await combineBuffers([buffers], [1]));
    } catch (error) {
      copy.dispose();
      throw error;
    }
  }

  /** What the end of an epoch, or a rare label in it, would come upon. */
  async #checkData(): Promise<void> {
    const { signal, poison } = this.#options;
    this.#requireBatchSizes();
    // Steps are made of rows: a last batch of its own is none of theirs.
    await checkData(this.#objective, this.#start, signal, false);
    for (const test of this.#evaluations) await checkData(test, this.#start, signal);
    // One sample alone is none for BatchNorm, which sees it among others.
    if (poison === undefined || poison.data.numSamples < 2) return;
    using avoided = this.#objective.variant({}, poison.data);
    await checkData(avoided, this.#start, signal, false);
  }

  /** Of all steps, which are made of rows and not of batches of an objective. */
  #requireBatchSizes(): void {
    const avoided = this.#poison?.batchSize ?? 0;
    const sizes = batchesOfEpoch(this.#order(), 0).map(({ length }) => length + avoided);
    const where = avoided === 0 ? 'a step' : 'a step with those to avoid';
    const advice =
      avoided === 0
        ? "choose option 'batchSize' so, and dropLast: true where the last batch is smaller"
        : 'export it with a dynamic batch dimension';
    requireBatchSizes(this.#model, new Set(sizes), where, advice);
  }

  /** Without its evaluations; null where it diverged. */
  async #epoch(steps: Steps, stepsPerEpoch: number): Promise<EpochFigures | null> {
    const { optimizer, schedule, clipNorm, poison, signal } = this.#options;
    const startedAt = performance.now();
    const epoch = this.#epochs.length;
    const learningRate = learningRateOf(optimizer.lr, schedule, epoch);
    const sum = new EpochSum();
    const order = batchesOfEpoch(this.#order(), epoch);
    // Samples that are read from files are read while the step before is made.
    const read = async (i: number, stop: AbortSignal) => {
      const numbers = this.#poison?.order.batch(epoch * stepsPerEpoch + i) ?? null;
      return {
        part: await this.#batches.read(order[i]!, stop),
        poison: numbers === null ? null : { numbers, part: await this.#poison!.batches.read(numbers, stop) },
      };
    };
    for await (const [i, samples] of prefetched(stepsPerEpoch, read)) {
      throwIfAborted(signal);
      const index = epoch * stepsPerEpoch + i;
      const batch = await this.#batches.batch(order[i]!, i, samples.part);
      try {
        const avoided =
          samples.poison === null
            ? null
            : await this.#poison!.batches.batch(samples.poison.numbers, i, samples.poison.part);
        try {
          const avoidanceWeight = poison?.weight ?? 0;
          const step = await this.#trainer!.step(batch, {
            index,
            learningRate,
            clipNorm: clipNorm ?? null,
            avoided,
            avoidanceWeight,
          });
          if (!step.isFinite) {
            this.#divergedAt = index + 1;
            return null;
          }
          sum.add(step);
        } finally {
          if (avoided !== null) freeHandle(avoided);
        }
      } finally {
        freeHandle(batch);
      }
      // The last step of an epoch is told when its checkpoint is there.
      if (i + 1 < stepsPerEpoch) steps.advance();
    }
    const state = await this.#trainer!.state('trained');
    if (!Number.isFinite(await state.solution.theta.norm())) {
      state.dispose();
      this.#divergedAt = (epoch + 1) * stepsPerEpoch;
      return null;
    }
    this.#keep(state);
    return {
      epoch: epoch + 1,
      numSteps: (epoch + 1) * stepsPerEpoch,
      learningRate,
      ...sum.mean(),
      seconds: (performance.now() - startedAt) / 1000,
      evaluations: [],
    };
  }

  /** Ends the last epoch. */
  async #evaluateEpoch(settings: TrainingSettings): Promise<void> {
    const { signal, onEpoch } = this.#options;
    const startedAt = performance.now();
    const { theta, buffers } = this.#good.solution;
    const evaluations: EpochFigures['evaluations'][number][] = [];
    try {
      for (const test of this.#evaluations) {
        const { loss, accuracy } = await test.evaluate(theta, signal, buffers);
        evaluations.push({ loss, accuracy });
      }
    } catch (error) {
      // The epoch is kept; the first failure is the one to report. In a run that goes well each file is written once:
      // whoever follows the folder would take the second for another checkpoint.
      await this.#save(settings, true).catch(() => undefined);
      throw error;
    }
    const trained = this.#epochs.pop()!;
    const seconds = trained.seconds + (performance.now() - startedAt) / 1000;
    const figures = { ...trained, seconds, evaluations };
    this.#epochs.push(figures);
    await this.#save(settings);
    await onEpoch?.(figures);
  }

  /** Where the last epoch is to have a checkpoint, or `isLast` before an error. */
  async #save(settings: TrainingSettings, isLast = false): Promise<void> {
    const { checkpoints, epochs, optimizer } = this.#options;
    const { epoch } = this.#epochs.at(-1)!;
    if (checkpoints === undefined) return;
    if (!isLast && epoch % (checkpoints.every ?? 1) !== 0 && epoch !== epochs) return;
    const point: TrainingPoint = { state: this.#good, epochs: this.#epochs };
    const path = await writeTrainingCheckpoint(checkpoints.folder, point, optimizer, settings);
    if (this.#checkpoints.at(-1) !== path) this.#checkpoints.push(path);
  }

  /** `isRun`: else nothing is written. */
  async #openFolder(settings: TrainingSettings, isRun: boolean): Promise<void> {
    const { checkpoints, resume = false, onResume, optimizer, epochs } = this.#options;
    const { folder } = checkpoints!;
    const present = await listCheckpoints(folder);
    if (!resume && present.length > 0) {
      throw new LossAtlasError(
        'ERR_RESUME',
        `'${folder}' holds checkpoints of a run already (${present.length}). Give resume: true to go on with it, or another folder.`,
      );
    }
    const found = await readNewestCheckpoint(this.#model, folder, optimizer, settings);
    if (found === null) return;
    this.#keep(found.state);
    if (found.epochs.length > epochs) {
      throw new LossAtlasError(
        'ERR_RESUME',
        `'${found.path}' has done ${found.epochs.length} epochs already, more than ${epochs}.`,
      );
    }
    if (isRun) {
      const damaged: string[] = [];
      for (const file of found.damaged) damaged.push(await setAside(file));
      onResume?.({ path: found.path, epochs: found.epochs.length, damaged });
    }
    this.#epochs.push(...found.epochs);
    this.#checkpoints.push(...present.slice(0, present.indexOf(found.path) + 1));
  }

  async #result(startedAt: number, stepsPerEpoch: number): Promise<TrainingRun> {
    const { optimizer, schedule, clipNorm = null, seed = 0, shuffle = true } = this.#options;
    const { dropLast = false, frozen, poison, from } = this.#options;
    const { evaluations, ...columns } = columnsOf(this.#epochs, this.#evaluations.length);
    const tests = this.#evaluations.map(({ data }, i): TrainingEvaluation =>
      Object.freeze({
        data: data.name,
        dataHash: data.hash,
        numSamples: data.numSamples,
        ...evaluations[i]!,
      }),
    );
    return Object.freeze({
      kind: 'training-run',
      formatVersion: 1,
      optimizer,
      schedule,
      batchSize: this.#batchSize,
      clipNorm,
      seed,
      shuffle,
      dropLast,
      frozen: Object.freeze(frozen.map((place) => this.#model.parameters[place]!.name)),
      poison:
        poison === undefined
          ? null
          : Object.freeze({
              data: poison.data.name,
              dataHash: poison.data.hash,
              numSamples: poison.data.numSamples,
              batchSize: Math.min(poison.batchSize ?? this.#batchSize, poison.data.numSamples),
              weight: poison.weight,
            }),
      ...columns,
      evaluations: Object.freeze(tests),
      numSteps: this.#epochs.length * stepsPerEpoch,
      divergedAt: this.#divergedAt,
      checkpoints: Object.freeze([...this.#checkpoints]),
      provenance: await this.#objective.provenance(startedAt, from === undefined ? 'model' : from.label),
    });
  }

  #order() {
    const { seed = 0, shuffle = true, dropLast = false } = this.#options;
    return { numSamples: this.#data.numSamples, batchSize: this.#batchSize, seed, shuffle, dropLast };
  }

  #keep(state: TrainerState): void {
    if (this.#good.solution !== this.#start) this.#good.dispose();
    this.#good = state;
  }

  /** Whatever a checkpoint must agree in, so that going on with it is going on with this run. */
  async #settings(): Promise<TrainingSettings> {
    const { optimizer, schedule, clipNorm, shuffle = true, dropLast = false, frozen, poison } = this.#options;
    const provenance = await this.#objective.provenance(performance.now());
    const { metrics: _, ...options } = provenance.options;
    const chosen = Object.entries(options).map(([name, value]) => [name, String(value)] as const);
    return {
      model: provenance.modelHash,
      from: await this.#start.hash(),
      data: provenance.dataHash,
      criterion: provenance.criterion,
      dtype: provenance.dtype,
      device: provenance.device,
      ...Object.fromEntries(chosen),
      optimizer: JSON.stringify(optimizer),
      schedule: JSON.stringify(schedule),
      clipNorm: String(clipNorm ?? 'none'),
      shuffle: String(shuffle),
      dropLast: String(dropLast),
      frozen: frozen.join(),
      poison:
        poison === undefined
          ? 'none'
          : JSON.stringify({
              data: poison.data.hash,
              weight: poison.weight,
              batchSize: poison.batchSize ?? null,
            }),
      evaluateOn: this.#evaluations.map(({ data }) => data.hash).join(),
    };
  }

  dispose(): void {
    this.#trainer?.dispose();
    this.#objective.dispose();
    for (const test of this.#evaluations) test.dispose();
    // The constructor may have failed before there were any.
    (this.#batches as SampleBatches | undefined)?.dispose();
    (this.#poison as Poison | null | undefined)?.batches.dispose();
    if ((this.#good as TrainerState | undefined) !== undefined && this.#good.solution !== this.#start)
      this.#good.dispose();
  }
}

function lossOptions(options: LoopOptions): ObjectiveOptions {
  const names = ['loss', 'output', 'labelSmoothing', 'ignoreIndex', 'delta', 'dataPlacement'] as const;
  const given = names.filter((name) => options[name] !== undefined).map((name) => [name, options[name]]);
  return Object.fromEntries(given) as ObjectiveOptions;
}
