import { ParameterSpace } from '../model/parameter-space.js';
import type { ParameterVector } from '../model/parameter-vector.js';
import type { Provenance } from '../results.js';
import { invalidOption } from '../validate.js';

/**
 * A symmetric matrix over a model's parameters, or over some of them, that is known by its products. Everything
 * spectral sees only this.
 */
export interface LinearOperator {
  /** Whose layout, dtype and device the vectors have. */
  readonly space: ParameterSpace;
  /** n: the matrix is n × n. */
  readonly size: number;
  /** In words, for results: `Hessian of layer4.*`. */
  readonly label: string;
  /** Whether several vectors at once are cheaper than one after the other; without it they are not. */
  takesBlocks?(): Promise<boolean>;
  /** A·v for every v, as new vectors. */
  apply(vectors: readonly ParameterVector[], signal?: AbortSignal): Promise<ParameterVector[]>;
  /** Lets go of what is retained between products, so that the next one runs the model anew. */
  forget?(): void;
  /** What results say about where they came from. `startedAt` is a `performance.now()`. */
  provenance(startedAt: number): Promise<Provenance>;
}

/** Throws ERR_INVALID_OPTION for what is no operator, for example the objective itself. */
export function requireOperator(caller: string, operator: unknown): void {
  const { space, size, label, apply, provenance } = (operator ?? {}) as Partial<LinearOperator>;
  const isOperator =
    space instanceof ParameterSpace &&
    size === space.size &&
    typeof label === 'string' &&
    typeof apply === 'function' &&
    typeof provenance === 'function';
  if (isOperator) return;
  const words =
    'an operator: hessian(objective), gaussNewton(objective), or { space, size, label, apply, provenance }';
  throw invalidOption(`${caller}: operator`, words, operator);
}

/** A·v for one v. */
export async function applyOne(
  operator: LinearOperator,
  vector: ParameterVector,
  signal?: AbortSignal,
): Promise<ParameterVector> {
  const [product] = await operator.apply([vector], signal);
  return product!;
}
