import { basename } from 'node:path';
import { LossAtlasError } from '../errors.js';
import { matchParameters, type ParameterMatch } from '../io/checkpoint/match.js';
import { elementsOf, isTensor, type CheckpointTensor } from '../io/checkpoint/tensor.js';
import { checkOptions, invalidOption, isString, requireInstance } from '../validate.js';
import { bufferStateFrom, BufferState } from './buffer-state.js';
import { fileKind } from './file-kind.js';
import { loadModel, Model } from './model.js';
import { ParameterVector } from './parameter-vector.js';
import { matchSolutionChecks, openSolution, type MatchSolutionOptions } from './preview-solution.js';
import { ownSolution, requireFit, Solution } from './solution.js';
import { copyValues, flatten, toNdArray } from './tensor-values.js';

export interface LoadSolutionOptions extends MatchSolutionOptions {
  /** For axes and legends; default the file's name. */
  readonly label?: string | undefined;
}

/**
 * The parameters and running statistics in a checkpoint (torch.save in both formats, safetensors, .npz) or in another
 * model file (TorchScript, `.pt2`) of the same architecture, as a point of `model`'s parameter space.
 *
 *     using model = await loadModel('resnet20.script.pt');
 *     using epoch10 = await loadSolution(model, 'epoch10.pth', { key: 'model_state_dict' });
 *     const surface = await lossSurface(loss, plane, { at: epoch10 });
 *
 * `previewSolution` shows what would go where.
 *
 * Throws ERR_FILE_NOT_FOUND, ERR_FILE_UNREADABLE, ERR_CHECKPOINT, ERR_CHECKPOINT_MISMATCH (naming what is missing,
 * unexpected or of another shape), ERR_LAYOUT_MISMATCH.
 */
export async function loadSolution(
  model: Model,
  path: string,
  options: LoadSolutionOptions = {},
): Promise<Solution> {
  requireInstance('loadSolution: model', model, Model, 'a Model (of loadModel)');
  if (isString(path) !== null) throw invalidOption('loadSolution: path', 'a file path', path);
  checkOptions('loadSolution', options, { ...matchSolutionChecks, label: isString });
  const { key, by, unknown, label = basename(path) } = options;
  const kind = await fileKind(path);
  if (kind === 'torchscript' || kind === 'export-archive') {
    if (key !== undefined || by !== undefined || unknown !== undefined) {
      const expected = "without 'key', 'by' and 'unknown' for the file of a model";
      throw invalidOption('loadSolution: options', expected, options);
    }
    return fromModelFile(model, path, label);
  }
  const { checkpoint, tensors, wanted } = await openSolution(model, path, { key, unknown });
  const { mapping } = matchParameters(tensors, wanted, { by, path });
  const found = new Map(mapping.map(({ name, source }) => [name, tensors.get(source)!]));
  await requireTied(mapping, tensors, path);
  const buffers = model.buffers.filter(({ name }) => found.has(name));
  await checkpoint.load(buffers.map(({ name }) => found.get(name)!));
  const theta = await model.vector(await flatten(model, (name) => found.get(name)));
  try {
    const values = buffers.map(({ name }) => [name, toNdArray(found.get(name)!)] as const);
    return new Solution(label, theta, await bufferStateFrom(model, new Map(values)));
  } catch (error) {
    theta.dispose();
    throw error;
  }
}

/** The model has one parameter where the checkpoint may have two that were trained apart. */
async function requireTied(
  mapping: ParameterMatch['mapping'],
  tensors: ReadonlyMap<string, CheckpointTensor>,
  path: string,
): Promise<void> {
  for (const { source, tied } of mapping) {
    const first = tensors.get(source)!;
    for (const name of tied) {
      const other = tensors.get(name)!;
      if (isTensor(first) && isTensor(other) && first.isSameMemoryAs(other)) continue;
      const [a, b] = [new Float64Array(elementsOf(first.shape)), new Float64Array(elementsOf(other.shape))];
      await Promise.all([copyValues(first, a), copyValues(other, b)]);
      if (a.length === b.length && a.every((value, i) => Object.is(value, b[i]))) continue;
      throw new LossAtlasError(
        'ERR_CHECKPOINT_MISMATCH',
        `'${source}' and '${name}' are one parameter in the model, but differ in '${path}'.`,
      );
    }
  }
}

async function fromModelFile(model: Model, path: string, label: string): Promise<Solution> {
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
