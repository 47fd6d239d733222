/** A program of torch.export as the addon wants it; see native/core/exported_program.h. */
export interface RawProgram {
  /** Bytes of the tensors; several may share one. */
  readonly storages: readonly Uint8Array[];
  readonly tensors: readonly RawTensor[];
  /** Python's class of each module by its path. */
  readonly classes: readonly (readonly [path: string, name: string])[];
  /** Values of the graph, which name the arguments. */
  readonly inputs: readonly string[];
  readonly nodes: readonly RawNode[];
  readonly output: RawArgument;
  /** An operator that lost its dropout when the program was exported in eval mode; else empty. */
  readonly lostDropout: string;
  /** Some parts were exported in train mode and others in eval mode: neither is switched. */
  readonly isMixed: boolean;
  readonly nonPersistent: readonly string[];
}

export interface RawTensor {
  readonly kind: 'parameter' | 'buffer' | 'constant';
  readonly name: string;
  /** In the graph. */
  readonly value: string;
  /** Index into `storages`. */
  readonly storage: number;
  /** c10::ScalarType. */
  readonly type: number;
  readonly sizes: readonly number[];
  /** In elements, as `offset`. */
  readonly strides: readonly number[];
  readonly offset: number;
  readonly requiresGrad: boolean;
}

export interface RawNode {
  /** `aten::conv2d` */
  readonly name: string;
  /** Empty for the default. */
  readonly overload: string;
  /** Arithmetic on numbers. */
  readonly isScalar: boolean;
  readonly inputs: readonly (readonly [name: string, argument: RawArgument])[];
  readonly outputs: readonly RawOutput[];
  /** c10::ScalarType of the first tensor. */
  readonly outputType: number | null;
}

export interface RawOutput {
  readonly kind: 'none' | 'tensor' | 'tensors' | 'int' | 'float' | 'bool';
  readonly names: readonly string[];
}

export type RawArgument =
  | { readonly kind: 'none' | 'device' }
  | { readonly kind: 'value' | 'string'; readonly text: string }
  | { readonly kind: 'int' | 'float' | 'bool' | 'scalarType'; readonly number: number }
  | { readonly kind: 'complex'; readonly number: number; readonly imaginary: number }
  | { readonly kind: 'list' | 'tuple'; readonly items: readonly RawArgument[] }
  | { readonly kind: 'dict'; readonly keys: readonly string[]; readonly items: readonly RawArgument[] };
