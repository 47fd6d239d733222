import { existsSync } from 'node:fs';
import {
  recordProducts,
  type CurvatureOperator,
  type LinearOperator,
  type RecordProductsOptions,
} from '../index.js';
import type { Run } from './analysis.js';

/** Where a part of a command keeps the products of its matrix: beside what the command itself resumes from. */
export function productsPath({ output, values }: Run, part: string): string | undefined {
  const { resume } = output.resumePath(values);
  return resume === undefined || values.dryRun === true ? undefined : `${resume}-${part}`;
}

/** Multiplies with an operator whose products are kept in a file, so that an interrupted run goes on after them. */
export async function keepingProducts<T>(
  operator: CurvatureOperator,
  path: string | undefined,
  use: (operator: LinearOperator) => Promise<T>,
  options: RecordProductsOptions = {},
): Promise<T> {
  if (path === undefined) return use(operator);
  await using recorded = await recordProducts(operator, path, options);
  return await use(recorded);
}

/** Of an interrupted run. */
export function keptProducts(path: string | undefined): string {
  if (path === undefined)
    return 'Nothing of it is kept: only --out or --resume, without --no-resume, keeps products.';
  if (!existsSync(path)) return 'No product was finished.';
  return `The products that were finished are kept in '${path}'. The same command goes on after them.`;
}
