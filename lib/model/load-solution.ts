import { basename } from 'node:path';
import { readCheckpoint } from '../io/checkpoint/checkpoint.js';
import { matchParameters } from '../io/checkpoint/match.js';
import { checkOptions, invalidOption, isOneOf, isString } from '../validate.js';
import { bufferStateFrom, BufferState } from './buffer-state.js';
import { fileKind } from './file-kind.js';
import { loadModel, type Model } from './model.js';
import { ParameterVector } from './parameter-vector.js';
import { ownSolution, requireFit, Solution } from './solution.js';
import { flatten, toNdArray } from './tensor-values.js';

export interface LoadSolutionOptions {
  /** Where in the file the state dict is, for example `model_state_dict` or `[1]`; default found by itself. */
  readonly key?: string;
  /** Fit tensors to parameters by `name` (default), or by `order` and shape where the names differ altogether. */
  readonly by?: 'name' | 'order';
  /** For axes and legends; default the file's name. */
  readonly label?: string;
}

/**
 * The parameters and running statistics in a checkpoint (torch.save in both formats, safetensors, .npz) or in another
 * TorchScript file of the same architecture, as a point of `model`'s parameter space.
 *
 *     using model = await loadModel('resnet20.script.pt');
 *     using epoch10 = await loadSolution(model, 'epoch10.pth', { key: 'model_state_dict' });
 *     const surface = await lossSurface(loss, plane, { at: epoch10 });
 *
 * Throws ERR_FILE_NOT_FOUND, ERR_FILE_UNREADABLE, ERR_CHECKPOINT, ERR_CHECKPOINT_MISMATCH (naming what is missing,
 * unexpected or of another shape), ERR_LAYOUT_MISMATCH.
 */
export async function loadSolution(
  model: Model,
  path: string,
  options: LoadSolutionOptions = {},
): Promise<Solution> {
  if (isString(path) !== null) throw invalidOption('loadSolution: path', 'a file path', path);
  checkOptions('loadSolution', options, { key: isString, by: isOneOf('name', 'order'), label: isString });
  const { key, by = 'name', label = basename(path) } = options;
  if ((await fileKind(path)) === 'torchscript') {
    if (key !== undefined || options.by !== undefined)
      throw invalidOption('loadSolution: options', "without 'key' and 'by' for a TorchScript file", options);
    return fromTorchScript(model, path, label);
  }
  const checkpoint = await readCheckpoint(path);
  const tensors = checkpoint.stateDict(key === undefined ? {} : { key });
  // Counters of batches are kept: old checkpoints have none, and no loss depends on them. State dicts leave out buffers
  // that are not persistent.
  const buffers = model.buffers.filter(
    ({ name, persistent }) => persistent && !name.endsWith('num_batches_tracked'),
  );
  const { mapping } = matchParameters(tensors, [...model.parameters, ...buffers], { by });
  const found = new Map(mapping.map(({ name, source }) => [name, tensors.get(source)!]));
  const theta = await model.vector(flatten(model, (name) => found.get(name)));
  try {
    const values = buffers.map(({ name }) => [name, toNdArray(found.get(name)!)] as const);
    return new Solution(label, theta, await bufferStateFrom(model, new Map(values)));
  } catch (error) {
    theta.dispose();
    throw error;
  }
}

async function fromTorchScript(model: Model, path: string, label: string): Promise<Solution> {
  const { dtype, device, includesFrozen } = model;
  const parameters = includesFrozen ? 'all' : 'trainable';
  using other = await loadModel(path, { dtype, device, parameters });
  const solution = await ownSolution(other, label);
  try {
    requireFit(model, solution);
    // The other model goes; its vectors are this model's now.
    const { theta, buffers } = solution;
    return new Solution(
      label,
      new ParameterVector(theta.handle, model.space),
      new BufferState(buffers.handle, model),
    );
  } catch (error) {
    solution.dispose();
    throw error;
  }
}
