import { eigenpairsOptions, matrixOptions } from './spectrum-options.js';
import { option, type OptionTable } from './table.js';
import { choice, choices, count, counts, flag, freeze, number, path, range, text } from './value-type.js';

/** Of `lossLine` and `lossSurface`. */
export const sweepOptions = {
  range: option(range, 'of the axes, in units of the directions; default -1,1'),
  points: option(count, 'along an axis; default 25, of lines and recipe li2018 51'),
  gradientNorm: option(flag, 'record the norm of the gradient too (three times the work)'),
  checkCurvature: option(flag, 'compare second differences at the centre with Hessian products'),
  precision: option(
    choice('bf16', 'tf32'),
    'of products in forward passes, faster and less exact: the result says by how much',
  ),
  explosionCap: option(
    number,
    'what counts as exploded; default 100 times the loss of the model, of cross-entropy at least 100',
  ),
  resume: option(path, 'where finished points are kept; default beside the results', { isNegatable: true }),
} satisfies OptionTable;

const surfaceOptions = {
  yRange: option(range, 'of the second axis; default that of the first'),
  yPoints: option(count, 'along the second axis; default as the first'),
} satisfies OptionTable;

/** Of directions, of every kind. */
export const normalizationOptions = {
  normalization: option(
    choice('filter', 'layer', 'model', 'weight', 'none'),
    'what directions are scaled to; default by kind (random: filter; Hessian: model; Adam: none)',
  ),
  order: option(choice(1, 2), 'of the norms; default 2'),
  ignore: option(
    choices('bias', 'norm'),
    'roles of parameters that do not move; default of random bias,norm; none: ""',
  ),
  freeze: option(freeze, "parameters that do not move: names, patterns (layer1.*), or LLA's layer index"),
} satisfies OptionTable;

export const randomOptions = {
  law: option(choice('gaussian', 'uniform', 'rademacher'), 'of random directions; default gaussian'),
  seed: option(count, 'of everything random but dropout; default 0'),
} satisfies OptionTable;

export const lineAxisOptions = {
  axis: option(choice('random', 'gradient', 'hessian', 'file'), 'the direction; default random'),
  vector: option(path, 'axis file: a vector (.npy, .npz, safetensors, checkpoint)'),
} satisfies OptionTable;

export const planeAxisOptions = {
  axes: option(
    choice('random', 'hessian', 'adam', 'gradient', 'file'),
    'the two directions; default random. gradient: with a random one beside it',
  ),
  orthogonal: option(flag, 'make the second direction orthogonal to the first', { isOn: true }),
  which: option(
    choice('largest', 'both-ends', 'largest-magnitude'),
    'axes hessian: eigenvectors of which eigenvalues; default largest',
  ),
  moments: option(path, "axes adam: a checkpoint with the optimizer's state"),
  momentsKey: option(text, "where in that file the optimizer's state is; default found", { as: 'key' }),
  update: option(choice('add', 'adam'), "axes adam: add multiples (default), or Adam's own equation"),
  epsilon: option(number, "of Adam's equation; default 1e-6"),
  vectors: option(text, 'axes file: two files of vectors, with a comma'),
  plane: option(path, 'a plane of --save-plane, instead of new axes'),
  savePlane: option(path, 'write the plane, to be used again (.npz)'),
} satisfies OptionTable;

const { tolerance, maxProducts, blockSize, verify, basisSize, basisPlacement } = eigenpairsOptions;
/** Of the search for Hessian axes. */
export const searchOptions = {
  tolerance,
  maxProducts,
  blockSize,
  verify,
  basisSize,
  basisPlacement,
  memoryBudget: matrixOptions.memoryBudget,
} satisfies OptionTable;

/** Of the published programs; `steps` and `distance` are theirs. */
export const recipeOptions = {
  recipe: option(
    choice('lossatlas', 'li2018', 'lla', 'loss-landscapes'),
    "whose surface: ours (default), or another program's with its peculiarities, on random axes",
  ),
  steps: option(count, 'of recipes lla and loss-landscapes: points along an axis'),
  distance: option(number, 'of recipes lla and loss-landscapes'),
  ignoreBiasAndNorm: option(flag, 'of recipe li2018', { isOn: true }),
  squareRoot: option(flag, 'of recipe lla (b_sqrt)', { isOn: true }),
} satisfies OptionTable;

/** t in the place of coordinates. */
export const interpolateOptions = {
  range: option(range, 't, with the first checkpoint at 0 and the second at 1; default -0.5,1.5'),
  points: option(count, 'default 41, which puts both checkpoints on the line'),
  states: option(flag, 'interpolate the running statistics of BatchNorm too', { isOn: true }),
} satisfies OptionTable;

export const atlasOptions = {
  seeds: option(counts, 'one plane each; default 1,2,3,4'),
} satisfies OptionTable;

export const modesOptions = {
  axes: option(choice('random', 'hessian', 'adam'), 'besides random ones; default hessian'),
  moments: option(path, "axes adam: a checkpoint with the optimizer's state"),
} satisfies OptionTable;

/** Of both axes of a surface. */
export const gridOptions = { ...sweepOptions, ...surfaceOptions } satisfies OptionTable;

/** Of `explosionTable`. */
export const explosionOptions = {
  modes: option(choices('train', 'eval', 'recalibrate'), 'default train,eval'),
  distance: option(number, 'reach of the axes, in units of the directions; default 1, of recipe lla 0.5'),
  points: option(count, 'along an axis; default 11'),
  seed: option(count, 'of the random axes and the search; default 0'),
  recipe: option(choice('lossatlas', 'lla'), "whose surfaces: ours (default), or the paper's"),
  explosionCap: sweepOptions.explosionCap,
  resume: sweepOptions.resume,
} satisfies OptionTable;
