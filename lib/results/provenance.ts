export type Mode = 'eval' | 'train' | 'recalibrate';

/** Everything that is needed to repeat a result. */
export interface Provenance {
  readonly model: string;
  /** SHA-256 of the model's file, hexadecimal. */
  readonly modelHash: string;
  readonly data: string;
  /** SHA-256 of inputs and targets as they were used, hexadecimal. */
  readonly dataHash: string;
  readonly numSamples: number;
  readonly numBatches: number;
  readonly numParameters: number;
  /** What was done to the inputs, for example `scale 0.0625`; empty for nothing. */
  readonly preprocessing: string;
  readonly criterion: string;
  readonly options: {
    readonly batchSize: number;
    readonly labelSmoothing: number;
    readonly ignoreIndex: number;
    readonly delta: number;
    /** Of dropout. */
    readonly seed: number;
    /** Which of the model's outputs; empty for the first. */
    readonly output: string;
    readonly metrics: readonly string[];
  };
  /** Where: `model` (its own parameters), `given vector`, or the label of a solution. */
  readonly point: string;
  /** The matrix of a spectral result in words, for example `Hessian of layer4.*`; null for others. */
  readonly operator: string | null;
  /** How its products were divided, `graphs of 64 samples, 2 at a time`, or its points, `2 points at once`; null where neither was. */
  readonly plan: string | null;
  readonly mode: Mode;
  /** What the model computed in; points have at least float32. */
  readonly dtype: 'float32' | 'float64' | 'bfloat16' | 'float16';
  readonly device: string;
  readonly numThreads: number;
  readonly versions: { readonly lossatlas: string; readonly libtorch: string; readonly node: string };
  /** ISO 8601, UTC. */
  readonly startedAt: string;
  readonly durationSeconds: number;
}

/** Whose recipe was followed, and what about it is peculiar. */
export interface Recipe {
  /** `unknown` of another program's file. */
  readonly name: 'lossatlas' | 'li2018' | 'lla' | 'loss-landscapes' | 'pyhessian' | 'unknown';
  readonly notes: readonly string[];
}

/** Another program's file that a result was read from. What it does not say is unknown. */
export interface SourceFile {
  /** Its name, without folders. */
  readonly file: string;
  /** Whose layout it has. */
  readonly layout: 'tomgoldstein/loss-landscape';
  /** Name of the values in the file, for example `train_loss`. */
  readonly values: string;
  /** Points that it marks as not computed; they are NaN here. */
  readonly numMissing: number;
}
