import type { Dataset } from '../data/dataset.js';
import type { Model } from '../model/model.js';
import type { BatchHandle } from '../native/addon.js';
import { call, freeHandle } from '../native/call.js';
import { Batches, type DataPlacement } from '../objective/batches.js';

/** Any samples of a data set as a batch on the model's device. */
export class SampleBatches {
  readonly #model: Model;
  readonly #data: Dataset;
  readonly #all: Batches;
  #whole: BatchHandle | undefined;

  constructor(model: Model, data: Dataset, placement: DataPlacement | undefined) {
    this.#model = model;
    this.#data = data;
    this.#all = new Batches(model, data, data.numSamples, placement);
  }

  /** What of the samples must be read before they are a batch; null where all lie on the device. */
  async read(numbers: Uint32Array, signal?: AbortSignal): Promise<Dataset | null> {
    if (this.#all.placement === 'held') return null;
    return this.#data.pick(numbers).read(0, numbers.length, signal);
  }

  /** To be freed. `part`: of `read`. */
  async batch(numbers: Uint32Array, index: number, part: Dataset | null): Promise<BatchHandle> {
    if (part !== null)
      return new Batches(this.#model, part, numbers.length, 'streamed').first(numbers.length);
    const whole = (this.#whole ??= await this.#all.all());
    return call((native) => native.batchRows(whole, Float64Array.from(numbers), index));
  }

  dispose(): void {
    if (this.#whole !== undefined) freeHandle(this.#whole);
    this.#whole = undefined;
    this.#all.dispose();
  }
}
