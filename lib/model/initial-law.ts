import type { ParameterInfo } from './model.js';

/** U(−uniform, uniform), N(0, normal²), or one number. */
export type InitialLaw =
  { readonly uniform: number } | { readonly normal: number } | { readonly constant: number };

/** `pytorch` goes by the class of a layer, `uniform` and `kaiming` by shapes. */
export type InitialScheme = 'pytorch' | 'uniform' | 'kaiming';

type Shape = readonly number[];
/** The shape of a parameter or buffer by its name. */
type ShapeOf = (name: string) => Shape | undefined;

const zero: InitialLaw = { constant: 0 };
const one: InitialLaw = { constant: 1 };

/** The law of one parameter, or null where the scheme has none for it. */
export function initialLaw(
  scheme: InitialScheme,
  parameter: ParameterInfo,
  shapeOf: ShapeOf,
): InitialLaw | null {
  const known = pytorchLaw(parameter, shapeOf);
  if (scheme === 'pytorch' || (known !== null && 'constant' in known && parameter.role !== 'bias'))
    return known;
  return lawByShape(scheme, parameter, shapeOf) ?? known;
}

/** Whether a row of zeros is what an index for padding looks up. */
export function mayHavePadding(parameter: ParameterInfo): boolean {
  return /^torch\.nn\.modules\.sparse\.Embedding(Bag)?$/.test(parameter.modules.at(-1)!);
}

/**
 * For any owner: weights of two or more dimensions U(±1/√fan) or N(0, 2/fan) (He et al. 2015, eq. 10), biases
 * U(±1/√fan of their weight) or 0, norms 1 and 0.
 */
function lawByShape(
  scheme: 'uniform' | 'kaiming',
  { name, shape, role }: ParameterInfo,
  shapeOf: ShapeOf,
): InitialLaw | null {
  const leaf = leafOf(name);
  if (role === 'norm') return leaf.includes('bias') ? zero : one;
  if (role === 'bias' && scheme === 'kaiming') return zero;
  if (role === 'bias') return fanLaw(shapeOf(siblingWeight(name))) ?? fanLaw(shape);
  if (shape.length < 2) return null;
  return scheme === 'kaiming' ? { normal: Math.sqrt(2 * inverse(fanIn(shape))) } : fanLaw(shape);
}

/** What reset_parameters of torch.nn's layers does (torch/nn/modules, PyTorch 2.13). */
function pytorchLaw({ name, shape, modules }: ParameterInfo, shapeOf: ShapeOf): InitialLaw | null {
  const [parent, owner] = [layerName(modules.at(-2)), layerName(modules.at(-1))];
  const leaf = leafOf(name);
  if (owner === null) return null;
  // Its own reset draws all matrices within it anew.
  if (shape.length > 1 && modules.some((module) => layerName(module) === 'Transformer'))
    return xavierUniform(shape);
  if (/^((Batch|SyncBatch|Instance|Layer|Group)Norm([123]d)?|RMSNorm)$/.test(owner))
    return leaf === 'weight' ? one : leaf === 'bias' ? zero : null;
  if (/^(RNN|LSTM|GRU)(Cell)?$/.test(owner)) return recurrentLaw(owner, leaf, shape);
  if (owner === 'MultiheadAttention') return attentionLaw(leaf, shape);
  if (leaf !== 'weight' && leaf !== 'bias') return null;
  const weight = leaf === 'weight' ? shape : shapeOf(siblingWeight(name));
  // kaiming_uniform_ with a = √5 is U(±√(6 / ((1 + a²) fan))) = U(±1/√fan).
  if (/^(Linear|NonDynamicallyQuantizableLinear|_LinearWithBias|Conv(Transpose)?[123]d)$/.test(owner))
    return leaf === 'bias' && parent === 'MultiheadAttention' ? zero : fanLaw(weight);
  if (owner === 'Bilinear') return weight ? { uniform: Math.sqrt(inverse(weight[1]!)) } : null;
  if (/^Embedding(Bag)?$/.test(owner)) return { normal: 1 };
  return owner === 'PReLU' ? { constant: 0.25 } : null;
}

/** U(±1/√hidden). */
function recurrentLaw(owner: string, leaf: string, shape: Shape): InitialLaw | null {
  if (!/^(weight|bias)_(ih|hh|hr)/.test(leaf)) return null;
  const gates = owner.startsWith('LSTM') ? 4 : owner.startsWith('GRU') ? 3 : 1;
  const hidden = leaf.startsWith('weight_hr') ? shape[1]! : shape[0]! / gates;
  return { uniform: Math.sqrt(inverse(hidden)) };
}

function attentionLaw(leaf: string, shape: Shape): InitialLaw | null {
  if (leaf === 'in_proj_bias') return zero;
  if (leaf === 'bias_k' || leaf === 'bias_v') return { normal: Math.sqrt(2 * inverse(fanSum(shape))) };
  return /^(in|q|k|v)_proj_weight$/.test(leaf) ? xavierUniform(shape) : null;
}

/** U(±√(6 / (fan_in + fan_out))) (Glorot and Bengio 2010, eq. 16). */
function xavierUniform(shape: Shape): InitialLaw {
  return { uniform: Math.sqrt(6 * inverse(fanSum(shape))) };
}

function fanLaw(weight: Shape | undefined): InitialLaw | null {
  if (weight === undefined || weight.length < 2) return null;
  return { uniform: Math.sqrt(inverse(fanIn(weight))) };
}

/** As PyTorch counts it, for transposed convolutions too: size(1) times the kernel's volume. */
function fanIn(shape: Shape): number {
  return shape.slice(1).reduce((product, size) => product * size, 1);
}

function fanSum(shape: Shape): number {
  const volume = shape.slice(2).reduce((product, size) => product * size, 1);
  return (shape[0]! + shape[1]!) * volume;
}

/** 0 for the fan of an empty layer. */
function inverse(fan: number): number {
  return fan > 0 ? 1 / fan : 0;
}

/** `Conv2d` of `torch.nn.modules.conv.Conv2d`; null for classes that are not PyTorch's layers. */
function layerName(module: string | undefined): string | null {
  return module?.startsWith('torch.nn.modules.') === true ? leafOf(module) : null;
}

function leafOf(name: string): string {
  return name.slice(name.lastIndexOf('.') + 1);
}

/** `conv.weight` of `conv.bias`, `rnn.weight_ih_l0` of `rnn.bias_ih_l0`. */
function siblingWeight(name: string): string {
  const leaf = leafOf(name);
  return name.slice(0, name.length - leaf.length) + leaf.replace('bias', 'weight');
}
