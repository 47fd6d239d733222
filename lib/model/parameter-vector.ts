import { call, NativeResource } from '../native/call.js';
import type { VectorHandle } from '../native/addon.js';
import type { Model } from './model.js';
import type { ParameterSpace } from './parameter-space.js';

/**
 * Numbers over a model's parameters (or some of them: its space), on the model's device: θ*, a direction, a probe, an
 * eigenvector. Never changes.
 */
export class ParameterVector extends NativeResource<VectorHandle> {
  readonly space: ParameterSpace;

  constructor(handle: VectorHandle, space: ParameterSpace) {
    super(handle);
    this.space = space;
  }

  get model(): Model {
    return this.space.model;
  }
  get size(): number {
    return this.space.size;
  }

  /** The values in the order of `space.parameters`. */
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
      this.space,
    );
  }

  async scale(factor: number): Promise<ParameterVector> {
    return combine([this], [factor]);
  }
}

/** dots[i][p] = Σ over the entries of parameter p of aᵢ ⊙ b, accumulated in float64. */
export async function parameterDots(
  vectors: readonly ParameterVector[],
  b: ParameterVector,
): Promise<Float64Array[]> {
  const flat = await call((native) =>
    native.parameterDots(
      vectors.map((v) => v.handle),
      b.handle,
    ),
  );
  const count = b.space.parameters.length;
  return vectors.map((_, i) => flat.subarray(i * count, (i + 1) * count));
}

/** vᵢ·vⱼ at [i·k + j] of k vectors, accumulated in float64. */
export async function gramMatrix(vectors: readonly ParameterVector[]): Promise<Float64Array> {
  const k = vectors.length;
  const gram = new Float64Array(k * k);
  for (let i = 0; i < k; i++)
    for (let j = 0; j <= i; j++) gram[i * k + j] = gram[j * k + i] = await vectors[i]!.dot(vectors[j]!);
  return gram;
}

/** Σ cᵢ vᵢ as a new vector. */
export async function combine(
  vectors: readonly [ParameterVector, ...ParameterVector[]],
  coefficients: readonly number[],
): Promise<ParameterVector> {
  const handles = vectors.map((v) => v.handle);
  const handle = await call((native) => native.combineVectors(handles, Float64Array.from(coefficients)));
  return new ParameterVector(handle, vectors[0].space);
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
