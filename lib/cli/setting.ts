import {
  loadLoss,
  loadMetric,
  loadModel,
  loadSolution,
  LossAtlasError,
  objective,
  randomSolution,
  type LoadModelOptions,
  type LoadSolutionOptions,
  type Loss,
  type LossName,
  type MetricChoice,
  type Model,
  type Objective,
  type ObjectiveOptions,
  Solution,
} from '../index.js';
import { checkpointLabels } from './checkpoint-paths.js';
import { dataSpecs } from './data-spec.js';
import { openDatasets } from './open-data.js';
import { modelOptions, objectiveOptions, solutionOptions } from './options/setting-options.js';
import { take, type Values } from './options/table.js';
import { refuseOptions } from './refuse-options.js';

/** What commands opened, to be disposed of in the reverse order. */
export class Resources implements Disposable {
  readonly #owned: Disposable[] = [];

  keep<T extends Disposable>(resource: T): T {
    this.#owned.push(resource);
    return resource;
  }

  [Symbol.dispose](): void {
    for (const resource of this.#owned.reverse()) resource[Symbol.dispose]();
  }
}

/** A model with the weights and the loss that a command names. */
export interface Setting {
  readonly model: Model;
  /** The weights of `--weights`; undefined for the model's own. */
  readonly at: Solution | undefined;
  readonly loss: Objective;
}

export async function openModel(resources: Resources, values: Values): Promise<Model> {
  const path = values.model as string;
  return resources.keep(await loadModel(path, take<LoadModelOptions>(values, modelOptions)));
}

export async function openSolution(
  resources: Resources,
  model: Model,
  path: string,
  values: Values,
  label?: string,
): Promise<Solution> {
  const options = take<LoadSolutionOptions>(values, solutionOptions);
  const solution = resources.keep(await loadSolution(model, path, options));
  return label === undefined ? solution : new Solution(label, solution.theta, solution.buffers);
}

/** The same of several, by names that tell them apart. */
export async function openSolutions(
  resources: Resources,
  model: Model,
  paths: readonly string[],
  values: Values,
): Promise<Solution[]> {
  const labels = checkpointLabels(paths);
  const solutions: Solution[] = [];
  for (const [i, path] of paths.entries())
    solutions.push(await openSolution(resources, model, path, values, labels[i]));
  return solutions;
}

/** Loss and metrics by name or file, and the rest of the objective's options. */
export async function openObjectiveOptions(
  resources: Resources,
  model: Model,
  values: Values,
): Promise<ObjectiveOptions> {
  const { loss, metrics, ...rest } = take<{ loss?: string; metrics?: readonly string[] }>(
    values,
    objectiveOptions,
  );
  const choices: MetricChoice[] = [];
  for (const name of metrics ?? [])
    choices.push(isFile(name) ? resources.keep(await loadMetric(name, model)) : (name as MetricChoice));
  const chosen: LossName | Loss | undefined =
    loss !== undefined && isFile(loss)
      ? resources.keep(await loadLoss(loss, model))
      : (loss as LossName | undefined);
  return {
    ...(rest as ObjectiveOptions),
    ...(chosen === undefined ? {} : { loss: chosen }),
    ...(metrics === undefined ? {} : { metrics: choices }),
  };
}

/** PyTorch's losses and our metrics have names without a dot. */
function isFile(name: string): boolean {
  return /[./\\]/.test(name);
}

/** The weights that a command names; undefined for the model's own. */
export async function openWeights(
  resources: Resources,
  model: Model,
  values: Values,
): Promise<Solution | undefined> {
  const { weights, randomWeights: seed } = values as { weights?: string; randomWeights?: number };
  if (seed === undefined)
    return weights === undefined ? undefined : openSolution(resources, model, weights, values);
  refuseOptions(values, ['weights'], 'not for a net with --random-weights');
  return resources.keep(await randomSolution(model, { seed }));
}

/** Model, weights and loss on the one data set. */
export async function openSetting(resources: Resources, values: Values): Promise<Setting> {
  // A wrong data option is found before a large model is read.
  dataSpecs(values);
  const model = await openModel(resources, values);
  const at = await openWeights(resources, model, values);
  const datasets = await openDatasets(values);
  if (datasets.length > 1)
    throw new LossAtlasError(
      'ERR_INVALID_OPTION',
      `This command takes one data set, not ${datasets.length}; 'compare' and 'evaluate' take several.`,
    );
  const options = await openObjectiveOptions(resources, model, values);
  const loss = resources.keep(objective(model, datasets[0]!, options));
  return { model, at, loss };
}

/** `{ at }` for options that must not have it undefined. */
export function atOption({ at }: Pick<Setting, 'at'>): { at?: Solution } {
  return at === undefined ? {} : { at };
}
