import { existsSync } from 'node:fs';
import { mkdir, readdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { LossAtlasError } from '../errors.js';
import { readCheckpoint } from '../io/checkpoint/checkpoint.js';
import { elementsOf, isTensor, type CheckpointTensor } from '../io/checkpoint/tensor.js';
import { isDict, valueAt, type CheckpointDict, type CheckpointValue } from '../io/checkpoint/value.js';
import { writeTorch } from '../io/checkpoint/write-torch.js';
import { FileLock } from '../io/file-lock.js';
import { reasonOf } from '../io/write-file.js';
import { bufferStateFrom } from '../model/buffer-state.js';
import { loadSolution } from '../model/load-solution.js';
import type { Model } from '../model/model.js';
import { disposeAll, type ParameterVector } from '../model/parameter-vector.js';
import { solutionTensors } from '../model/save-solution.js';
import { Solution } from '../model/solution.js';
import { flatten, toNdArray } from '../model/tensor-values.js';
import type { TrainingOptimizer } from '../results.js';
import { decodeHistory, encodeHistory, type EpochFigures } from './history.js';
import { momentNames, parameterGroup } from './optimizer.js';
import { requireSameSettings, type TrainingSettings } from './settings.js';
import { TrainerState } from './trainer.js';

export interface CheckpointOptions {
  /** Gets `epoch-0001.pt`, … ; made where it is not there. */
  readonly folder: string;
  /** A checkpoint after every so many epochs, and after the last; default 1. */
  readonly every?: number;
}

/** Where a run stood at the end of an epoch. */
export interface TrainingPoint {
  readonly state: TrainerState;
  readonly epochs: readonly EpochFigures[];
}

const fileName = /^epoch-(\d{4,9})\.pt$/;

/** Checkpoints in a folder, oldest first. */
export async function listCheckpoints(folder: string): Promise<string[]> {
  let names: string[];
  try {
    names = await readdir(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw new LossAtlasError(
      'ERR_FILE_UNREADABLE',
      `Cannot read the folder '${folder}': ${reasonOf(error)}.`,
      {
        cause: error,
      },
    );
  }
  const found = names.filter((name) => fileName.test(name));
  const epochOf = (name: string) => Number(fileName.exec(name)![1]);
  return found.sort((a, b) => epochOf(a) - epochOf(b)).map((name) => join(folder, name));
}

/** Out of the way of the checkpoint that will have its name: it may be anything. Returns where it is now. */
export async function setAside(path: string): Promise<string> {
  for (let i = 1; ; i++) {
    const other = `${path}.damaged${i === 1 ? '' : `-${i}`}`;
    if (existsSync(other)) continue;
    try {
      await rename(path, other);
      return other;
    } catch (cause) {
      throw new LossAtlasError('ERR_FILE_NOT_WRITABLE', `Cannot rename '${path}': ${reasonOf(cause)}.`, {
        cause,
      });
    }
  }
}

/** Makes it where it is not there. Throws ERR_RESUME while another run writes into it, ERR_FILE_NOT_WRITABLE. */
export async function lockCheckpointFolder(folder: string): Promise<FileLock> {
  try {
    await mkdir(folder, { recursive: true });
  } catch (cause) {
    throw new LossAtlasError(
      'ERR_FILE_NOT_WRITABLE',
      `Cannot make the folder '${folder}': ${reasonOf(cause)}.`,
      {
        cause,
      },
    );
  }
  return FileLock.takeFolder(folder, 'training');
}

/**
 * Writes what PyTorch reads: `torch.load(path, weights_only=True)` gives a dict with `epoch`, `step`, `model` (for
 * `load_state_dict`), `optimizer` (for the optimizer's), `history` and `settings`. Returns the path.
 */
export async function writeTrainingCheckpoint(
  folder: string,
  { state, epochs }: TrainingPoint,
  optimizer: TrainingOptimizer,
  settings: TrainingSettings,
): Promise<string> {
  const { epoch, numSteps, learningRate } = epochs.at(-1)!;
  const { model, theta } = state.solution;
  const tensors = await solutionTensors(state.solution);
  // Parameters in half precision are rounded; training goes on with what they were rounded from.
  const master: [CheckpointValue, CheckpointValue][] = [];
  if (model.computeDtype !== model.dtype) {
    const data = Float32Array.from(await theta.toArray());
    master.push(['theta', { dtype: 'float32', shape: [data.length], data }]);
  }
  const path = join(folder, `epoch-${String(epoch).padStart(4, '0')}.pt`);
  await writeTorch(
    path,
    new Map<CheckpointValue, CheckpointValue>([
      ['epoch', epoch],
      ['step', numSteps],
      ['model', tensors],
      ['optimizer', await optimizerDict(state, optimizer, learningRate)],
      ...master,
      ['history', encodeHistory(epochs)],
      ['settings', new Map(Object.entries(settings))],
    ]),
  );
  return path;
}

/** `optimizer.state_dict()` of PyTorch's optimizer over `model.parameters()`. */
async function optimizerDict(
  { solution: { model }, steps, moments }: TrainerState,
  optimizer: TrainingOptimizer,
  learningRate: number,
): Promise<CheckpointDict> {
  const names = momentNames(optimizer);
  const values = await Promise.all(moments.map(async (moment) => moment.toArray()));
  const states = new Map<CheckpointValue, CheckpointValue>();
  model.parameters.forEach(({ shape, offset, numel }, place) => {
    const step = steps[place] ?? -1;
    if (step < 0 || names.length === 0) return;
    const entries = names.map((name, m): [CheckpointValue, CheckpointValue] => {
      const part = values[m]!.subarray(offset, offset + numel);
      return [
        name,
        model.dtype === 'float64'
          ? { dtype: 'float64', shape, data: part }
          : { dtype: 'float32', shape, data: Float32Array.from(part) },
      ];
    });
    const count: CheckpointTensor = { dtype: 'float32', shape: [], data: Float32Array.of(step) };
    states.set(place, new Map(optimizer.name === 'sgd' ? entries : [['step', count], ...entries]));
  });
  return new Map<CheckpointValue, CheckpointValue>([
    ['state', states],
    ['param_groups', [parameterGroup(optimizer, learningRate, model.parameters.length)]],
  ]);
}

/** A checkpoint of `train`, with what is to be disposed of. */
export interface FoundCheckpoint extends TrainingPoint {
  readonly path: string;
  /** Newer files of the folder that are damaged. */
  readonly damaged: readonly string[];
}

/**
 * The newest checkpoint of a folder that can be read; null where there are no files of the name. A damaged file is passed
 * over. Throws ERR_RESUME where it belongs to another run or to none, and where all are damaged: they would be overwritten.
 */
export async function readNewestCheckpoint(
  model: Model,
  folder: string,
  optimizer: TrainingOptimizer,
  settings: TrainingSettings,
): Promise<FoundCheckpoint | null> {
  const damaged: string[] = [];
  let first: LossAtlasError | undefined;
  for (const path of (await listCheckpoints(folder)).reverse()) {
    try {
      return { ...(await readTrainingCheckpoint(model, path, optimizer, settings)), damaged };
    } catch (error) {
      if (!(error instanceof LossAtlasError) || error.code !== 'ERR_CHECKPOINT') throw error;
      damaged.push(path);
      first ??= error;
    }
  }
  if (first === undefined) return null;
  throw new LossAtlasError(
    'ERR_RESUME',
    `No checkpoint in '${folder}' can be read (${damaged.length} damaged; the newest: ${first.message}) Nothing was changed; give another folder, or remove them to begin anew.`,
    { cause: first },
  );
}

async function readTrainingCheckpoint(
  model: Model,
  path: string,
  optimizer: TrainingOptimizer,
  settings: TrainingSettings,
): Promise<TrainingPoint & { readonly path: string }> {
  const checkpoint = await readCheckpoint(path, { checksums: true });
  await checkpoint.load();
  const { value } = checkpoint;
  const found = valueAt(value, 'settings');
  const states = valueAt(value, 'optimizer.state');
  const epochs = decodeHistory(valueAt(value, 'history'));
  if (!isDict(found) || !isDict(states) || epochs === null || epochs.length === 0)
    throw new LossAtlasError(
      'ERR_RESUME',
      `'${path}' is no checkpoint of a training run. Nothing was changed; give another folder, or remove it.`,
    );
  requireSameSettings(path, found, settings, 'training run');
  const solution = await loadSolution(model, path, { key: 'model' });
  const moments: ParameterVector[] = [];
  let { theta, buffers } = solution;
  try {
    const master = valueAt(value, 'theta');
    if (isTensor(master) && model.computeDtype !== model.dtype) {
      theta = await model.vector(master.data as Float32Array);
      solution.theta.dispose();
    }
    // Counters too, which solutions leave as the model has them.
    const tensors = checkpoint.stateDict({ key: 'model' });
    const known = model.buffers.filter(({ name }) => tensors.has(name));
    buffers = await bufferStateFrom(
      model,
      new Map(known.map(({ name }) => [name, toNdArray(tensors.get(name)!)])),
    );
    solution.buffers.dispose();
    for (const name of momentNames(optimizer))
      moments.push(
        await model.vector(await flatten(model, (parameter) => momentOf(model, states, parameter, name))),
      );
    const steps = Float64Array.from(model.parameters, (_, place) => {
      const state = states.get(place);
      if (!isDict(state)) return -1;
      const step = state.get('step');
      return isTensor(step) ? Number(step.data[0]) : 1;
    });
    const state = new TrainerState(new Solution(solution.label, theta, buffers), steps, moments);
    return { path, state, epochs };
  } catch (error) {
    disposeAll([theta, buffers, ...moments]);
    throw error;
  }
}

function momentOf(
  model: Model,
  states: CheckpointDict,
  parameter: string,
  name: string,
): CheckpointTensor | undefined {
  const place = model.parameters.findIndex((known) => known.name === parameter);
  const state = states.get(place);
  const tensor = isDict(state) ? state.get(name) : undefined;
  if (!isTensor(tensor)) return undefined;
  if (elementsOf(tensor.shape) === model.parameters[place]!.numel) return tensor;
  throw new LossAtlasError('ERR_CHECKPOINT', `The optimizer's ${name} of '${parameter}' has another shape.`);
}
