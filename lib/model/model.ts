import { basename } from 'node:path';
import { hashFile } from '../hash.js';
import { call, callSync, NativeResource } from '../native/call.js';
import type {
  BufferInfo,
  ForwardArgument,
  ModelDescription,
  ModelHandle,
  ParameterInfo,
} from '../native/addon.js';
import type { DType, LoadType, Law, StorageType } from '../types.js';
import { checkOptions, invalidOption, isOneOf, isString } from '../validate.js';
import { BufferState } from './buffer-state.js';
import { openProgram } from './exported-program/archive.js';
import type { ProgramInput } from './exported-program/inputs.js';
import { readProgram } from './exported-program/program.js';
import { requireModelFile } from './file-kind.js';
import { ParameterSpace } from './parameter-space.js';
import { ParameterVector } from './parameter-vector.js';
import { readScriptArchive } from './torchscript/archive.js';

export type { BufferInfo, ForwardArgument, ParameterInfo };

export interface LoadModelOptions {
  /** `cpu` (default), `cuda`, `cuda:N`, or `auto`: a GPU where there is one. */
  readonly device?: string;
  /** Converts all floating-point parameters and buffers; default: as saved. */
  readonly dtype?: LoadType;
  /** `trainable` (default): those saved with requires_grad; `all`: frozen ones too. */
  readonly parameters?: 'trainable' | 'all';
  /**
   * Of a traced module, whose graph fixes the mode of BatchNorm and dropout: `proven` (default) frees it where nothing
   * but PyTorch's own layers is in it; `free` frees it because you know that no code of the model's own branched on
   * `self.training`. Of an exported program, whose BatchNorm and dropout are always free: `proven` keeps it to eval mode
   * where the export may have lost a dropout (attention, decompositions), `free` says that there was none.
   */
  readonly tracedMode?: 'proven' | 'free';
}

/** A model on a device. Its own parameters, buffers and mode never change: analyses work on stand-ins. */
export class Model extends NativeResource<ModelHandle> {
  /** The file's name. */
  readonly name: string;
  /** SHA-256 of the file, hexadecimal. */
  readonly hash: string;
  /** Inputs of an exported program, which fixes their shapes; null of TorchScript. */
  readonly inputs: readonly ProgramInput[] | null;
  /** Whether parameters that were saved without requires_grad count as parameters. */
  readonly includesFrozen: boolean;
  /** The vectors over all parameters. */
  readonly space: ParameterSpace;
  readonly #description: ModelDescription;

  /** Use `loadModel`. */
  constructor(
    handle: ModelHandle,
    name: string,
    hash: string,
    includesFrozen: boolean,
    inputs: readonly ProgramInput[] | null = null,
  ) {
    super(handle);
    this.name = name;
    this.hash = hash;
    this.includesFrozen = includesFrozen;
    this.inputs = inputs;
    this.#description = callSync((native) => native.describeModel(handle));
    this.space = new ParameterSpace(this, null);
  }

  /** Number of parameters n; tied ones count once. */
  get size(): number {
    return this.#description.size;
  }
  /** Of vectors over the parameters, θ among them: float32 for parameters in half precision. */
  get dtype(): DType {
    return this.#description.dtype;
  }
  /** What the model computes in; parameters in half precision are rounded from vectors. */
  get computeDtype(): StorageType {
    return this.#description.computeDtype;
  }
  get device(): string {
    return this.#description.device;
  }
  /** The mode that a traced graph fixes for BatchNorm or dropout; null where the mode is free. */
  get fixedMode(): 'eval' | 'train' | 'mixed' | null {
    return this.#description.fixedMode;
  }
  /** Operators of the graph whose result depends on the mode, or is drawn at random: `aten::dropout`, `aten::rand`. */
  get impureOperators(): readonly string[] {
    return this.#description.impureOperators;
  }
  /** What forward takes, in its order; see `inputs` for the shapes that an exported program fixes. */
  get forwardArguments(): readonly ForwardArgument[] {
    return this.#description.forwardArguments;
  }
  /** The type of what forward returns, as TorchScript writes it: `Tensor`, `Tuple[Tensor, Tensor]`, `Any`. */
  get forwardResult(): string {
    return this.#description.forwardResult;
  }
  get parameters(): readonly ParameterInfo[] {
    return this.#description.parameters;
  }
  /** Buffers, and parameters that are not analysed. */
  get buffers(): readonly BufferInfo[] {
    return this.#description.buffers;
  }

  /** θ*: the parameters as loaded, as a new vector. */
  async theta(): Promise<ParameterVector> {
    return new ParameterVector(await call((native) => native.modelParameters(this.handle)), this.space);
  }

  /** A vector from n numbers in the order of `parameters`. */
  async vector(values: Float32Array | Float64Array): Promise<ParameterVector> {
    return this.space.vector(values);
  }

  /** A seeded random vector; see ParameterSpace. */
  async randomVector(law: Law, seed: number, stream = 0): Promise<ParameterVector> {
    return this.space.randomVector(law, seed, stream);
  }

  /** The buffers as loaded (running statistics of BatchNorm), as a new state. */
  async bufferState(): Promise<BufferState> {
    return new BufferState(await call((native) => native.modelBuffers(this.handle)), this);
  }

  override dispose(): void {
    this.space.dispose();
    super.dispose();
  }

  /** The values of a buffer, in float64. */
  async buffer(name: string): Promise<Float64Array> {
    using state = await this.bufferState();
    return await state.toArray(name);
  }
}

/**
 * Loads a TorchScript file, scripted or traced, or an archive of torch.export (.pt2).
 *
 * Throws ERR_FILE_NOT_FOUND, ERR_FILE_UNREADABLE, ERR_NOT_TORCHSCRIPT, ERR_MODEL_LOAD, ERR_NO_PARAMETERS, ERR_DEVICE.
 *
 *     using model = await loadModel('resnet20.script.pt', { device: 'auto' });
 */
export async function loadModel(path: string, options: LoadModelOptions = {}): Promise<Model> {
  if (isString(path) !== null) throw invalidOption('loadModel: path', 'a file path', path);
  checkOptions('loadModel', options, {
    device: isString,
    dtype: isOneOf('float32', 'float64', 'bfloat16'),
    parameters: isOneOf('trainable', 'all'),
    tracedMode: isOneOf('proven', 'free'),
  });
  const kind = await requireModelFile(path);
  const { device = 'cpu', dtype = null, parameters = 'trainable', tracedMode = 'proven' } = options;
  const hash = await hashFile(path);
  const [all, isFree, name] = [parameters === 'all', tracedMode === 'free', basename(path)];
  if (kind === 'torchscript') {
    await readScriptArchive(path);
    const handle = await call((native) => native.loadModel(path, device, dtype, all, isFree));
    return new Model(handle, name, hash, all);
  }
  const { raw, inputs } = readProgram(await openProgram(path));
  const program = isFree ? { ...raw, lostDropout: '', isMixed: false } : raw;
  const handle = await call((native) => native.loadExportedProgram(program, device, dtype, all));
  return new Model(handle, name, hash, all, inputs);
}
