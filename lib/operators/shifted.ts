import { combine, disposeAll, type ParameterVector } from '../model/parameter-vector.js';
import type { Provenance } from '../results.js';
import type { LinearOperator } from './linear-operator.js';

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

/** A + shift·I: the same eigenvectors, every eigenvalue moved by `shift`. */
export function shifted(operator: LinearOperator, shift: number): LinearOperator {
  return new AffineOperator(operator, 1, shift);
}

/** factor·A. */
export function scaled(operator: LinearOperator, factor: number): LinearOperator {
  return new AffineOperator(operator, factor, 0);
}
