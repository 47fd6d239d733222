import { arrayInfo, type ArrayInfo } from '../data/array-info.js';
import type { Dataset } from '../data/dataset.js';
import { LossAtlasError } from '../errors.js';
import { requireShapes } from '../model/exported-program/inputs.js';
import type { Model } from '../model/model.js';
import type { BatchHandle } from '../native/addon.js';
import { call, freeHandle } from '../native/call.js';
import { prefetched } from './prefetch.js';

/** `held`: on the model's device from the first use on; `streamed`: made for every use and freed. */
export type DataPlacement = 'held' | 'streamed';

/** The samples of a data set as batches on a model's device. */
export class Batches {
  readonly data: Dataset;
  readonly batchSize: number;
  readonly #model: Model;
  #placement: DataPlacement;
  readonly #held: BatchHandle[] = [];
  #making: Promise<void> | undefined;
  #disposed = false;

  /** `placement` undefined: held where it takes at most a quarter of the memory that is left. */
  constructor(model: Model, data: Dataset, batchSize: number, placement: DataPlacement | undefined) {
    this.#model = model;
    this.data = data;
    this.batchSize = Math.min(batchSize, data.numSamples);
    this.#placement = placement ?? (bytesOnDevice(model, data) <= memoryShare(model) ? 'held' : 'streamed');
  }

  get count(): number {
    return Math.ceil(this.data.numSamples / this.batchSize);
  }
  get placement(): DataPlacement {
    return this.#placement;
  }

  /** Bytes of all samples on the model's device. */
  get bytes(): number {
    return bytesOnDevice(this.#model, this.data);
  }
  /** All of them lie there now. */
  get areHeld(): boolean {
    return this.#held.length === this.count;
  }

  /** The first samples as a batch of their own, to be freed. */
  async first(numSamples: number): Promise<BatchHandle> {
    return await this.samples(0, numSamples);
  }

  /** Samples from `start` on, likewise. */
  async samples(start: number, numSamples: number): Promise<BatchHandle> {
    this.#requireAlive();
    return await this.#make(await this.data.read(start, start + numSamples), 0, start);
  }

  /** All samples, to take rows from: a program that was exported for batches of one size never sees them together. */
  async all(): Promise<BatchHandle> {
    this.#requireAlive();
    return await this.#give(await this.data.read(0, this.data.numSamples), 0, 0);
  }

  /**
   * One after the other; a streamed batch lives until the next one is asked for, whose samples are read from their
   * files meanwhile.
   */
  async *each(): AsyncGenerator<BatchHandle, void, undefined> {
    this.#requireAlive();
    if (this.#placement === 'held') {
      this.#making ??= this.#hold();
      await this.#making;
      this.#requireAlive();
    }
    // Holding may have found too little memory.
    if (this.areHeld) {
      yield* [...this.#held];
      return;
    }
    for await (const [i, part] of this.#parts()) {
      this.#requireAlive();
      const batch = await this.#make(part, i);
      try {
        yield batch;
      } finally {
        freeHandle(batch);
      }
    }
  }

  dispose(): void {
    this.#disposed = true;
    for (const batch of this.#held.splice(0)) freeHandle(batch);
  }

  async #hold(): Promise<void> {
    try {
      for await (const [i, part] of this.#parts()) {
        this.#requireAlive();
        const batch = await this.#make(part, i);
        if (this.#disposed) freeHandle(batch);
        this.#requireAlive();
        this.#held.push(batch);
      }
    } catch (error) {
      for (const batch of this.#held.splice(0)) freeHandle(batch);
      if (!(error instanceof LossAtlasError && error.code === 'ERR_OUT_OF_MEMORY') || this.count === 1) {
        this.#making = undefined;
        throw error;
      }
      this.#placement = 'streamed';
    }
  }

  /** The samples of each batch in memory. */
  #parts(): AsyncGenerator<[index: number, part: Dataset], void, undefined> {
    return prefetched(this.count, (i, signal) => this.#read(i, this.batchSize, signal));
  }

  async #read(index: number, numSamples: number, signal?: AbortSignal): Promise<Dataset> {
    const start = index * this.batchSize;
    return this.data.read(start, start + numSamples, signal);
  }

  async #make(part: Dataset, index: number, start = index * this.batchSize): Promise<BatchHandle> {
    const shapes = part.inputs.map(({ shape }) => shape);
    const { inputs, name } = this.#model;
    if (inputs !== null)
      requireShapes(inputs, shapes, part.inputNames ?? [], `${name}, with the data of ${this.data.name},`);
    return this.#give(part, index, start);
  }

  async #give(part: Dataset, index: number, start: number): Promise<BatchHandle> {
    const targets = part.targets === null ? [] : [part.targets];
    const names = part.inputNames ?? [];
    const { name } = this.data;
    return call((native) =>
      native.makeBatch(this.#model.handle, part.inputs, targets, names, index, name, start),
    );
  }

  #requireAlive(): void {
    if (!this.#disposed) return;
    throw new LossAtlasError('ERR_DISPOSED', 'The objective was disposed of and cannot be used any more.');
  }
}

/** Floats take the model's type, labels 8 bytes. */
function bytesOnDevice(model: Model, { inputInfo, targets }: Dataset): number {
  const float = model.dtype === 'float64' ? 8 : 4;
  const bytes = ({ shape, dtype, bytes: stored }: ArrayInfo) =>
    dtype.startsWith('float') ? shape.reduce((product, dim) => product * dim, float) : stored;
  const inputs = inputInfo.reduce((sum, info) => sum + bytes(info), 0);
  return inputs + (targets === null ? 0 : Math.max(bytes(arrayInfo(targets)), 8 * targets.data.length));
}

/** A GPU that is too full for this says so, and the data is streamed after all. */
function memoryShare(model: Model): number {
  return model.device === 'cpu' ? process.availableMemory() / 4 : 8e9;
}
