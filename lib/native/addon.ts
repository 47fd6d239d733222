import type { DType, Law, NdArray } from '../types.js';

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
export type GraphHandle = Handle<'graph'>;
export type BasisHandle = Handle<'basis'>;
export type AnyHandle =
  ModelHandle | VectorHandle | BatchHandle | ObjectiveHandle | GraphHandle | BasisHandle;

export interface ParameterInfo {
  readonly name: string;
  readonly shape: readonly number[];
  readonly offset: number;
  readonly numel: number;
  readonly role: 'weight' | 'bias' | 'norm';
}

export interface BufferInfo {
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: string;
}

export interface ModelDescription {
  readonly size: number;
  readonly dtype: DType;
  readonly device: string;
  readonly fixedMode: 'eval' | 'train' | 'mixed' | null;
  readonly parameters: readonly ParameterInfo[];
  readonly buffers: readonly BufferInfo[];
}

export interface Addon {
  info(): { libtorch: string; numCudaDevices: number };
  liveHandles(): number;
  dispose(handle: AnyHandle): void;
  /** Sets the number of threads of this environment's computations; 0 only asks. */
  numThreads(count: number): Promise<number>;

  loadModel(path: string, device: string, dtype: DType | null, includeFrozen: boolean): Promise<ModelHandle>;
  describeModel(model: ModelHandle): ModelDescription;
  modelParameters(model: ModelHandle): Promise<VectorHandle>;
  modelBuffer(model: ModelHandle, index: number): Promise<Float64Array>;
  makeBatch(
    model: ModelHandle,
    inputs: readonly NdArray[],
    targets: readonly NdArray[],
  ): Promise<BatchHandle>;

  vectorFromArray(model: ModelHandle, values: Float32Array | Float64Array): Promise<VectorHandle>;
  vectorToArray(vector: VectorHandle): Promise<Float64Array>;
  randomVector(model: ModelHandle, law: Law, seed: number, stream: number): Promise<VectorHandle>;
  /** Σ cᵢ vᵢ */
  combineVectors(vectors: readonly VectorHandle[], coefficients: Float64Array): Promise<VectorHandle>;
  /** a ⊙ b */
  multiplyVectors(a: VectorHandle, b: VectorHandle): Promise<VectorHandle>;
  dotVectors(a: VectorHandle, b: VectorHandle): Promise<number>;
  vectorNorm(vector: VectorHandle, order: 1 | 2): Promise<number>;
  normalizeVector(
    direction: VectorHandle,
    reference: VectorHandle,
    kind: string,
    order: 1 | 2,
    ignoredRoles: readonly string[],
  ): Promise<{ vector: VectorHandle; numZeroGroups: number }>;

  makeObjective(
    model: ModelHandle,
    criterion: string,
    labelSmoothing: number,
    ignoreIndex: number,
    delta: number,
    mode: string,
    seed: number,
  ): ObjectiveHandle;
  /**
   * Four numbers a point: loss sum, what to divide it by, right answers (-1: no accuracy), answers.
   * `coefficients` holds numPoints × directions.length numbers.
   */
  evaluatePoints(
    objective: ObjectiveHandle,
    origin: VectorHandle,
    directions: readonly VectorHandle[],
    coefficients: Float64Array,
    numPoints: number,
    batch: BatchHandle,
  ): Promise<Float64Array>;
  /** Of the batch's loss sum; `evaluation` as one point of evaluatePoints. */
  gradient(
    objective: ObjectiveHandle,
    theta: VectorHandle,
    batch: BatchHandle,
  ): Promise<{ evaluation: Float64Array; vector: VectorHandle }>;
  /** The graph of that gradient, kept for Hessian-vector products. */
  gradientGraph(
    objective: ObjectiveHandle,
    theta: VectorHandle,
    batch: BatchHandle,
  ): Promise<{ graph: GraphHandle; evaluation: Float64Array; graphBytes: number }>;
  /** H·v of the loss sum for every v; `keep` false frees the graph on the way, `batched` takes all v in one pass. */
  hessianProducts(
    graph: GraphHandle,
    vectors: readonly VectorHandle[],
    keep: boolean,
    batched: boolean,
  ): Promise<VectorHandle[]>;

  makeKrylovBasis(model: ModelHandle, capacity: number): Promise<BasisHandle>;
  /** Appends what is left of `vector` unless it is below breakdown · max(‖vector‖, scale). */
  extendBasis(
    basis: BasisHandle,
    vector: VectorHandle,
    breakdown: number,
    scale: number,
  ): Promise<{ overlaps: Float64Array; norm: number; appended: boolean }>;
  basisRow(basis: BasisHandle, index: number): Promise<VectorHandle>;
  combineBasis(basis: BasisHandle, coefficients: Float64Array, numColumns: number): Promise<VectorHandle[]>;
  /** Ascending eigenvalues and unit eigenvectors (row i belongs to value i) of a symmetric m × m matrix. */
  symmetricEigen(matrix: Float64Array, m: number): Promise<{ values: Float64Array; vectors: Float64Array }>;
}
