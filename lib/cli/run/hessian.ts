import {
  checkOperator,
  diagonal,
  eigenpairs,
  frobeniusNorm,
  llaEigenpairs,
  llaTrace,
  LossAtlasError,
  predictMemory,
  pyhessianEigenpairs,
  pyhessianTrace,
  saveVector,
  trace,
  type DiagonalOptions,
  type EigenpairsOptions,
  type FrobeniusNormOptions,
  type LinearOperator,
  type ParameterVector,
  type PresetEigenpairsOptions,
  type PresetTraceOptions,
  type RecordProductsOptions,
  type Result,
  type TraceOptions,
} from '../../index.js';
import type { ResultKind } from '../../io/result-format.js';
import { runAnalysis, type Run } from '../analysis.js';
import type { CommandSpec } from '../command.js';
import { withProcess } from '../dry-run.js';
import { keepingProducts, keptProducts } from '../keep-products.js';
import { openOperator, tryProduct } from '../open-operator.js';
import {
  eigenpairsOptions,
  hessianOptions,
  matrixOptions,
  traceOptions,
} from '../options/spectrum-options.js';
import { numberOf, take, type OptionTable, type Values } from '../options/table.js';
import { refuseOptions } from '../refuse-options.js';
import { openSetting } from '../setting.js';
import { settingWords } from '../setting-words.js';
import { summarize } from '../summary.js';

type Part = 'eigenpairs' | 'trace' | 'norm' | 'diagonal' | 'check';

interface Computed {
  readonly result: Result;
  readonly vectors?: readonly ParameterVector[];
}

const { seed, maxIterations, resumeBytes } = hessianOptions;
const { memoryBudget } = matrixOptions;
const { relativeError, minProbes, maxProbes } = traceOptions;
const { k, tolerance } = eigenpairsOptions;

// As with `take`.
// eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters
function optionsOf<T>({ values, analysis }: Run, table: OptionTable): T {
  return { ...take<T>(values, table), ...analysis };
}

/** The other programs' ways. */
const presets = {
  lla: { eigenpairs: llaEigenpairs, trace: llaTrace },
  pyhessian: { eigenpairs: pyhessianEigenpairs, trace: pyhessianTrace },
} as const;
const presetOf = (values: Values) =>
  (presets as Partial<typeof presets>)[values.recipe as keyof typeof presets];

/** What computes each part. */
const parts: Readonly<Record<Part, (operator: LinearOperator, run: Run) => Promise<Computed>>> = {
  eigenpairs: async (operator, run) => {
    const preset = presetOf(run.values)?.eigenpairs;
    if (preset !== undefined) {
      const options = optionsOf<PresetEigenpairsOptions>(run, { k, tolerance, maxIterations, seed });
      return { result: await preset(operator, options) };
    }
    const options = optionsOf<EigenpairsOptions>(run, { ...eigenpairsOptions, memoryBudget, seed });
    const pairs = run.resources.keep(await eigenpairs(operator, options));
    return { result: pairs, vectors: pairs.vectors };
  },
  trace: async (operator, run) => {
    const preset = presetOf(run.values)?.trace;
    const result =
      preset === undefined
        ? await trace(operator, optionsOf<TraceOptions>(run, { ...traceOptions, seed }))
        : await preset(operator, optionsOf<PresetTraceOptions>(run, { maxProbes, seed }));
    return { result };
  },
  norm: async (operator, run) => ({
    result: await frobeniusNorm(
      operator,
      optionsOf<FrobeniusNormOptions>(run, { relativeError, minProbes, maxProbes, seed }),
    ),
  }),
  diagonal: async (operator, run) => {
    const result = run.resources.keep(
      await diagonal(
        operator,
        optionsOf<DiagonalOptions>(run, { relativeError, maxProbes: { ...maxProbes, as: 'probes' }, seed }),
      ),
    );
    return { result, vectors: [result.values] };
  },
  check: async (operator, run) => ({
    result: await checkOperator(operator, take(run.values, { seed })),
  }),
};

const partsOf = (values: Values) =>
  (values.what as readonly Part[] | undefined) ?? (['eigenpairs', 'trace'] as const);

/** What a part makes. */
function kindOf(part: Part, values: Values): ResultKind {
  const kinds = {
    eigenpairs: isRecipe(values) ? 'preset-eigenpairs' : 'eigenpairs',
    trace: isRecipe(values) ? 'preset-trace' : 'trace',
    norm: 'frobenius-norm',
    diagonal: 'diagonal',
    check: 'operator-check',
  } as const;
  return kinds[part];
}

const isRecipe = (values: Values) => presetOf(values) !== undefined;

/** What the other programs' recipes have no such thing as, by part. */
const ownOnly: Readonly<Partial<Record<Part, readonly string[]>>> = {
  eigenpairs: Object.keys(eigenpairsOptions).filter((key) => key !== 'k' && key !== 'tolerance'),
  trace: ['method', 'sketchSize', 'lanczosSteps', 'exact'],
};

function refuseUnused(run: Run): void {
  const { values } = run;
  const of = partsOf(run.values);
  if (values.resume === false) refuseOptions(values, ['resumeBytes'], 'for products that are kept');
  if (!isRecipe(run.values)) {
    if (values.method !== 'gradient') refuseOptions(values, ['exact'], 'for --method gradient');
    refuseOptions(values, ['maxIterations'], "of other programs' recipes");
    return;
  }
  const reason = `not of recipe ${values.recipe as string}`;
  for (const part of of) refuseOptions(values, ownOnly[part] ?? [], reason);
  if (!of.includes('norm') && !of.includes('diagonal'))
    refuseOptions(values, ['relativeError', 'minProbes'], reason);
}

/** Products at most. */
function numProducts(run: Run): number {
  const { values } = run;
  const number = (key: string, standard: number) => numberOf(values, key, standard);
  const of: Record<Part, number> = {
    eigenpairs: isRecipe(run.values)
      ? number('k', 2) * number('maxIterations', 100)
      : number('maxProducts', Math.max(300, 4 * number('k', 2))),
    trace: number('maxProbes', 100) * (values.method === 'hutch++' ? 2 : 1),
    norm: number('maxProbes', 100),
    diagonal: number('maxProbes', 100),
    check: 8,
  };
  return partsOf(run.values).reduce((sum, part) => sum + of[part], 0);
}

export const runHessian: CommandSpec['run'] = async (invocation) => {
  const done: Part[] = [];
  await runAnalysis(invocation, {
    name: 'hessian',
    kinds: (values) => partsOf(values).map((part) => kindOf(part, values)),
    open: async (run) => {
      refuseUnused(run);
      const setting = await openSetting(run.resources, run.values);
      return { setting, operator: openOperator(setting, run) };
    },
    plan: ({ setting, operator }, run) => ({
      steps: [
        ...settingWords(setting),
        `Compute   ${partsOf(run.values).join(', ')} of the ${operator.label}`,
      ],
      unit: 'products',
      total: numProducts(run),
      isExact: false,
      trial: async () => tryProduct(operator),
      memory: async () => {
        const pairs = numberOf(run.values, 'k', 2);
        const { newBytes, summary } = await predictMemory(operator, {
          basisSize: Math.min(numberOf(run.values, 'basisSize', 300), operator.size),
          pairs,
          vectors: numberOf(run.values, 'blockSize', 1),
        });
        return withProcess(newBytes, summary);
      },
    }),
    compute: async ({ operator }, run) => {
      if (run.output.isJson && partsOf(run.values).length !== 1)
        throw new LossAtlasError('ERR_INVALID_OPTION', '--json prints one result: choose it with --what.');
      const { resume } = run.output.resumePath(run.values);
      const compute = async (recorded: LinearOperator) => {
        for (const part of partsOf(run.values)) {
          const { result, vectors } = await parts[part](recorded, run);
          run.output.print(result, summarize(result));
          await run.output.save(result, part);
          if (vectors !== undefined) await saveVectors(run, part, vectors);
          done.push(part);
        }
      };
      const bytes = take<RecordProductsOptions>(run.values, { resumeBytes });
      await keepingProducts(operator, resume, compute, bytes);
      await run.output.finish(resume === undefined ? [] : [resume]);
    },
    interrupted: (_, run) => {
      const finished = done.length === 0 ? '' : ` Finished: ${done.join(', ')}.`;
      return `Stopped.${finished} ${keptProducts(run.output.resumePath(run.values).resume)}`;
    },
  });
};

export async function saveVectors(
  { values, output }: Run,
  part: string,
  vectors: readonly ParameterVector[],
): Promise<void> {
  if (values.vectors !== true) return;
  for (const [i, vector] of vectors.entries())
    await output.write(`${part}-vector-${i + 1}`, '.npz', (path) => saveVector(path, vector));
}
