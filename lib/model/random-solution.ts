import { LossAtlasError } from '../errors.js';
import type { NdArray } from '../types.js';
import { checkOptions, isOneOf, isSeed, isString, requireInstance } from '../validate.js';
import { bufferStateFrom } from './buffer-state.js';
import { initialLaw, mayHavePadding, type InitialLaw, type InitialScheme } from './initial-law.js';
import { Model, type BufferInfo, type ParameterInfo } from './model.js';
import { matchParameterNames } from './parameter-names.js';
import { Solution } from './solution.js';

export interface RandomSolutionOptions {
  /** Default 0. */
  readonly seed?: number;
  /** Default `pytorch`. */
  readonly scheme?: InitialScheme;
  /**
   * For parameters by name or pattern (`*` stands for any characters): a law of their own, the name of a scheme, or
   * `keep` for the values as loaded. The first pattern that fits counts.
   */
  readonly laws?: Readonly<Record<string, InitialLaw | InitialScheme | 'keep'>>;
  /** For axes, legends and provenance; default scheme, seed and laws. */
  readonly label?: string;
}

type AnyLaw = InitialLaw | 'keep';

// Probes and directions of the same seed count their streams from 0: these must not meet them.
const uniformStream = 2 ** 40;
const gaussianStream = 2 ** 40 + 1;

/**
 * The model before training: freshly drawn parameters, with the running statistics of a new BatchNorm (mean 0,
 * variance 1). The model itself does not change.
 *
 * - `pytorch` (default): each layer of torch.nn as its reset_parameters draws it; for Linear and convolutions
 *   U(±1/√fan_in), weight and bias (torch/nn/modules, PyTorch 2.13; fan_in = size(1) · kernel, transposed or not).
 *   Our reading of the “random uniform weights” of Gabdullin 2024 (arXiv 2412.10146): its program LLA has no law of its
 *   own and takes what the model's constructor drew.
 * - `uniform`: weights of two or more dimensions U(±1/√fan_in) whoever owns them, biases within the same bounds.
 * - `kaiming`: the same weights N(0, 2/fan_in), biases 0 (He et al. 2015, arXiv 1502.01852, section 2.2).
 *
 * Under `uniform` and `kaiming` scales of normalisation layers are 1 and their shifts 0, of the user's own ones too.
 *
 * A file does not tell what a constructor did after its layers were made (ResNets of torchvision draw Kaiming-normal),
 * nor how the user's own modules start: give `laws` for these. Equal to PyTorch in law, not in bits: the numbers are
 * those of this seed on every device. Tied parameters are drawn once, under their first name. Rows of an Embedding
 * that are zero as loaded are taken for padding and stay zero. Parameters without requires_grad stay, and so do the
 * statistics of the layer that they belong to.
 *
 *     using start = await randomSolution(model, { seed: 1, laws: { cls_token: { normal: 0.02 } } });
 *     const before = await spectralDensity(hessian(loss, { at: start }));
 *     const after = await spectralDensity(hessian(loss));
 *
 * Throws ERR_UNKNOWN_LAW, which names all parameters that the scheme has no law for; ERR_INVALID_OPTION for a pattern
 * that fits none.
 */
export async function randomSolution(model: Model, options: RandomSolutionOptions = {}): Promise<Solution> {
  requireInstance('randomSolution: model', model, Model, 'a model from loadModel()');
  checkOptions('randomSolution', options, {
    seed: isSeed,
    scheme: isOneOf('pytorch', 'uniform', 'kaiming'),
    laws: isLaws,
    label: isString,
  });
  const { seed = 0, scheme = 'pytorch', laws = {} } = options;
  const drawn = await draw(model, lawsOf(model, scheme, laws), seed);
  const theta = await model.vector(drawn);
  try {
    const buffers = await bufferStateFrom(model, freshStatistics(model));
    return new Solution(options.label ?? describe(scheme, seed, laws), theta, buffers);
  } catch (error) {
    theta.dispose();
    throw error;
  }
}

function isLaws(value: unknown): string | null {
  const words =
    "an object of parameter names or patterns, each with { uniform }, { normal }, { constant }, 'pytorch', 'uniform', 'kaiming' or 'keep'";
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return words;
  return Object.values(value).every(isLaw) ? null : words;
}

function isLaw(value: unknown): boolean {
  if (typeof value !== 'object' || value === null)
    return isOneOf('pytorch', 'uniform', 'kaiming', 'keep')(value) === null;
  const [[kind, size] = [], ...more] = Object.entries(value);
  if (kind === undefined || more.length > 0 || typeof size !== 'number' || !Number.isFinite(size))
    return false;
  return kind === 'constant' || ((kind === 'uniform' || kind === 'normal') && size >= 0);
}

/** One law a parameter. */
function lawsOf(
  model: Model,
  scheme: InitialScheme,
  laws: NonNullable<RandomSolutionOptions['laws']>,
): AnyLaw[] {
  const chosen = Object.entries(laws).map(
    ([text, law]) => [matchParameterNames(model.parameters, [text], 'laws'), law] as const,
  );
  const shapes = new Map([...model.buffers, ...model.parameters].map(({ name, shape }) => [name, shape]));
  const lawOf = (parameter: ParameterInfo, place: number): AnyLaw | null => {
    const choice = chosen.find(([places]) => places.includes(place))?.[1] ?? scheme;
    if (typeof choice === 'object' || choice === 'keep') return choice;
    return initialLaw(choice, parameter, (name) => shapes.get(name));
  };
  const found = model.parameters.map(lawOf);
  const unknown = model.parameters.filter((_, i) => found[i] === null);
  if (unknown.length > 0) throw unknownLaw(scheme, unknown);
  return found as AnyLaw[];
}

function unknownLaw(scheme: InitialScheme, parameters: readonly ParameterInfo[]): LossAtlasError {
  const list = parameters
    .slice(0, 10)
    .map(({ name, shape, modules }) => `${name} [${shape.join(', ')}] of ${modules.at(-1)!}`);
  const more = parameters.length > list.length ? `, and ${parameters.length - list.length} more` : '';
  return new LossAtlasError(
    'ERR_UNKNOWN_LAW',
    `randomSolution: scheme '${scheme}' has no law for ${list.join(', ')}${more}. Say how they start, for example ` +
      `laws: { '${parameters[0]!.name}': { normal: 0.02 } }, with { uniform }, { normal }, { constant }, a scheme's ` +
      `name or 'keep'${scheme === 'pytorch' ? "; scheme 'uniform' or 'kaiming' goes by shapes" : ''}.`,
  );
}

/** θ in the order of the parameters; a parameter's numbers depend on its own law, its place and the seed alone. */
async function draw(model: Model, laws: readonly AnyLaw[], seed: number): Promise<Float64Array> {
  const has = (key: string) => laws.some((law) => typeof law === 'object' && key in law);
  const padded = model.parameters.some(mayHavePadding);
  const loaded = laws.includes('keep') || padded ? await values(model, 'loaded') : null;
  const uniform = has('uniform') ? await values(model, 'uniform', seed) : null;
  const normal = has('normal') ? await values(model, 'gaussian', seed) : null;
  const out = new Float64Array(model.size);
  for (const [i, parameter] of model.parameters.entries()) {
    const law = laws[i]!;
    const [from, to] = [parameter.offset, parameter.offset + parameter.numel];
    if (law === 'keep') {
      out.set(loaded!.subarray(from, to), from);
      continue;
    }
    if ('constant' in law) out.fill(law.constant, from, to);
    else if ('uniform' in law) for (let k = from; k < to; k++) out[k] = law.uniform * uniform![k]!;
    else for (let k = from; k < to; k++) out[k] = law.normal * normal![k]!;
    if (mayHavePadding(parameter)) clearPadding(out, loaded!, parameter);
  }
  return out;
}

async function values(
  model: Model,
  what: 'loaded' | 'uniform' | 'gaussian',
  seed = 0,
): Promise<Float64Array> {
  const stream = what === 'uniform' ? uniformStream : gaussianStream;
  using vector = await (what === 'loaded' ? model.theta() : model.randomVector(what, seed, stream));
  return await vector.toArray();
}

function clearPadding(
  out: Float64Array,
  loaded: Float64Array,
  { offset, numel, shape }: ParameterInfo,
): void {
  const width = shape[1]!;
  for (let row = offset; row < offset + numel; row += width) {
    if (loaded.subarray(row, row + width).every((value) => value === 0)) out.fill(0, row, row + width);
  }
}

/** What reset_running_stats does, for layers whose own parameters are not frozen. */
function freshStatistics(model: Model): ReadonlyMap<string, NdArray> {
  const names = new Set(model.buffers.map(({ name }) => name));
  const fresh = new Map<string, NdArray>();
  for (const buffer of model.buffers) {
    const start = startOf(buffer);
    if (start === null) continue;
    const layer = buffer.name.slice(0, buffer.name.lastIndexOf('.') + 1);
    if (names.has(`${layer}weight`)) continue;
    const size = buffer.shape.reduce((product, n) => product * n, 1);
    fresh.set(buffer.name, { data: new Float64Array(size).fill(start), shape: buffer.shape });
  }
  return fresh;
}

const starts: Readonly<Record<string, number>> = { running_mean: 0, running_var: 1, num_batches_tracked: 0 };

function startOf({ name, modules }: BufferInfo): number | null {
  if (!/^torch\.nn\.modules\.(batchnorm|instancenorm)\./.test(modules.at(-1)!)) return null;
  return starts[name.slice(name.lastIndexOf('.') + 1)] ?? null;
}

function describe(
  scheme: InitialScheme,
  seed: number,
  laws: NonNullable<RandomSolutionOptions['laws']>,
): string {
  const own = Object.entries(laws).map(([name, law]) => {
    const words = typeof law === 'string' ? law : Object.entries(law).flat().join(' ');
    return `${name}: ${words}`;
  });
  return `initialised (${[scheme, `seed ${seed}`, ...own].join(', ')})`;
}
