import type { ParameterVector } from '../model/parameter-vector.js';
import type { Provenance } from '../results.js';
import { CurvatureOperator } from './curvature-operator.js';
import type { LinearOperator } from './linear-operator.js';

/** factor·A + shift·I around another operator A. */
export abstract class WrappedOperator implements LinearOperator {
  constructor(
    readonly inner: LinearOperator,
    readonly factor = 1,
    readonly shift = 0,
  ) {}

  abstract get label(): string;
  abstract apply(vectors: readonly ParameterVector[], signal?: AbortSignal): Promise<ParameterVector[]>;

  get space(): LinearOperator['space'] {
    return this.inner.space;
  }
  get size(): number {
    return this.inner.size;
  }

  async takesBlocks(): Promise<boolean> {
    return (await this.inner.takesBlocks?.()) ?? false;
  }

  forget(): void {
    this.inner.forget?.();
  }

  async provenance(startedAt: number): Promise<Provenance> {
    return Object.freeze({ ...(await this.inner.provenance(startedAt)), operator: this.label });
  }
}

/** The curvature matrix C in factor·C + shift·I; null where there is none. */
export function curvatureIn(
  operator: LinearOperator,
): { readonly curvature: CurvatureOperator; readonly factor: number; readonly shift: number } | null {
  if (operator instanceof CurvatureOperator) return { curvature: operator, factor: 1, shift: 0 };
  if (!(operator instanceof WrappedOperator)) return null;
  const inner = curvatureIn(operator.inner);
  if (inner === null) return null;
  const { curvature, factor, shift } = inner;
  return { curvature, factor: operator.factor * factor, shift: operator.factor * shift + operator.shift };
}
