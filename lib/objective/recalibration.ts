import { LossAtlasError } from '../errors.js';
import { BufferState, bufferStateFrom } from '../model/buffer-state.js';
import type { Model } from '../model/model.js';
import { disposeAll } from '../model/parameter-vector.js';
import { call } from '../native/call.js';
import type { BatchHandle, BuffersHandle } from '../native/addon.js';
import { throwIfAborted } from '../steps.js';

const groupSize = 16;

/** A forward pass in train mode from the given buffers. */
export type ForwardBuffers = (from: BufferState, batch: BatchHandle) => Promise<BuffersHandle>;

/**
 * Recomputes the running statistics of BatchNorm from data, as `torch.optim.swa_utils.update_bn` does: each becomes the
 * mean over batches of the batch's own statistic.
 *
 * A layer updates r ← (1 − m)·r + m·s with a momentum m that scripting bakes in, so m is measured once, from two passes
 * that start at r = 0 and r = c; a pass from r = 0 then yields s = r / m.
 */
export class Recalibration {
  readonly #zeros: BufferState;
  readonly #indices: Float64Array;
  readonly #factors: Float64Array;

  private constructor(zeros: BufferState, indices: readonly number[], factors: readonly number[]) {
    this.#zeros = zeros;
    this.#indices = Float64Array.from(indices);
    this.#factors = Float64Array.from(factors);
  }

  /** Null where the model has no running statistics that a forward pass updates. */
  static async prepare(
    model: Model,
    forward: ForwardBuffers,
    batch: BatchHandle,
  ): Promise<Recalibration | null> {
    const running = runningStatistics(model);
    if (running.length === 0) return null;
    const zeros = await constantStatistics(model, running, 0);
    try {
      // Far above any statistic, and a power of two: what is left of it after the pass is 1 − m.
      const large = 2 ** 40;
      using large_ = await constantStatistics(model, running, large);
      using fromZero = new BufferState(await forward(zeros, batch), model);
      using fromLarge = new BufferState(await forward(large_, batch), model);
      const indices: number[] = [];
      const factors: number[] = [];
      for (const { name } of running) {
        const [low, high] = [await fromZero.toArray(name), await fromLarge.toArray(name)];
        if (low.length === 0) continue;
        const channel = low.findIndex((value, i) => Number.isFinite(value) && Number.isFinite(high[i]));
        if (channel < 0) throw notFinite(name);
        const measured = 1 - (high[channel]! - low[channel]!) / large;
        // Rounding of float32 statistics, some 1e-8, is taken back: momenta are short decimals.
        const momentum = model.dtype === 'float32' ? Number(measured.toFixed(7)) : measured;
        // A layer whose statistics no pass updates keeps them.
        if (momentum < 1e-7) continue;
        indices.push(model.buffers.findIndex((buffer) => buffer.name === name));
        factors.push(1 / momentum);
      }
      if (indices.length === 0) {
        zeros.dispose();
        return null;
      }
      return new Recalibration(zeros, indices, factors);
    } catch (error) {
      zeros.dispose();
      throw error;
    }
  }

  /** `base` with running statistics from the data. */
  async compute(
    base: BufferState,
    forward: ForwardBuffers,
    batches: AsyncIterable<BatchHandle>,
    signal?: AbortSignal,
  ): Promise<BufferState> {
    // Statistics are added up in groups, so that memory does not grow with the number of batches.
    const group: BufferState[] = [];
    const sums: BufferState[] = [];
    let count = 0;
    const addUp = async () => {
      sums.push(await this.#average(base, group, new Float64Array(this.#factors.length).fill(group.length)));
      disposeAll(group.splice(0));
    };
    try {
      for await (const batch of batches) {
        throwIfAborted(signal);
        group.push(new BufferState(await forward(this.#zeros, batch), base.model));
        count++;
        if (group.length === groupSize) await addUp();
      }
      if (sums.length === 0) return await this.#average(base, group, this.#factors);
      if (group.length > 0) await addUp();
      const factors = this.#factors.map((factor) => (factor * sums.length) / count);
      return await this.#average(base, sums, factors);
    } finally {
      disposeAll([...group, ...sums]);
    }
  }

  /** `base` with factor · (mean over `states`) for each statistic. */
  async #average(
    base: BufferState,
    states: readonly BufferState[],
    factors: Float64Array,
  ): Promise<BufferState> {
    const handles = states.map((state) => state.handle);
    const average = await call((native) =>
      native.averageBuffers(base.handle, handles, this.#indices, factors),
    );
    return new BufferState(average, base.model);
  }

  dispose(): void {
    this.#zeros.dispose();
  }
}

/** Those of BatchNorm. */
export function runningStatistics(model: Model): Model['buffers'] {
  return model.buffers.filter(
    ({ name, dtype }) => /(^|\.)running_(mean|var)$/.test(name) && dtype.startsWith('float'),
  );
}

function notFinite(name: string): LossAtlasError {
  return new LossAtlasError(
    'ERR_INVALID_DATA',
    `The batch statistics for '${name}' are not finite: look for NaN or infinity in the model's parameters.`,
  );
}

async function constantStatistics(
  model: Model,
  running: Model['buffers'],
  value: number,
): Promise<BufferState> {
  // With the counters at 0 a cumulative average (momentum None) takes its first batch whole.
  const counters = model.buffers.filter(({ name }) => name.endsWith('num_batches_tracked'));
  const entries = [...running, ...counters].map(({ name, shape }) => {
    const size = shape.reduce((product, dim) => product * dim, 1);
    const filling = name.endsWith('num_batches_tracked') ? 0 : value;
    return [name, { data: new Float64Array(size).fill(filling), shape }] as const;
  });
  return bufferStateFrom(model, new Map(entries));
}
