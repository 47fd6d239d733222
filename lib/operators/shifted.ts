import { combine, disposeAll, type ParameterVector } from '../model/parameter-vector.js';
import { invalidOption, isNumber } from '../validate.js';
import { requireOperator, type LinearOperator } from './linear-operator.js';
import { WrappedOperator } from './wrapped-operator.js';

class AffineOperator extends WrappedOperator {
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
}

function requireNumber(name: string, operator: unknown, value: unknown): void {
  requireOperator(name.split(':')[0]!, operator);
  const expected = isNumber()(value);
  if (expected !== null) throw invalidOption(name, expected, value);
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
