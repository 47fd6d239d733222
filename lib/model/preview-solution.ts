import { readCheckpoint, type Checkpoint } from '../io/checkpoint/checkpoint.js';
import { describeMatch } from '../io/checkpoint/describe-match.js';
import {
  isComplete,
  matchParameters,
  type ParameterMatch,
  type WantedTensor,
} from '../io/checkpoint/match.js';
import type { CheckpointTensor } from '../io/checkpoint/tensor.js';
import { checkOptions, invalidOption, isOneOf, isString, requireInstance } from '../validate.js';
import { Model } from './model.js';

export interface MatchSolutionOptions {
  /** Where in the file the state dict is, for example `model_state_dict` or `[1]`; default found by itself. */
  readonly key?: string | undefined;
  /** Fit tensors to parameters by `name` (default), or by `order` and shape where the names differ altogether. */
  readonly by?: 'name' | 'order' | undefined;
  /**
   * Classes and functions in the file that are not read: `refuse` (default), or `opaque` to leave them out. See
   * `readCheckpoint`.
   */
  readonly unknown?: 'refuse' | 'opaque' | undefined;
}

export const matchSolutionChecks = {
  key: isString,
  by: isOneOf('name', 'order'),
  unknown: isOneOf('refuse', 'opaque'),
};

/** What `loadSolution` would take from where. */
export interface SolutionPreview extends ParameterMatch {
  /** Whether `loadSolution` would load it; that tied parameters have equal values is looked at there only. */
  readonly fits: boolean;
  /** For people: a line for each parameter and buffer. */
  readonly table: string;
}

/** The tensors of a checkpoint beside what the model wants of them. */
export interface SolutionTensors {
  readonly checkpoint: Checkpoint;
  readonly tensors: ReadonlyMap<string, CheckpointTensor>;
  readonly wanted: readonly WantedTensor[];
}

/**
 * A dry run of `loadSolution`: which tensor of a checkpoint each parameter and buffer would get. No data are read.
 *
 *     using model = await loadModel('resnet20.script.pt');
 *     const preview = await previewSolution(model, 'epoch10.pth');
 *     console.log(preview.table);
 *
 * Throws ERR_FILE_NOT_FOUND, ERR_FILE_UNREADABLE, ERR_CHECKPOINT, ERR_INVALID_OPTION; never ERR_CHECKPOINT_MISMATCH.
 */
export async function previewSolution(
  model: Model,
  path: string,
  options: MatchSolutionOptions = {},
): Promise<SolutionPreview> {
  requireInstance('previewSolution: model', model, Model, 'a Model (of loadModel)');
  if (isString(path) !== null) throw invalidOption('previewSolution: path', 'a file path', path);
  checkOptions('previewSolution', options, matchSolutionChecks);
  const { tensors, wanted } = await openSolution(model, path, options);
  const match = matchParameters(tensors, wanted, { by: options.by, strict: false });
  return { ...match, fits: isComplete(match, tensors), table: describeMatch(match, wanted, tensors) };
}

export async function openSolution(
  model: Model,
  path: string,
  { key, unknown }: MatchSolutionOptions,
): Promise<SolutionTensors> {
  const checkpoint = await readCheckpoint(path, { unknown });
  // Counters of batches are kept: old checkpoints have none, and no loss depends on them.
  const buffers = model.buffers.filter(
    ({ name, persistent }) => persistent && !name.endsWith('num_batches_tracked'),
  );
  return { checkpoint, tensors: checkpoint.stateDict({ key }), wanted: [...model.parameters, ...buffers] };
}
