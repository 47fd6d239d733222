import type { ParameterSpace } from '../model/parameter-space.js';
import { ParameterVector } from '../model/parameter-vector.js';
import type { BasisHandle } from '../native/addon.js';
import { call, NativeResource } from '../native/call.js';

export interface Extension {
  /** Overlaps with the vectors that were there. */
  readonly overlaps: Float64Array;
  /** Norm of what was left. */
  readonly norm: number;
  /** False where what was left is nothing but rounding, or the basis is full. */
  readonly appended: boolean;
}

/** Where a basis lies: with the model, or in host memory beside a GPU that is too small for it. */
export type BasisPlacement = 'device' | 'host';

/** Orthonormal vectors; takes up to capacity × n numbers, as it grows. */
export class KrylovBasis extends NativeResource<BasisHandle> {
  readonly space: ParameterSpace;
  #count = 0;

  private constructor(
    handle: BasisHandle,
    space: ParameterSpace,
    readonly capacity: number,
  ) {
    super(handle);
    this.space = space;
  }

  static async create(
    space: ParameterSpace,
    capacity: number,
    placement: BasisPlacement = 'device',
  ): Promise<KrylovBasis> {
    return new KrylovBasis(
      await call((native) => native.makeKrylovBasis(space.handle, capacity, placement === 'host')),
      space,
      capacity,
    );
  }

  get count(): number {
    return this.#count;
  }

  /**
   * Orthogonalises against all vectors, and appends what is left, normalised, unless it is below
   * breakdown · max(‖vector‖, scale).
   */
  async extend(vector: ParameterVector, breakdown: number, scale = 0): Promise<Extension> {
    const result = await call((native) => native.extendBasis(this.handle, vector.handle, breakdown, scale));
    if (result.appended) this.#count++;
    return result;
  }

  /** The vector without its part in the span of the first `count`. */
  async project(vector: ParameterVector, count = this.#count): Promise<ParameterVector> {
    const handle = await call((native) => native.projectBasis(this.handle, vector.handle, count));
    return new ParameterVector(handle, this.space);
  }

  /** A view of one vector, until `rotate`. */
  async row(index: number): Promise<ParameterVector> {
    return new ParameterVector(await call((native) => native.basisRow(this.handle, index)), this.space);
  }

  /** Σᵢ columns[c][i]·rowᵢ for every c; missing entries are zero. */
  async combine(columns: readonly Float64Array[]): Promise<ParameterVector[]> {
    const flat = this.#flatten(columns);
    const handles = await call((native) => native.combineBasis(this.handle, flat, columns.length));
    return handles.map((handle) => new ParameterVector(handle, this.space));
  }

  /** The vectors become those combinations, in place; `columns` must be orthonormal. */
  async rotate(columns: readonly Float64Array[]): Promise<void> {
    const flat = this.#flatten(columns);
    await call((native) => native.rotateBasis(this.handle, flat, columns.length));
    this.#count = columns.length;
  }

  #flatten(columns: readonly Float64Array[]): Float64Array {
    const flat = new Float64Array(columns.length * this.#count);
    columns.forEach((column, c) => {
      flat.set(column.subarray(0, this.#count), c * this.#count);
    });
    return flat;
  }
}
