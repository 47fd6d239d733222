/**
 * Every error that leaves the library is a `LossAtlasError` with a stable `code`. A numerical outcome
 * (not converged, NaN cells) is never an error: it is a field of the result.
 */
export type ErrorCode =
  /** An option, argument or key that is not what the function documents. */
  | 'ERR_INVALID_OPTION'
  /** A file that does not exist or cannot be read. */
  | 'ERR_FILE_NOT_FOUND'
  | 'ERR_FILE_UNREADABLE'
  /** A file that could not be written (full disk, missing rights). */
  | 'ERR_FILE_NOT_WRITABLE'
  /** A file that is no TorchScript archive; the message says what it is and what to do. */
  | 'ERR_NOT_TORCHSCRIPT'
  /** A TorchScript archive that libtorch refuses to load. */
  | 'ERR_MODEL_LOAD'
  /** A checkpoint that is damaged, of an unknown format, or holds what is never read (pickled classes, functions). */
  | 'ERR_CHECKPOINT'
  /** Tensors of a checkpoint that do not fit the model by name or shape. */
  | 'ERR_CHECKPOINT_MISMATCH'
  /** No parameter can be differentiated: a frozen module, or all `requires_grad` are false. */
  | 'ERR_NO_PARAMETERS'
  /** Parameters of the user's own modules, of which nobody can know how they are initialised; the message names them. */
  | 'ERR_UNKNOWN_LAW'
  /** The mode asked for contradicts the mode a traced module was recorded in. */
  | 'ERR_MODE_BAKED_IN'
  /** The forward pass failed on this input (shape, dtype, number of inputs). */
  | 'ERR_FORWARD'
  /** Output and target do not fit the criterion. */
  | 'ERR_CRITERION'
  /** An operator of the model has no second derivative. */
  | 'ERR_NO_DOUBLE_BACKWARD'
  /** The gradient-only trace of a Hessian whose diagonal is not proven to be the Gauss–Newton matrix's; the message says why. */
  | 'ERR_NOT_AFFINE'
  /** Data with the wrong shape, type, range or a non-finite value. */
  | 'ERR_INVALID_DATA'
  | 'ERR_EMPTY_DATA'
  | 'ERR_LABEL_RANGE'
  /** A direction that is zero after normalisation, or vectors of different models. */
  | 'ERR_DIRECTION'
  | 'ERR_LAYOUT_MISMATCH'
  | 'ERR_DEVICE'
  | 'ERR_OUT_OF_MEMORY'
  /** A handle was used after `dispose()`. */
  | 'ERR_DISPOSED'
  /** An argument of the raw addon has the wrong type. */
  | 'ERR_INVALID_ARGUMENT'
  | 'ERR_ABORTED'
  /** Results that were made at different settings and are not to be compared; the message names the differences. */
  | 'ERR_SETTINGS'
  /** A file to resume from that belongs to other settings, or is none; the message shows the difference. */
  | 'ERR_RESUME'
  /** The native addon or libtorch cannot be loaded; the message says which command to run. */
  | 'ERR_ADDON'
  /** An optional package that is needed and not installed; the message says which command to run. */
  | 'ERR_MISSING_PACKAGE'
  /** The environment is shutting down. */
  | 'ERR_SHUTDOWN'
  /** libtorch reported a failure that has no code of its own. */
  | 'ERR_LIBTORCH'
  | 'ERR_INTERNAL';

export class LossAtlasError extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'LossAtlasError';
    this.code = code;
  }
}

/** Thrown when an AbortSignal stops an analysis. `cause` is the signal's reason. */
export class AbortError extends LossAtlasError {
  /** What a sweep had computed, NaN elsewhere; undefined for other analyses. */
  partial: PartialSweep | undefined;

  constructor(reason: unknown) {
    super('ERR_ABORTED', 'The analysis was aborted.', { cause: reason });
    this.name = 'AbortError';
  }
}

/** The first `numDone` points of a sweep, in its order. */
export interface PartialSweep {
  readonly numDone: number;
  readonly loss: Float64Array;
  readonly accuracy: Float64Array | null;
}
