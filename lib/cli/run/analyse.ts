import { analyseHessian, predictMemory, trace, type AnalyseHessianOptions } from '../../index.js';
import { checkAnalysisOptions } from '../../spectrum/analyse-hessian.js';
import { probesTogether } from '../../spectrum/spectral-density.js';
import { runAnalysis } from '../analysis.js';
import type { CommandSpec } from '../command.js';
import { withProcess } from '../dry-run.js';
import { keepingProducts, keptProducts } from '../keep-products.js';
import { openOperator, tryProduct } from '../open-operator.js';
import { analyseOptions, matrixOptions } from '../options/spectrum-options.js';
import { numberOf, take, type Values } from '../options/table.js';
import { openSetting } from '../setting.js';
import { settingWords } from '../setting-words.js';
import { summarize } from '../summary.js';
import { saveVectors } from './hessian.js';

const { memoryBudget } = matrixOptions;
const optionsOf = (values: Values): AnalyseHessianOptions =>
  take<AnalyseHessianOptions>(values, { ...analyseOptions, memoryBudget });

/** Products at most. */
function numProducts(values: Values, size: number): number {
  const probes = numberOf(values, 'probes', 10);
  const k = Math.min(numberOf(values, 'k', 2), size);
  const isAsked = values.relativeError !== undefined;
  const traceProbes = isAsked ? numberOf(values, 'maxTraceProbes', 100) : 4;
  return (
    Math.min(numberOf(values, 'steps', 100), size) * probes +
    numberOf(values, 'maxProducts', Math.max(300, 4 * k)) +
    (values.verify === false ? 0 : k) +
    (values.exactTrace === true ? 0 : Math.max(0, traceProbes - (probes - 1)))
  );
}

export const runAnalyse: CommandSpec['run'] = async (invocation) =>
  runAnalysis(invocation, {
    name: 'analysis',
    kinds: () => ['hessian-analysis'],
    open: async (run) => {
      const setting = await openSetting(run.resources, run.values);
      return { setting, operator: openOperator(setting, run) };
    },
    plan: async ({ setting, operator }, { values }) => {
      const steps = Math.min(numberOf(values, 'steps', 100), operator.size);
      const probes = numberOf(values, 'probes', 10);
      const isExact = values.exactTrace === true;
      // Refused as the run would be.
      checkAnalysisOptions(optionsOf(values));
      if (isExact) await trace(operator, { method: 'gradient', minProbes: 2, maxProbes: 2 });
      const words = `${probes} probes of ${steps} Lanczos steps, with eigenpairs and trace`;
      return {
        steps: [
          ...settingWords(setting),
          `Analysis  of the ${operator.label}: ${words}`,
          ...(isExact
            ? ['Trace     a backward pass of every output of every sample, which the time below leaves out']
            : []),
        ],
        unit: 'products',
        total: numProducts(values, operator.size),
        isExact: false,
        trial: async () => tryProduct(operator),
        memory: async () => {
          const { probesPerPass } = values as { readonly probesPerPass?: number };
          const together = await probesTogether(operator, probes, probesPerPass);
          // The first probe's basis is kept, besides those of the probes that run.
          const vectors = Math.min(together + 1, probes);
          const pairs = numberOf(values, 'k', 2);
          const { newBytes, summary } = await predictMemory(operator, { steps, vectors, pairs });
          return withProcess(newBytes, summary);
        },
      };
    },
    compute: async ({ operator }, run) => {
      const { output, values, analysis } = run;
      const { resume } = output.resumePath(values);
      const options = optionsOf(values);
      using result = await keepingProducts(operator, resume, async (recorded) =>
        analyseHessian(recorded, { ...options, ...analysis }),
      );
      output.print(result, summarize(result));
      await output.save(result);
      await saveVectors(run, 'eigenpairs', result.eigenpairs.vectors);
      await output.finish(resume === undefined ? [] : [resume]);
    },
    interrupted: (_, { output, values }) => `Stopped. ${keptProducts(output.resumePath(values).resume)}`,
  });
