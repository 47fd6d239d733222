/** What long analyses share. */

export interface Progress {
  /** What is being done, for example `loss surface`. */
  readonly label: string;
  readonly done: number;
  readonly total: number;
  /** Whether `total` is a limit that an analysis ends before when it has converged. */
  readonly isLimit: boolean;
  readonly elapsedSeconds: number;
  /** To the total, from the rate so far; null before the first step. */
  readonly remainingSeconds: number | null;
}

export interface AnalysisOptions {
  /** Stops the analysis between two native steps; it then rejects with an AbortError. */
  readonly signal?: AbortSignal | undefined;
  /** Called after every native step. */
  readonly onProgress?: ((progress: Progress) => void) | undefined;
}

/** Of vectors: parameters in half precision have float32 ones. */
export type DType = 'float32' | 'float64';
/** What a model can be converted to when it is loaded. */
export type LoadType = DType | 'bfloat16';
/** What the parameters of a model can be. */
export type StorageType = LoadType | 'float16';

export type Law = 'gaussian' | 'uniform' | 'rademacher';

export type TypedArray =
  | Float32Array
  | Float64Array
  | Int8Array
  | Uint8Array
  | Uint8ClampedArray
  | Int16Array
  | Int32Array
  | BigInt64Array;

/** A dense array in row-major order. */
export interface NdArray {
  readonly data: TypedArray;
  readonly shape: readonly number[];
}
