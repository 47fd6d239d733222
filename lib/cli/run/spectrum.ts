import { existsSync } from 'node:fs';
import {
  eigenpairs,
  llaSpectralDensity,
  predictMemory,
  pyhessianSpectralDensity,
  spectralDensity,
  type CurvatureOperator,
  type LlaSpectralDensityOptions,
  type PresetSpectralDensity,
  type SpectralDensity,
  type SpectralDensityOptions,
} from '../../index.js';
import { probesTogether } from '../../spectrum/spectral-density.js';
import { runAnalysis, type Run } from '../analysis.js';
import type { CommandSpec } from '../command.js';
import { withProcess } from '../dry-run.js';
import { keepingProducts, keptProducts, productsPath } from '../keep-products.js';
import { openOperator, tryProduct } from '../open-operator.js';
import { matrixOptions, spectrumCommandOptions, spectrumOptions } from '../options/spectrum-options.js';
import { numberOf, take, type Values } from '../options/table.js';
import { refuseOptions } from '../refuse-options.js';
import { openSetting } from '../setting.js';
import { settingWords } from '../setting-words.js';
import { summarize } from '../summary.js';

const { memoryBudget } = matrixOptions;
/** What the other programs' recipes have no such thing as. */
const ownOnly = ['probesPerPass', 'firstProbe', 'basisPlacement', 'confidence', 'tailThreshold'] as const;
const isRecipe = (values: Values) => values.recipe === 'lla' || values.recipe === 'pyhessian';

async function compute(
  operator: CurvatureOperator,
  run: Run,
  resume: { resume?: string },
): Promise<SpectralDensity | PresetSpectralDensity> {
  const { values, analysis } = run;
  if (!isRecipe(values)) {
    const options = take<SpectralDensityOptions>(values, { ...spectrumOptions, memoryBudget }, ['resume']);
    return spectralDensity(operator, { ...options, ...analysis, ...resume });
  }
  const { steps, probes, seed } = spectrumOptions;
  const { window } = spectrumCommandOptions;
  const options = {
    ...take<LlaSpectralDensityOptions>(values, { steps, probes, seed, window }),
    ...analysis,
  };
  return values.recipe === 'lla'
    ? llaSpectralDensity(operator, options)
    : pyhessianSpectralDensity(operator, options);
}

export const runSpectrum: CommandSpec['run'] = async (invocation) =>
  runAnalysis(invocation, {
    name: 'spectrum',
    kinds: (values) => [
      isRecipe(values) ? 'preset-spectral-density' : 'spectral-density',
      ...(numberOf(values, 'eigenpairs', 0) > 0 ? (['eigenpairs'] as const) : []),
    ],
    open: async (run) => {
      const { values } = run;
      if (values.recipe !== 'lla') refuseOptions(values, ['window'], 'of recipe lla');
      if (isRecipe(run.values)) {
        refuseOptions(values, ownOnly, `not of recipe ${values.recipe as string}`);
        // `--no-resume` asks for nothing.
        if (values.resume !== false)
          refuseOptions(values, ['resume'], `not of recipe ${values.recipe as string}`);
      }
      const setting = await openSetting(run.resources, run.values);
      return { setting, operator: openOperator(setting, run) };
    },
    plan: ({ setting, operator }, run) => {
      const steps = Math.min(numberOf(run.values, 'steps', 100), operator.size);
      const probes = numberOf(run.values, 'probes', isRecipe(run.values) ? 1 : 10);
      return {
        steps: [
          ...settingWords(setting),
          `Spectrum  of the ${operator.label}: ${probes} probes of ${steps} Lanczos steps`,
        ],
        unit: 'products',
        total: steps * probes + 20 * numberOf(run.values, 'eigenpairs', 0),
        trial: async () => tryProduct(operator),
        memory: async () => {
          const { probesPerPass } = run.values as { readonly probesPerPass?: number };
          const vectors = isRecipe(run.values) ? 1 : await probesTogether(operator, probes, probesPerPass);
          const { newBytes, summary } = await predictMemory(operator, { steps, vectors });
          return withProcess(newBytes, summary);
        },
      };
    },
    compute: async ({ operator }, run) => {
      const { output, values, analysis } = run;
      const resume = isRecipe(run.values) ? {} : output.resumePath(values);
      const spectrum = await compute(operator, run, resume);
      output.print(spectrum, summarize(spectrum));
      const k = numberOf(run.values, 'eigenpairs', 0);
      if (k === 0) await output.save(spectrum);
      else {
        const seed = take<{ seed?: number }>(values, { seed: spectrumOptions.seed });
        using pairs = await keepingProducts(operator, productsPath(run, 'eigenpairs'), async (recorded) =>
          eigenpairs(recorded, { k, which: 'both-ends', ...seed, ...analysis }),
        );
        if (!output.isJson) output.print(pairs, summarize(pairs));
        await output.save(spectrum, '', { markers: pairs.values });
        await output.save(pairs, 'eigenpairs');
      }
      await output.finish(
        [resume.resume, productsPath(run, 'eigenpairs')].filter((path) => path !== undefined),
      );
    },
    interrupted: (_, run) => {
      const { resume } = isRecipe(run.values) ? {} : run.output.resumePath(run.values);
      const pairs = productsPath(run, 'eigenpairs');
      if (pairs !== undefined && existsSync(pairs))
        return `Stopped. The density is kept in '${resume}'. ${keptProducts(pairs)}`;
      if (resume !== undefined && !existsSync(resume)) return 'Stopped before the first probe was finished.';
      return resume === undefined
        ? 'Stopped. Nothing is kept: only --out or --resume, without --no-resume, keeps finished probes.'
        : `Stopped. Finished probes are kept in '${resume}'. The same command goes on with the rest.`;
    },
  });
