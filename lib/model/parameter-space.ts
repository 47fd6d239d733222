import type { ParameterInfo, SpaceHandle } from '../native/addon.js';
import { call, callSync, NativeResource } from '../native/call.js';
import type { DType, Law } from '../types.js';
import { invalidOption } from '../validate.js';
import type { Model } from './model.js';
import { isPatterns, matchParameterNames } from './parameter-names.js';
import { ParameterVector } from './parameter-vector.js';

/** The vectors over all of a model's parameters (`model.space`), or over some of them (`subspace`). */
export class ParameterSpace extends NativeResource<SpaceHandle> {
  readonly model: Model;
  /** In the order of the model; offsets count within this space. */
  readonly parameters: readonly ParameterInfo[];
  /** Number of entries of its vectors. */
  readonly size: number;

  /** Use `model.space` or `subspace`. `places`: ascending indices of the model's parameters. */
  constructor(model: Model, places: readonly number[] | null) {
    super(
      callSync((native) =>
        native.makeSpace(model.handle, places === null ? null : Float64Array.from(places)),
      ),
    );
    this.model = model;
    let offset = 0;
    this.parameters = (places ?? model.parameters.map((_, i) => i)).map((place) => {
      const info = model.parameters[place]!;
      offset += info.numel;
      return { ...info, offset: offset - info.numel };
    });
    this.size = offset;
  }

  get dtype(): DType {
    return this.model.dtype;
  }
  get device(): string {
    return this.model.device;
  }
  get isWhole(): boolean {
    return this.parameters.length === this.model.parameters.length;
  }

  /** A vector from `size` numbers in the order of `parameters`. */
  async vector(values: Float32Array | Float64Array): Promise<ParameterVector> {
    return new ParameterVector(await call((native) => native.vectorFromArray(this.handle, values)), this);
  }

  /**
   * A seeded random vector: `gaussian` N(0,1), `uniform` U(−1,1), `rademacher` ±1. The same seed and stream give the
   * same numbers on every device and dtype; streams of one seed are independent.
   */
  async randomVector(law: Law, seed: number, stream = 0): Promise<ParameterVector> {
    return new ParameterVector(
      await call((native) => native.randomVector(this.handle, law, seed, stream)),
      this,
    );
  }

  /** This space's part of a vector over the whole model. */
  async restrict(vector: ParameterVector): Promise<ParameterVector> {
    const handle = await call((native) => native.restrictVector(this.handle, vector.handle));
    return new ParameterVector(handle, this);
  }

  /** A vector of this space over the whole model, zero elsewhere. */
  async embed(vector: ParameterVector): Promise<ParameterVector> {
    const handle = await call((native) => native.embedVector(this.handle, vector.handle));
    return new ParameterVector(handle, this.model.space);
  }
}

/**
 * The space of the parameters whose names fit one of `patterns` (`*` stands for any characters). To be disposed of.
 *
 *     using head = subspace(model, ['layer4.*', 'fc.weight']);
 *
 * Throws ERR_INVALID_OPTION for a pattern that fits none.
 */
export function subspace(model: Model, patterns: readonly string[]): ParameterSpace {
  const expected = isPatterns(patterns);
  if (expected !== null) throw invalidOption('subspace: patterns', expected, patterns);
  return new ParameterSpace(model, matchParameterNames(model.parameters, patterns, 'parameters'));
}
