import { LossAtlasError } from '../errors.js';
import { readCheckpoint } from '../io/checkpoint/checkpoint.js';
import { matchParameters } from '../io/checkpoint/match.js';
import { readNpy } from '../io/npy.js';
import { writeNpz } from '../io/npz.js';
import { readWholeFile } from '../io/read-file.js';
import { writeWholeFile } from '../io/write-file.js';
import type { Model } from '../model/model.js';
import type { ParameterVector } from '../model/parameter-vector.js';
import { flatten } from '../model/tensor-values.js';
import { checkOptions, isBoolean, isOneOf, isString } from '../validate.js';
import { splitArrays } from './parameter-arrays.js';

export interface LoadVectorOptions {
  /** Where in a checkpoint the tensors are; default found by itself. */
  readonly key?: string;
  readonly by?: 'name' | 'order';
  /** See `readCheckpoint`. */
  readonly unknown?: 'refuse' | 'opaque' | undefined;
  /** Parameters that the file lacks are an error (default), or zero. */
  readonly strict?: boolean;
}

/**
 * A vector over the model's parameters from a file: an `.npy` of n numbers in their order, or one array a parameter in an
 * `.npz`, a safetensors file or a checkpoint. `saveVector` writes the second kind.
 *
 * Throws ERR_FILE_NOT_FOUND, ERR_FILE_UNREADABLE, ERR_INVALID_DATA, ERR_CHECKPOINT, ERR_CHECKPOINT_MISMATCH.
 */
export async function loadVector(
  model: Model,
  path: string,
  options: LoadVectorOptions = {},
): Promise<ParameterVector> {
  checkOptions('loadVector', options, {
    key: isString,
    by: isOneOf('name', 'order'),
    unknown: isOneOf('refuse', 'opaque'),
    strict: isBoolean,
  });
  if (path.endsWith('.npy')) return fromFlatArray(model, path);
  const { key, by = 'name', unknown, strict = true } = options;
  const tensors = (await readCheckpoint(path, { unknown })).stateDict({ key });
  const { mapping } = matchParameters(tensors, model.parameters, { by, strict, path });
  const sources = new Map(mapping.map(({ name, source }) => [name, source]));
  return model.vector(await flatten(model, (name) => tensors.get(sources.get(name) ?? '')));
}

/**
 * As an `.npz` with one array for each of the model's parameters; a vector over some of them is zero elsewhere. Throws
 * ERR_FILE_NOT_WRITABLE.
 */
export async function saveVector(path: string, vector: ParameterVector): Promise<void> {
  using whole = await vector.space.embed(vector);
  await writeWholeFile(path, writeNpz(Object.fromEntries(await splitArrays(whole, ''))));
}

async function fromFlatArray(model: Model, path: string): Promise<ParameterVector> {
  const { data } = readNpy(await readWholeFile(path), path);
  if (!(data instanceof Float32Array || data instanceof Float64Array))
    throw new LossAtlasError('ERR_INVALID_DATA', `'${path}' holds no floating-point numbers.`);
  return model.vector(data);
}
