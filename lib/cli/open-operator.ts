import {
  empiricalFisher,
  gaussNewton,
  hessian,
  monteCarloFisher,
  type CurvatureOperator,
  type CurvatureOptions,
  type MonteCarloFisherOptions,
} from '../index.js';
import type { Run } from './analysis.js';
import { hessianOptions, matrixOptions } from './options/spectrum-options.js';
import { take } from './options/table.js';
import { refuseOptions } from './refuse-options.js';
import { atOption, type Setting } from './setting.js';

/** The matrix that `--matrix` names. */
export function openOperator(setting: Setting, { values, resources }: Run): CurvatureOperator {
  if (values.matrix !== 'fisher') refuseOptions(values, ['fisherSamples'], 'for matrix fisher');
  const options = {
    ...take<CurvatureOptions>(values, matrixOptions, ['matrix', 'fisherSamples']),
    ...atOption(setting),
  };
  const make = () => {
    switch (values.matrix ?? 'hessian') {
      case 'gauss-newton':
        return gaussNewton(setting.loss, options);
      case 'empirical-fisher':
        return empiricalFisher(setting.loss, options);
      case 'fisher': {
        const { fisherSamples } = matrixOptions;
        const { seed } = hessianOptions;
        const drawn = take<MonteCarloFisherOptions>(values, { fisherSamples, seed });
        return monteCarloFisher(setting.loss, { ...options, ...drawn });
      }
      default:
        return hessian(setting.loss, options);
    }
  };
  return resources.keep(make());
}

/** A product with a random vector, for trials. */
export async function tryProduct(operator: CurvatureOperator): Promise<number> {
  using vector = await operator.space.randomVector('rademacher', 0, 0);
  for (const product of await operator.apply([vector])) product.dispose();
  return 1;
}
