import { combine, disposeAll, type ParameterVector } from '../model/parameter-vector.js';
import type { Provenance } from '../results.js';
import { invalidOption, isNumber } from '../validate.js';
import { CurvatureOperator } from './curvature-operator.js';
import { requireOperator, type LinearOperator } from './linear-operator.js';

/** factor·A + shift·I. */
class AffineOperator implements LinearOperator {
  constructor(
    readonly inner: LinearOperator,
    readonly factor: number,
    readonly shift: number,
  ) {}

  get space(): LinearOperator['space'] {
    return this.inner.space;
  }
  get size(): number {
    return this.inner.size;
  }
  get label(): string {
    const scaled = this.factor === 1 ? this.inner.label : `${this.factor}·(${this.inner.label})`;
    return this.shift === 0 ? scaled : `${scaled} + ${this.shift}·I`;
  }

  async apply(vectors: readonly ParameterVector[], signal?: AbortSignal): Promise<ParameterVector[]> {
    const products = await this.inner.apply(vectors, signal);
    const out: ParameterVector[] = [];
    try {
      for (const [i, product] of products.entries())
        out.push(await combine([product, vectors[i]!], [this.factor, this.shift]));
      return out;
    } catch (error) {
      disposeAll(out);
      throw error;
    } finally {
      disposeAll(products);
    }
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

function requireNumber(name: string, operator: unknown, value: unknown): void {
  requireOperator(name.split(':')[0]!, operator);
  const expected = isNumber()(value);
  if (expected !== null) throw invalidOption(name, expected, value);
}

/** The curvature matrix C in factor·C + shift·I; null where there is none. */
export function curvatureIn(
  operator: LinearOperator,
): { readonly curvature: CurvatureOperator; readonly factor: number; readonly shift: number } | null {
  if (operator instanceof CurvatureOperator) return { curvature: operator, factor: 1, shift: 0 };
  if (!(operator instanceof AffineOperator)) return null;
  const inner = curvatureIn(operator.inner);
  if (inner === null) return null;
  const { curvature, factor, shift } = inner;
  return { curvature, factor: operator.factor * factor, shift: operator.factor * shift + operator.shift };
}

/** A + shift·I: the same eigenvectors, every eigenvalue moved by `shift`. */
export function shifted(operator: LinearOperator, shift: number): LinearOperator {
  requireNumber('shifted: shift', operator, shift);
  return new AffineOperator(operator, 1, shift);
}

/** factor·A. */
export function scaled(operator: LinearOperator, factor: number): LinearOperator {
  requireNumber('scaled: factor', operator, factor);
  return new AffineOperator(operator, factor, 0);
}
