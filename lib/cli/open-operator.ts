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
import { matrixOptions } from './options/spectrum-options.js';
import { take } from './options/table.js';
import { atOption, type Setting } from './setting.js';

/** The matrix that `--matrix` names. */
export function openOperator(setting: Setting, { values, resources }: Run): CurvatureOperator {
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
        const samples = take<MonteCarloFisherOptions>(values, { fisherSamples });
        return monteCarloFisher(setting.loss, { ...options, ...samples });
      }
      default:
        return hessian(setting.loss, options);
    }
  };
  return resources.keep(make());
}
