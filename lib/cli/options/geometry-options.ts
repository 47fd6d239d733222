import { dataType } from '../data-spec.js';
import { normalizationOptions, searchOptions } from './landscape-options.js';
import { objectiveOptions } from './setting-options.js';
import { option, type OptionTable } from './table.js';
import { optimizerOptions, scheduleOptions } from './training-options.js';
import { choice, choices, count, flag, names, number, numbers, path, range } from './value-type.js';

/** Of `basinVolume`. */
export const basinOptions = {
  quantity: option(choice('loss', 'accuracy'), 'what leaves the basin; default loss'),
  cutoff: option(number, 'loss above it, or accuracy below it; default a loss of 0.1'),
  rays: option(count, 'random directions; default 100'),
  ...normalizationOptions,
  normalization: option(
    choice('filter', 'layer', 'model', 'weight', 'none'),
    'what rays are scaled to; default none, radii are Euclidean',
  ),
  precision: option(number, 'of the radii; default 0.01'),
  maxRadius: option(number, 'how far rays go; default 10 times the norm of the parameters, or 10 if scaled'),
  seed: option(count, 'of the rays; default 0'),
  firstRay: option(count, "number of the first ray in the seed's sequence"),
  raysPerPass: option(count, 'that run side by side; default 8'),
  confidence: option(number, 'of the intervals; default 0.95'),
  resume: option(path, 'where finished rays are kept; default beside the results', { isNegatable: true }),
} satisfies OptionTable;

/** Of `sharpness`. */
export const sharpnessOptions = {
  epsilons: option(numbers, "of Keskar's boxes; default 1e-3,5e-4"),
  subspaceSize: option(count, "of Keskar's random subspace; default 100, 0: none"),
  iterations: option(count, 'of each maximisation; default 10'),
  rho: option(number, 'of SAM and the average; default 0.05'),
  adaptiveRho: option(number, 'of ASAM and its average; default 2'),
  samples: option(count, 'of each average; default 20'),
  thresholds: option(numbers, 'count the eigenvalues above and below; takes a spectral density'),
  confidence: option(number, 'of the intervals; default 0.95'),
  seed: option(count, 'of everything random; default 0'),
} satisfies OptionTable;

export const sharpnessCommandOptions = {
  steps: option(count, 'with thresholds: Lanczos steps of a probe; default 100'),
  probes: option(count, 'with thresholds: random vectors; default 10'),
  eigenpairs: option(count, 'with thresholds: so many eigenvalues of both ends, for exact counts; default 0'),
} satisfies OptionTable;

/** Of `connectModes`. */
export const connectOptions = {
  path: option(
    choices('linear', 'bezier', 'chain'),
    'besides the straight line: bezier (default), chain, both with a comma, or linear: none',
  ),
  bends: option(count, 'control points between the minima; default 1'),
  steps: option(count, 'of the training of each curve; default 1000'),
  stepBatchSize: option(count, 'samples a step; default 128', { as: 'batchSize' }),
  points: option(count, 'along each path; default 61'),
  surface: option(count, 'points along each axis of a surface on the plane of each curve; default none'),
  seed: option(count, 'of t, of the order of samples and of dropout; default 0'),
  resume: option(path, 'where curves and finished points are kept; default beside the results', {
    isNegatable: true,
  }),
} satisfies OptionTable;

/** The minima, and what else is evaluated along the paths. */
export const connectedOptions = {
  from: option(path, 'checkpoint at t = 0; default the weights in the model'),
  to: option(path, 'checkpoint at t = 1; default the weights in the model'),
  test: option(dataType, 'further data set along the paths, may come several times', { short: 't' }),
} satisfies OptionTable;

const { optimizer: _name, ...optimizerNumbers } = optimizerOptions;
const { scheduleEpochs: _epochs, ...schedules } = scheduleOptions;
/** Of the learning rate of a curve. */
export const connectScheduleOptions = {
  ...schedules,
  schedule: option(choice('constant', 'step', 'cosine'), 'of the learning rate; default cosine'),
  stepSize: option(count, 'of step: steps from one drop to the next'),
  scheduleSteps: option(count, 'of cosine: steps to the end; default --steps', { as: 'epochs' }),
} satisfies OptionTable;

/** Of the training of a curve; its steps stand where `train` has epochs. */
export const connectTrainingOptions = {
  optimizer: option(choice('sgd', 'adam'), 'default sgd, with learning rate 0.03 and momentum 0.9'),
  ...optimizerNumbers,
  lr: option(number, 'learning rate; default 0.03, of adam 0.001'),
  weightDecay: option(number, 'of the point on the curve; default 0'),
  momentum: option(number, 'of sgd; default 0.9'),
  betas: option(numbers, 'of adam; default 0.9,0.999'),
  eps: option(number, 'of adam; default 1e-8'),
  amsgrad: option(flag, 'of adam'),
  ...connectScheduleOptions,
} satisfies OptionTable;

const { metrics: _metrics, ...lossOptions } = objectiveOptions;
/** Of the objective, with another default. */
export const connectObjectiveOptions = {
  ...lossOptions,
  mode: option(
    choice('eval', 'train', 'recalibrate'),
    'of the values; default recalibrate with BatchNorm, else eval',
  ),
} satisfies OptionTable;

const { output, batchSize, dataPlacement, ignoreIndex } = objectiveOptions;
/** Of the objective, as far as a classifier's answers depend on it. */
export const regionsObjectiveOptions = {
  loss: option(choice('cross-entropy', 'nll', 'bce-with-logits'), 'default cross-entropy'),
  mode: option(choice('eval', 'recalibrate'), 'of BatchNorm; default eval'),
  output,
  batchSize,
  dataPlacement,
  ignoreIndex,
} satisfies OptionTable;

const { blockSize: _, ...search } = searchOptions;
/** Of `convexityMap`. */
export const convexityOptions = {
  range: option(range, 'of the axes, in units of the directions; default -1,1'),
  yRange: option(range, 'of the second axis; default that of the first'),
  points: option(count, 'along an axis; default 11. Each takes tens of products'),
  yPoints: option(count, 'along the second axis; default as the first'),
  ...search,
  tolerance: option(number, 'residual relative to the largest; default 1e-3'),
  compareCold: option(count, 'start from random vectors at so many points too, to see what is saved'),
  resume: option(path, 'where finished points are kept; default beside the results', { isNegatable: true }),
} satisfies OptionTable;

/** Of `decisionRegions`. */
export const regionsOptions = {
  range: option(range, 'of the first input; default around the samples'),
  yRange: option(range, 'of the second input; default around the samples'),
  points: option(count, 'along an input; default 201'),
  yPoints: option(count, 'along the second input; default as the first'),
  maxSamples: option(count, 'that are drawn at most; default 2000'),
  labels: option(names, 'of the two inputs; default input 1,input 2'),
} satisfies OptionTable;

/** Of `weightHistogram`. */
export const histogramOptions = {
  bins: option(count, 'default 100'),
  range: option(range, 'of the bins; default what holds 99.9 % of the weights'),
  only: option(
    names,
    'parameters to count, names or patterns; default weights without biases and norm layers',
    {
      as: 'parameters',
    },
  ),
} satisfies OptionTable;
