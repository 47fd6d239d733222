import { call, NativeResource } from '../native/call.js';
import type { BuffersHandle } from '../native/addon.js';
import type { NdArray } from '../types.js';
import { invalidOption } from '../validate.js';
import type { Model } from './model.js';

/** Values of a model's buffers, on its device: the running statistics of one solution. Never changes. */
export class BufferState extends NativeResource<BuffersHandle> {
  readonly model: Model;

  constructor(handle: BuffersHandle, model: Model) {
    super(handle);
    this.model = model;
  }

  /** The values of the buffer `name` of `model.buffers`, in float64. */
  async toArray(name: string): Promise<Float64Array> {
    const names = this.model.buffers.map((buffer) => buffer.name);
    const index = names.indexOf(name);
    if (index < 0) throw invalidOption('buffer', `one of ${names.join(', ')}`, name);
    return call((native) => native.bufferToArray(this.handle, index));
  }
}

/** The model's own buffers, but those named in `values` from there. */
export async function bufferStateFrom(
  model: Model,
  values: ReadonlyMap<string, NdArray>,
): Promise<BufferState> {
  const indices = model.buffers.flatMap(({ name }, i) => (values.has(name) ? [i] : []));
  const arrays = indices.map((i) => values.get(model.buffers[i]!.name)!);
  return new BufferState(
    await call((native) => native.buffersFromArrays(model.handle, Float64Array.from(indices), arrays)),
    model,
  );
}

/** Σ cᵢ statesᵢ of floating-point buffers; counters are those of the first. */
export async function combineBuffers(
  states: readonly [BufferState, ...BufferState[]],
  coefficients: readonly number[],
): Promise<BufferState> {
  const handles = states.map((state) => state.handle);
  return new BufferState(
    await call((native) => native.combineBuffers(handles, Float64Array.from(coefficients))),
    states[0].model,
  );
}
