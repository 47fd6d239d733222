import { call, NativeResource } from '../native/call.js';
import type { VectorHandle } from '../native/addon.js';
import type { Model } from './model.js';

/** n numbers over a model's parameters, on its device: θ*, a direction, a probe, an eigenvector. Never changes. */
export class ParameterVector extends NativeResource<VectorHandle> {
  readonly model: Model;

  constructor(handle: VectorHandle, model: Model) {
    super(handle);
    this.model = model;
  }

  get size(): number {
    return this.model.size;
  }

  /** The values in the order of `model.parameters`. */
  async toArray(): Promise<Float64Array> {
    return call((native) => native.vectorToArray(this.handle));
  }

  /** Σ|x| for order 1, √Σx² for order 2 (default). */
  async norm(order: 1 | 2 = 2): Promise<number> {
    return call((native) => native.vectorNorm(this.handle, order));
  }

  /** Σ xᵢyᵢ, accumulated in float64. */
  async dot(other: ParameterVector): Promise<number> {
    return call((native) => native.dotVectors(this.handle, other.handle));
  }

  /** Element by element. */
  async multiply(other: ParameterVector): Promise<ParameterVector> {
    return new ParameterVector(
      await call((native) => native.multiplyVectors(this.handle, other.handle)),
      this.model,
    );
  }

  async scale(factor: number): Promise<ParameterVector> {
    return combine([this], [factor]);
  }
}

/** Σ cᵢ vᵢ as a new vector. */
export async function combine(
  vectors: readonly [ParameterVector, ...ParameterVector[]],
  coefficients: readonly number[],
): Promise<ParameterVector> {
  const handles = vectors.map((v) => v.handle);
  const handle = await call((native) => native.combineVectors(handles, Float64Array.from(coefficients)));
  return new ParameterVector(handle, vectors[0].model);
}

/** sum + term, consuming both; an undefined sum starts at the term. */
export async function accumulate(
  sum: ParameterVector | undefined,
  term: ParameterVector,
): Promise<ParameterVector> {
  if (sum === undefined) return term;
  try {
    return await combine([sum, term], [1, 1]);
  } finally {
    disposeAll([sum, term]);
  }
}

export function disposeAll(resources: Iterable<{ dispose(): void }>): void {
  for (const resource of resources) resource.dispose();
}
