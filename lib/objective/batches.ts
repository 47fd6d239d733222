import type { Dataset } from '../data/dataset.js';
import { LossAtlasError } from '../errors.js';
import { requireShapes } from '../model/exported-program/inputs.js';
import type { Model } from '../model/model.js';
import type { BatchHandle } from '../native/addon.js';
import { call, callSync } from '../native/call.js';
import type { NdArray } from '../types.js';

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
    this.#requireAlive();
    return await this.#make(0, numSamples);
  }

  /** One after the other; a streamed batch lives until the next one is asked for. */
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
    for (let i = 0; i < this.count; i++) {
      this.#requireAlive();
      const batch = await this.#make(i);
      try {
        yield batch;
      } finally {
        free(batch);
      }
    }
  }

  dispose(): void {
    this.#disposed = true;
    for (const batch of this.#held.splice(0)) free(batch);
  }

  async #hold(): Promise<void> {
    for (let i = 0; i < this.count; i++) {
      this.#requireAlive();
      try {
        const batch = await this.#make(i);
        if (this.#disposed) free(batch);
        this.#requireAlive();
        this.#held.push(batch);
      } catch (error) {
        for (const batch of this.#held.splice(0)) free(batch);
        if (!(error instanceof LossAtlasError && error.code === 'ERR_OUT_OF_MEMORY') || this.count === 1) {
          this.#making = undefined;
          throw error;
        }
        this.#placement = 'streamed';
        return;
      }
    }
  }

  async #make(index: number, numSamples = this.batchSize): Promise<BatchHandle> {
    const start = index * this.batchSize;
    const part = this.data.slice(start, start + numSamples);
    const targets = part.targets === null ? [] : [part.targets];
    const shapes = part.inputs.map(({ shape }) => shape);
    if (this.#model.inputs !== null) requireShapes(this.#model.inputs, shapes, this.#model.name);
    try {
      return await call((native) => native.makeBatch(this.#model.handle, part.inputs, targets, [], index));
    } catch (error) {
      if (!(error instanceof LossAtlasError) || this.count === 1) throw error;
      const where = `${this.data.name}, batch of samples ${start} to ${start + part.numSamples - 1}`;
      throw new LossAtlasError(error.code, `${where}: ${error.message}`, { cause: error });
    }
  }

  #requireAlive(): void {
    if (!this.#disposed) return;
    throw new LossAtlasError('ERR_DISPOSED', 'The objective was disposed of and cannot be used any more.');
  }
}

function free(batch: BatchHandle): void {
  callSync((native) => {
    native.dispose(batch);
  });
}

/** Floats take the model's type, labels 8 bytes. */
function bytesOnDevice(model: Model, data: Dataset): number {
  const float = model.dtype === 'float64' ? 8 : 4;
  const bytes = (array: NdArray) => {
    const isFloat = array.data instanceof Float32Array || array.data instanceof Float64Array;
    return array.data.length * (isFloat ? float : array.data.BYTES_PER_ELEMENT);
  };
  const inputs = data.inputs.reduce((sum, input) => sum + bytes(input), 0);
  return inputs + (data.targets === null ? 0 : Math.max(bytes(data.targets), 8 * data.targets.data.length));
}

/** A GPU that is too full for this says so, and the data is streamed after all. */
function memoryShare(model: Model): number {
  return model.device === 'cpu' ? process.availableMemory() / 4 : 8e9;
}
