import { LossAtlasError } from '../errors.js';
import { hashOf } from '../hash.js';
import type { BufferState } from './buffer-state.js';
import type { Model } from './model.js';
import { ParameterVector } from './parameter-vector.js';
import type { Check } from '../validate.js';

/** A point in parameter space with the running statistics that belong to it. It owns both. */
export class Solution {
  readonly label: string;
  readonly theta: ParameterVector;
  readonly buffers: BufferState;

  constructor(label: string, theta: ParameterVector, buffers: BufferState) {
    this.label = label;
    this.theta = theta;
    this.buffers = buffers;
  }

  get model(): Model {
    return this.theta.model;
  }

  /** SHA-256 of parameters and buffers, hexadecimal. */
  async hash(): Promise<string> {
    const buffers: Float64Array[] = [];
    for (const { name } of this.model.buffers) buffers.push(await this.buffers.toArray(name));
    return hashOf([await this.theta.toArray(), ...buffers]);
  }

  dispose(): void {
    this.theta.dispose();
    this.buffers.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

/** The parameters and buffers that a model was loaded with. */
export async function ownSolution(model: Model, label = model.name): Promise<Solution> {
  const theta = await model.theta();
  try {
    return new Solution(label, theta, await model.bufferState());
  } catch (error) {
    theta.dispose();
    throw error;
  }
}

export const isSolution: Check = (v) => (v instanceof Solution ? null : 'a Solution');

/** `solution` for use with `model`: another model of the same parameters may have made it. */
export function requireFit(model: Model, solution: Solution): void {
  const [own, other] = [model.parameters, solution.model.parameters];
  const fits =
    own.length === other.length &&
    own.every((p, i) => p.name === other[i]!.name && p.shape.join() === other[i]!.shape.join());
  if (fits && model.dtype === solution.model.dtype && model.device === solution.model.device) return;
  throw new LossAtlasError(
    'ERR_LAYOUT_MISMATCH',
    `The solution '${solution.label}' belongs to ${solution.model.name} (${solution.model.size} parameters, ` +
      `${solution.model.dtype} on ${solution.model.device}), which does not fit ${model.name} (${model.size} ` +
      `parameters, ${model.dtype} on ${model.device}). Load both from the same architecture, dtype and device.`,
  );
}
