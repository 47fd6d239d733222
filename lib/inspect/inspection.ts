import type { ForwardArgument } from '../native/addon.js';
import type { ProgramInput } from '../model/exported-program/inputs.js';

/** What a file is. */
export type InspectedKind =
  | 'torchscript'
  | 'export-archive'
  | 'state-dict'
  | 'training-checkpoint'
  | 'optimizer-state'
  | 'module-pickle'
  | 'lite-interpreter'
  | 'torchscript-1.0'
  | 'data'
  | 'result'
  | 'not-ours';

export interface InspectedTensor {
  readonly name: string;
  /** Empty of a scalar; −1 stands for a size that is not known. */
  readonly shape: readonly number[];
  readonly dtype: string;
}

/** An input of a model: its type from the signature, shape and dtype as far as the file says. */
export interface InspectedInput
  extends Omit<ForwardArgument, 'optional'>, Partial<Omit<ProgramInput, 'name'>> {
  readonly optional: boolean;
}

/** The state of an optimizer. */
export interface InspectedOptimizer {
  readonly key: string;
  readonly kind: 'adam' | 'sgd-momentum' | 'other';
  readonly numParameters: number;
  readonly step: number | null;
  readonly learningRate: number | null;
  /** The state dict of this file whose parameters it fits by order and shape; null where there is none. */
  readonly fits: string | null;
}

/** A dict of tensors within a checkpoint. */
export interface InspectedCandidate {
  /** For the option `key`; empty at the top level. */
  readonly key: string;
  readonly numTensors: number;
  readonly numElements: number;
}

/** What a file is, what is in it and what to do with it. */
export interface Inspection {
  readonly path: string;
  /** Size of the file; null of a folder. */
  readonly bytes: number | null;
  readonly kind: InspectedKind;
  /** In words, with what matters of this kind: `TorchScript, traced: its graph fixes eval mode`. */
  readonly what: string;
  /** `zip (TorchScript version 11)`, `torch.save before PyTorch 1.6`; empty where the kind says it all. */
  readonly format: string;
  /** Why the file cannot be used, where it is damaged or refused. */
  readonly problem: string | null;
  readonly parameters: readonly InspectedTensor[];
  readonly buffers: readonly InspectedTensor[];
  readonly inputs: readonly InspectedInput[];
  /** The type of the output; null where it is not known. */
  readonly output: string | null;
  readonly optimizer: InspectedOptimizer | null;
  readonly candidates: readonly InspectedCandidate[];
  /** Arrays of data. */
  readonly arrays: readonly InspectedTensor[];
  /** Classes and functions that the file refers to and that are never run. */
  readonly unread: readonly string[];
  /** What else is worth knowing. */
  readonly notes: readonly string[];
  /** What to do, calls and lines of Python. */
  readonly advice: readonly string[];
}

/** What one of the inspectors found; the rest is empty. */
export type Findings = Pick<Inspection, 'kind' | 'what'> & Partial<Omit<Inspection, 'path' | 'bytes'>>;

export function inspectionOf(path: string, bytes: number | null, findings: Findings): Inspection {
  return {
    path,
    bytes,
    format: '',
    problem: null,
    parameters: [],
    buffers: [],
    inputs: [],
    output: null,
    optimizer: null,
    candidates: [],
    arrays: [],
    unread: [],
    notes: [],
    advice: [],
    ...findings,
  };
}

/** A path as an argument of a call. */
export const quoted = (text: string) => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
