import type { DType, Law, LoadType, NdArray, StorageType } from '../types.js';
import type { RawProgram } from './exported-program.js';

/**
 * The raw addon: one function per native step. A test holds this interface equal to the addon's exports.
 * Handles are opaque; every asynchronous function runs on the environment's compute thread, in the order of the calls.
 */
declare const brand: unique symbol;
interface Handle<Kind extends string> {
  readonly [brand]: Kind;
}
export type ModelHandle = Handle<'model'>;
export type VectorHandle = Handle<'vector'>;
export type BatchHandle = Handle<'batch'>;
export type ObjectiveHandle = Handle<'objective'>;
export type SpaceHandle = Handle<'space'>;
export type GraphHandle = Handle<'graph'>;
export type BasisHandle = Handle<'basis'>;
export type BuffersHandle = Handle<'buffers'>;
export type MetricHandle = Handle<'metric'>;
export type PullbackHandle = Handle<'pullback'>;
export type LossHandle = Handle<'loss'>;
export type SubspaceHandle = Handle<'subspace'>;
export type TrainerHandle = Handle<'trainer'>;
export type AnyHandle =
  | ModelHandle
  | SpaceHandle
  | VectorHandle
  | BatchHandle
  | ObjectiveHandle
  | GraphHandle
  | BasisHandle
  | BuffersHandle
  | MetricHandle
  | PullbackHandle
  | LossHandle
  | SubspaceHandle
  | TrainerHandle;

export interface ParameterInfo {
  readonly name: string;
  readonly shape: readonly number[];
  readonly offset: number;
  readonly numel: number;
  readonly role: 'weight' | 'bias' | 'norm';
  /** Python's classes of the modules around it, outermost first; the last owns it: `torch.nn.modules.conv.Conv2d`. */
  readonly modules: readonly string[];
  /** Further names of the same tensor: a tied weight. */
  readonly aliases: readonly string[];
  /** In the model; vectors over all parameters have the model's `dtype`. */
  readonly dtype: StorageType;
}

export interface BufferInfo {
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: string;
  /** As of a parameter. */
  readonly modules: readonly string[];
  /** Whether a state dict has it; what a scripted or traced file says of that is unknown, and taken for true. */
  readonly persistent: boolean;
}

/** What a forward method takes. */
export interface ForwardArgument {
  readonly name: string;
  /** As TorchScript writes it: `Tensor`, `Dict[str, Tensor]`. */
  readonly type: string;
  /** Whether it has a default. */
  readonly optional: boolean;
}

export interface ModelDescription {
  readonly size: number;
  /** Of vectors. */
  readonly dtype: DType;
  /** Of inputs, and of the first parameter. */
  readonly computeDtype: StorageType;
  readonly device: string;
  readonly fixedMode: 'eval' | 'train' | 'mixed' | null;
  /** Whose result depends on the mode, or is drawn at random. */
  readonly impureOperators: readonly string[];
  readonly forwardArguments: readonly ForwardArgument[];
  readonly forwardResult: string;
  readonly parameters: readonly ParameterInfo[];
  readonly buffers: readonly BufferInfo[];
}

export interface CurvatureGraph {
  readonly graph: GraphHandle;
  readonly evaluation: Float64Array;
  /** What the graph keeps alive, and the most that building it took. */
  readonly graphBytes: number;
  readonly peakBytes: number;
}

export interface OutputPullback {
  readonly pullback: PullbackHandle;
  readonly evaluation: Float64Array;
  /** Entries of the output. */
  readonly outputSize: number;
  /** Why diag H need not be diag GGN; null where it is proven to be. */
  readonly obstacle: string | null;
}

/** What a trainer goes on with. */
export interface TrainerState {
  readonly theta: VectorHandle;
  readonly buffers: BuffersHandle;
  /** Of each parameter the steps that its moments have seen (of SGD 1), −1 where it has none. */
  readonly steps: Float64Array;
  /** SGD with momentum: its buffer; Adam: both moments, with amsgrad the largest second one too. */
  readonly moments: readonly VectorHandle[];
}

export interface SampleIndependence {
  readonly independent: boolean;
  /** Of a recorded forward pass. */
  readonly bytesPerSample: number;
  /** Of its largest tensor. */
  readonly largestBytesPerSample: number;
}

export interface Addon {
  /** `hasCudaRecorder`: this build can record CUDA graphs; `numCudaRecordings`: this process has recorded so many. */
  info(): {
    libtorch: string;
    numCudaDevices: number;
    hasCudaRecorder: boolean;
    numCudaRecordings: number;
  };
  liveHandles(): number;
  dispose(handle: AnyHandle): void;
  /** Sets the number of threads of this environment's computations; 0 only asks. */
  numThreads(count: number): Promise<number>;

  /** `freeMode`: the caller vouches that a traced module may be switched between eval and train. */
  loadModel(
    path: string,
    device: string,
    dtype: LoadType | null,
    includeFrozen: boolean,
    freeMode: boolean,
  ): Promise<ModelHandle>;
  loadExportedProgram(
    program: RawProgram,
    device: string,
    dtype: LoadType | null,
    includeFrozen: boolean,
  ): Promise<ModelHandle>;
  describeModel(model: ModelHandle): ModelDescription;
  modelParameters(model: ModelHandle): Promise<VectorHandle>;
  modelBuffers(model: ModelHandle): Promise<BuffersHandle>;
  /** The model's own, but those at `indices` from the arrays. */
  buffersFromArrays(
    model: ModelHandle,
    indices: Float64Array,
    arrays: readonly NdArray[],
  ): Promise<BuffersHandle>;
  bufferToArray(buffers: BuffersHandle, index: number): Promise<Float64Array>;
  /** Σ cᵢ statesᵢ of what is floating-point; counters and flags are those of the first. */
  combineBuffers(states: readonly BuffersHandle[], coefficients: Float64Array): Promise<BuffersHandle>;
  /** `base`, but buffer indices[k] is factors[k] · (mean over `states`). */
  averageBuffers(
    base: BuffersHandle,
    states: readonly BuffersHandle[],
    indices: Float64Array,
    factors: Float64Array,
  ): Promise<BuffersHandle>;
  makeBatch(
    model: ModelHandle,
    inputs: readonly NdArray[],
    targets: readonly NdArray[],
    /** Of the inputs, or empty. */
    names: readonly string[],
    index: number,
    /** For messages: the data set, and the number of the first sample there. */
    data: string,
    firstSample: number,
  ): Promise<BatchHandle>;
  /** Some samples of a batch, uncopied. */
  batchSlice(batch: BatchHandle, first: number, count: number): BatchHandle;

  /** Of the model's parameters at `places` (ascending), or of all for null. */
  makeSpace(model: ModelHandle, places: Float64Array | null): SpaceHandle;
  /** The space's part of a vector over the whole model; and back, with zeros elsewhere. */
  restrictVector(space: SpaceHandle, vector: VectorHandle): Promise<VectorHandle>;
  embedVector(space: SpaceHandle, vector: VectorHandle): Promise<VectorHandle>;
  vectorFromArray(space: SpaceHandle, values: Float32Array | Float64Array): Promise<VectorHandle>;
  vectorToArray(vector: VectorHandle): Promise<Float64Array>;
  randomVector(space: SpaceHandle, law: Law, seed: number, stream: number): Promise<VectorHandle>;
  /** Σ cᵢ vᵢ */
  combineVectors(vectors: readonly VectorHandle[], coefficients: Float64Array): Promise<VectorHandle>;
  /** a ⊙ b */
  multiplyVectors(a: VectorHandle, b: VectorHandle): Promise<VectorHandle>;
  dotVectors(a: VectorHandle, b: VectorHandle): Promise<number>;
  /** Per parameter Σ aᵢ ⊙ b over its entries, for every aᵢ in turn. */
  parameterDots(vectors: readonly VectorHandle[], vector: VectorHandle): Promise<Float64Array>;
  vectorNorm(vector: VectorHandle, order: 1 | 2): Promise<number>;
  /** m₁ / (√m₂ + ε) */
  adamDirection(
    firstMoment: VectorHandle,
    secondMoment: VectorHandle,
    epsilon: number,
  ): Promise<VectorHandle>;
  /** `frozen`: indices of parameters that become zero, as those of the ignored roles do. */
  normalizeVector(
    direction: VectorHandle,
    reference: VectorHandle,
    kind: string,
    order: 1 | 2,
    ignoredRoles: readonly string[],
    frozen: Float64Array,
  ): Promise<{ vector: VectorHandle; numZeroGroups: number }>;

  loadMetric(path: string, model: ModelHandle): Promise<MetricHandle>;
  loadLoss(path: string, model: ModelHandle): Promise<LossHandle>;
  topKMetric(k: number, ignoreIndex: number): MetricHandle;
  makeObjective(
    model: ModelHandle,
    criterion: string,
    labelSmoothing: number,
    ignoreIndex: number,
    delta: number,
    mode: string,
    seed: number,
    metrics: readonly MetricHandle[],
    /** Which item or entry of the model's output; null: its first tensor. */
    output: number | string | null,
    /** With criterion `scripted`; `scriptedSums`: a scalar is the batch's sum, not its mean. */
    scriptedLoss: LossHandle | null,
    scriptedSums: boolean,
  ): ObjectiveHandle;
  /**
   * Points origin + Σᵢ aᵢ·directionsᵢ of an objective, with what it keeps from batch to batch; `buffers` null: the model's
   * own.
   */
  makeSubspace(
    objective: ObjectiveHandle,
    origin: VectorHandle,
    buffers: BuffersHandle | null,
    directions: readonly VectorHandle[],
    bufferDirections: readonly BuffersHandle[],
    precision: 'full' | 'bf16' | 'tf32',
    pointsAtOnce: number,
  ): SubspaceHandle;
  /**
   * For each point loss sum, what to divide it by, right answers (-1: no accuracy), answers, then sum and divisor of
   * each metric. `coefficients` holds numPoints × directions.length numbers; `batch` is one of the objective's.
   */
  evaluatePoints(
    subspace: SubspaceHandle,
    coefficients: Float64Array,
    numPoints: number,
    batch: BatchHandle,
    oneByOne: boolean,
  ): Promise<Float64Array>;
  /** How many points it computes at once, and what the tensors of one took: known of an origin without directions. */
  pointsOf(subspace: SubspaceHandle): { readonly atOnce: number; readonly pointBytes: number };
  /**
   * Of one batch, with how often label i was taken for class j at confusion[i·numClasses + j] and the loss sum of each
   * label; numClasses 0 where targets are no class indices, or classes too many.
   */
  evaluateClasses(
    objective: ObjectiveHandle,
    theta: VectorHandle,
    buffers: BuffersHandle | null,
    batch: BatchHandle,
  ): Promise<{
    readonly evaluation: Float64Array;
    readonly numClasses: number;
    readonly confusion: Float64Array;
    readonly lossSums: Float64Array;
  }>;
  /** What the model returns for the samples of a batch. */
  outputs(
    objective: ObjectiveHandle,
    theta: VectorHandle,
    buffers: BuffersHandle | null,
    batch: BatchHandle,
  ): Promise<{ readonly shape: Float64Array; readonly values: Float64Array }>;
  /** The buffers after a forward pass in train mode that starts from `buffers`. */
  forwardBuffers(
    objective: ObjectiveHandle,
    theta: VectorHandle,
    buffers: BuffersHandle,
    batch: BatchHandle,
  ): Promise<BuffersHandle>;
  /** Of the batch's loss sum; `evaluation` as one point of evaluatePoints. */
  gradient(
    objective: ObjectiveHandle,
    theta: VectorHandle,
    buffers: BuffersHandle | null,
    batch: BatchHandle,
  ): Promise<{ evaluation: Float64Array; vector: VectorHandle }>;
  /** The graph of that gradient over `space`, kept for Hessian-vector products. */
  hessianGraph(
    objective: ObjectiveHandle,
    space: SpaceHandle,
    theta: VectorHandle,
    buffers: BuffersHandle | null,
    batch: BatchHandle,
  ): Promise<CurvatureGraph>;
  /** Jᵀ M J of the output's Jacobian J; `numSamples` and `seed` matter to the Monte-Carlo Fisher alone. */
  gaussNewtonGraph(
    objective: ObjectiveHandle,
    space: SpaceHandle,
    theta: VectorHandle,
    buffers: BuffersHandle | null,
    batch: BatchHandle,
    kind: 'gauss-newton' | 'empirical-fisher' | 'monte-carlo-fisher',
    numSamples: number,
    seed: number,
  ): Promise<CurvatureGraph>;
  /** What such a graph (`kind` hessian, or as above) and products with `numVectors` at once take: nothing of it is kept. */
  curvatureMemory(
    objective: ObjectiveHandle,
    space: SpaceHandle,
    theta: VectorHandle,
    buffers: BuffersHandle | null,
    batch: BatchHandle,
    kind: 'hessian' | 'gauss-newton' | 'empirical-fisher' | 'monte-carlo-fisher',
    numSamples: number,
    seed: number,
    numVectors: number,
    keep: boolean,
    batched: boolean,
  ): Promise<{ readonly graphBytes: number; readonly peakBytes: number }>;
  /**
   * Adds the products of the graphs' matrices (each of its loss sum) with every v, in the order of the graphs, to `sums` in
   * place; without sums they start at zero. `keep` false frees the graphs on the way, `batched` takes all v in one pass,
   * `numWorkers` graphs are multiplied at once, on a thread each (1: one after the other, on all threads).
   */
  curvatureProducts(
    graphs: readonly GraphHandle[],
    vectors: readonly VectorHandle[],
    sums: readonly VectorHandle[],
    keep: boolean,
    batched: boolean,
    numWorkers: number,
  ): Promise<VectorHandle[]>;
  /** Whether the model treats every sample by itself, as far as these few tell. */
  sampleIndependence(
    objective: ObjectiveHandle,
    theta: VectorHandle,
    buffers: BuffersHandle | null,
    batch: BatchHandle,
  ): Promise<SampleIndependence>;
  /** The graph of the model's output over `space`. */
  outputPullback(
    objective: ObjectiveHandle,
    space: SpaceHandle,
    theta: VectorHandle,
    buffers: BuffersHandle | null,
    batch: BatchHandle,
  ): Promise<OutputPullback>;
  /** Per parameter ‖Jᵀ S v‖² of the loss sum (S Sᵀ its curvature in the output) for a random v of ±1. */
  randomPullbackSquares(pullback: PullbackHandle, seed: number, probe: number): Promise<Float64Array>;
  /** The same for the unit vectors of the outputs [from, from + count), summed. */
  unitPullbackSquares(pullback: PullbackHandle, from: number, count: number): Promise<Float64Array>;

  /** `onHost`: in host memory, though the vectors live on a GPU. */
  makeKrylovBasis(space: SpaceHandle, capacity: number, onHost: boolean): Promise<BasisHandle>;
  /** Appends what is left of `vector` unless it is below breakdown · max(‖vector‖, scale). */
  extendBasis(
    basis: BasisHandle,
    vector: VectorHandle,
    breakdown: number,
    scale: number,
  ): Promise<{ overlaps: Float64Array; norm: number; appended: boolean }>;
  /** The vector without its part in the span of the first `count`. */
  projectBasis(basis: BasisHandle, vector: VectorHandle, count: number): Promise<VectorHandle>;
  basisRow(basis: BasisHandle, index: number): Promise<VectorHandle>;
  combineBasis(basis: BasisHandle, coefficients: Float64Array, numColumns: number): Promise<VectorHandle[]>;
  /** The vectors become Σᵢ coefficients[c][i]·rowᵢ, in place. */
  rotateBasis(basis: BasisHandle, coefficients: Float64Array, numColumns: number): Promise<void>;
  /** The samples of a batch at these places, as a batch of their own. */
  batchRows(batch: BatchHandle, rows: Float64Array, index: number): Promise<BatchHandle>;
  /**
   * One of libtorch's optimizers over parameters and buffers of its own. `numbers`: weight decay, momentum, dampening,
   * nesterov, β₁, β₂, ε, amsgrad. Without `steps` and `moments` it has made no step. `frozen`: places of parameters.
   */
  makeTrainer(
    objective: ObjectiveHandle,
    optimizer: 'sgd' | 'adam' | 'adamw',
    numbers: Float64Array,
    theta: VectorHandle,
    buffers: BuffersHandle,
    steps: Float64Array,
    moments: readonly VectorHandle[],
    frozen: Float64Array,
  ): Promise<TrainerHandle>;
  /**
   * One step on the batch's mean loss, with `avoided` on (1 − w)·(mean loss) + w·(mean of −log(1 − p) there), in one
   * forward pass. Gives loss sum, count, right answers, answers, sum and count of −log(1 − p), the value that was
   * minimised, ‖∇‖ before clipping (`maxNorm` 0: none), and 1; or 0 where loss or gradient were not
   * finite, and nothing was changed, or a factor of the update was out of the type's range.
   */
  trainerStep(
    trainer: TrainerHandle,
    batch: BatchHandle,
    avoided: BatchHandle | null,
    index: number,
    learningRate: number,
    maxNorm: number,
    avoidanceWeight: number,
  ): Promise<Float64Array>;
  trainerState(trainer: TrainerHandle): Promise<TrainerState>;
  /** Ascending eigenvalues and unit eigenvectors (row i belongs to value i) of a symmetric m × m matrix. */
  symmetricEigen(matrix: Float64Array, m: number): Promise<{ values: Float64Array; vectors: Float64Array }>;
}
