import { readCheckpoint } from '../io/checkpoint/checkpoint.js';
import { isComplete, matchParameters } from '../io/checkpoint/match.js';
import { isTensor, type CheckpointDtype, type CheckpointTensor } from '../io/checkpoint/tensor.js';
import { writeSafetensors } from '../io/checkpoint/write-safetensors.js';
import { writeStateDict } from '../io/checkpoint/write-torch.js';
import { LossAtlasError } from '../errors.js';
import { checkOptions, invalidOption, isOneOf, isString, requireInstance } from '../validate.js';
import { Solution } from './solution.js';
import { stateDictOrder } from './state-dict-order.js';

const floats = ['float64', 'float32', 'float16', 'bfloat16'] as const;

export interface SaveSolutionOptions {
  /** Default: `safetensors` for a path that ends so, else `torch`. */
  readonly format?: 'torch' | 'safetensors' | undefined;
  /** Of the floating-point tensors; default as in `base`, or else the model's. Rounded to nearest. */
  readonly dtype?: (typeof floats)[number] | undefined;
  /** Put before every name, for example `module.`. */
  readonly prefix?: string | undefined;
  /**
   * A checkpoint of the same model whose names, order, dtypes and further tensors are taken over.
   */
  readonly base?: string | undefined;
  /** Where in `base` the state dict is; default found by itself. */
  readonly key?: string | undefined;
}

/**
 * Writes a solution as a state dict that PyTorch reads: parameters and buffers under the model's names, in the order of
 * `model.state_dict()`, counters (`num_batches_tracked`) as the integers that they are.
 *
 *     using there = new Solution('perturbed', theta, await model.bufferState());
 *     await saveSolution('perturbed.pth', there);
 *     // Python: model.load_state_dict(torch.load('perturbed.pth', weights_only=True))
 *
 * Throws ERR_FILE_NOT_WRITABLE, ERR_INVALID_OPTION; with `base` also what `loadSolution` throws.
 */
export async function saveSolution(
  path: string,
  solution: Solution,
  options: SaveSolutionOptions = {},
): Promise<void> {
  if (isString(path) !== null) throw invalidOption('saveSolution: path', 'a file path', path);
  requireInstance(
    'saveSolution: solution',
    solution,
    Solution,
    'a solution, as ownSolution and loadSolution make',
  );
  checkOptions('saveSolution', options, {
    format: isOneOf('torch', 'safetensors'),
    dtype: isOneOf(...floats),
    prefix: isString,
    base: isString,
    key: isString,
  });
  const { base, key, dtype, prefix = '' } = options;
  if (key !== undefined && base === undefined)
    throw invalidOption("saveSolution: option 'key'", "given together with 'base'", key);
  const format = options.format ?? (path.endsWith('.safetensors') ? 'safetensors' : 'torch');
  const own = await solutionTensors(solution);
  const chosen = base === undefined ? own : await ontoBase(own, base, key);
  const convert = converterOf();
  const named = Array.from(chosen, ([name, tensor]): [string, CheckpointTensor] => [
    `${prefix}${name}`,
    dtype === undefined ? tensor : convert(tensor, dtype),
  ]);
  const write = format === 'safetensors' ? writeSafetensors : writeStateDict;
  await write(path, new Map(named));
}

/** A state dict: by the model's names, in PyTorch's order, in the dtypes of the model. For this library's own modules. */
export async function solutionTensors({
  model,
  theta,
  buffers,
}: Solution): Promise<Map<string, CheckpointTensor>> {
  const values = await theta.toArray();
  const tensors = new Map<string, CheckpointTensor>();
  for (const { name, aliases, shape, offset, numel, dtype } of model.parameters) {
    const data = values.subarray(offset, offset + numel);
    const tensor = converted({ dtype: 'float64', shape, data }, dtype);
    for (const known of [name, ...aliases]) tensors.set(known, tensor);
  }
  const stored = model.buffers.filter(({ persistent }) => persistent);
  for (const { name, shape, dtype } of stored) {
    const data = await buffers.toArray(name);
    tensors.set(name, converted({ dtype: 'float64', shape, data }, dtype as CheckpointDtype));
  }
  const order = stateDictOrder(
    model.parameters.flatMap(({ name, aliases }) => [name, ...aliases]),
    stored.map(({ name }) => name),
  );
  return new Map(order.map((name) => [name, tensors.get(name)!]));
}

/** The tensors of `base` with the values of `own`. */
async function ontoBase(
  own: ReadonlyMap<string, CheckpointTensor>,
  path: string,
  key: string | undefined,
): Promise<Map<string, CheckpointTensor>> {
  const tensors = (await readCheckpoint(path)).stateDict({ key });
  const wanted = Array.from(own, ([name, { shape }]) => ({ name, shape }));
  const needed = wanted.filter(({ name }) => !name.endsWith('num_batches_tracked'));
  const match = matchParameters(tensors, wanted, { strict: false });
  // Strict as in loading; the counters may be absent.
  if (!isComplete(match, tensors)) matchParameters(tensors, needed, { path });
  const names = new Map(match.mapping.map(({ name, source }) => [source, name]));
  const convert = converterOf();
  return new Map(
    Array.from(tensors, ([name, tensor]) => {
      const tied = () => [...names].find(([source]) => isSame(tensor, tensors.get(source)!))?.[1];
      const value = own.get(names.get(name) ?? tied() ?? '');
      return [name, value === undefined ? tensor : convert(value, tensor.dtype)];
    }),
  );
}

function isSame(a: CheckpointTensor, b: CheckpointTensor): boolean {
  return a === b || (isTensor(a) && isTensor(b) && a.isSameMemoryAs(b));
}

/** Tied tensors, which are one object, stay one. */
function converterOf(): typeof converted {
  const done = new Map<CheckpointTensor, Map<CheckpointDtype, CheckpointTensor>>();
  return (tensor, dtype) => {
    const known = done.get(tensor) ?? new Map<CheckpointDtype, CheckpointTensor>();
    done.set(tensor, known);
    const value = known.get(dtype) ?? converted(tensor, dtype);
    known.set(dtype, value);
    return value;
  };
}

/** Integers stay what they are unless their own type is asked for. */
function converted(tensor: CheckpointTensor, dtype: CheckpointDtype): CheckpointTensor {
  if (tensor.dtype === dtype || !isFloat(tensor.dtype)) return tensor;
  const { shape, data } = tensor;
  const numbers = data as Float64Array | Float32Array;
  if (dtype === 'int64') return { dtype, shape, data: BigInt64Array.from(numbers, BigInt) };
  const make = integerArrays.get(dtype);
  if (make !== undefined) return { dtype, shape, data: make.from(numbers) };
  if (!isFloat(dtype)) {
    throw new LossAtlasError(
      'ERR_INVALID_DATA',
      `saveSolution: buffers of dtype ${dtype} cannot be written.`,
    );
  }
  return {
    dtype,
    shape,
    data: dtype === 'float64' ? Float64Array.from(numbers) : Float32Array.from(numbers),
  };
}

const integerArrays = new Map<
  CheckpointDtype,
  typeof Int32Array | typeof Int16Array | typeof Int8Array | typeof Uint8Array
>([
  ['int32', Int32Array],
  ['int16', Int16Array],
  ['int8', Int8Array],
  ['uint8', Uint8Array],
  ['bool', Uint8Array],
]);

function isFloat(dtype: CheckpointDtype): boolean {
  return (floats as readonly string[]).includes(dtype);
}
