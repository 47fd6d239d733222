import { objectiveOptions } from './setting-options.js';
import { option, type OptionTable } from './table.js';
import { choice, choices, count, flag, names, number, path, plan } from './value-type.js';

/** Which matrix, and how its products are made: of `hessian`, `gaussNewton` and the Fisher matrices. */
export const matrixOptions = {
  matrix: option(
    choice('hessian', 'gauss-newton', 'empirical-fisher', 'fisher'),
    'default hessian; fisher: with targets drawn from the model',
  ),
  block: option(names, 'only these parameters: names or patterns (layer4.*)', { as: 'parameters' }),
  weightDecay: option(number, 'λ of the term λ/2·‖θ‖²'),
  memoryBudget: option(number, 'bytes that graphs, and the basis, may take each'),
  batched: option(flag, 'several vectors in one pass'),
  plan: option(plan, 'samples of a graph @ graphs at once; trial: the fastest of a few'),
  fisherSamples: option(count, 'of matrix fisher: targets drawn a sample; default 1', { as: 'samples' }),
} satisfies OptionTable;

/** Of `eigenpairs`. */
export const eigenpairsOptions = {
  k: option(count, 'eigenpairs, as many as there are parameters at most; default 2', { short: 'k' }),
  which: option(
    choice('largest-magnitude', 'largest', 'smallest', 'both-ends'),
    'eigenvalues; default largest-magnitude',
  ),
  tolerance: option(number, 'residual relative to the largest; default 1e-4 (float32), 1e-8'),
  maxProducts: option(count, 'products of the search at most, k at least; default 300, or 4k'),
  blockSize: option(count, 'vectors that are multiplied at once; default 1'),
  verify: option(flag, 'measure every residual by one more product; default near rounding'),
  basisSize: option(count, 'vectors that the Krylov basis may hold'),
  basisPlacement: option(choice('device', 'host'), 'of a basis on a GPU; default device'),
} satisfies OptionTable;

/** Of `trace` and `frobeniusNorm`. */
export const traceOptions = {
  method: option(
    choice('hutchinson', 'hutch++', 'xtrace', 'deflated', 'gradient'),
    'of the trace; default hutchinson',
  ),
  relativeError: option(number, 'stop when the standard error is this share; default 0.05 (diagonal: none)'),
  minProbes: option(count, 'default 10 (xtrace 8, hutch++ and deflated 4); not of the diagonal'),
  maxProbes: option(count, 'default 100'),
  sketchSize: option(count, 'of hutch++; default 10'),
  lanczosSteps: option(count, 'of deflated; default 20'),
  exact: option(flag, 'of gradient: the exact trace'),
} satisfies OptionTable;

export const hessianOptions = {
  what: option(
    choices('eigenpairs', 'trace', 'norm', 'diagonal', 'check'),
    'what is computed; default eigenpairs,trace. check: is the matrix symmetric, are its products repeatable',
  ),
  recipe: option(choice('lossatlas', 'lla', 'pyhessian'), 'whose eigenpairs and trace; default ours'),
  maxIterations: option(count, 'of other recipes: products for each eigenpair; default 100'),
  seed: option(count, 'of start vectors, probes, and targets of matrix fisher; default 0'),
  vectors: option(flag, 'write eigenvectors and diagonal too (.npz)'),
  resume: option(path, 'where products are kept; default beside the results', { isNegatable: true }),
  resumeBytes: option(number, 'that kept products may take; default 4e9, later ones are not kept', {
    as: 'maxBytes',
  }),
} satisfies OptionTable;

/** Of `spectralDensity`. */
export const spectrumOptions = {
  steps: option(count, 'Lanczos steps of a probe; default 100'),
  probes: option(count, 'random vectors; default 10'),
  probesPerPass: option(count, 'that run side by side'),
  seed: option(count, 'of the probes, and targets of matrix fisher; default 0'),
  firstProbe: option(count, "number of the first probe in the seed's sequence"),
  basisPlacement: option(choice('device', 'host'), 'of a basis on a GPU; default device'),
  confidence: option(number, 'of the intervals; default 0.95'),
  tailThreshold: option(number, 'the tail is |λ| ≥ τ·max|λ|; default 0.01'),
  resume: option(path, 'where finished probes are kept; default beside the results', { isNegatable: true }),
} satisfies OptionTable;

export const spectrumCommandOptions = {
  recipe: option(choice('lossatlas', 'lla', 'pyhessian'), 'whose density; default ours'),
  window: option(count, 'of recipe lla (max_v); default 10'),
  eigenpairs: option(count, 'compute so many eigenpairs of both ends too, as marks in the figure'),
} satisfies OptionTable;

/** Of `compareCriteria`. */
export const compareOptions = {
  modes: option(choices('eval', 'train', 'recalibrate'), 'default eval'),
  batches: option(count, 'random batches whose criteria are averaged; default 4'),
  batchSize: option(count, 'samples of each; default 256'),
  evaluationBatchSize: option(count, 'samples at a time for loss and accuracy; default 1000'),
  steps: option(count, 'Lanczos steps; default 100'),
  probes: option(count, 'a batch; default 10'),
  seed: option(count, 'of batches, probes and dropout; default 0'),
  confidence: option(number, 'of the intervals; default 0.95'),
  tailThreshold: option(number, 'the tail is |λ| ≥ τ·max|λ|; default 0.01'),
  memoryBudget: option(number, 'bytes that graphs, and the basis, may take each'),
  resume: option(path, 'where finished rows are kept; default beside the results', { isNegatable: true }),
} satisfies OptionTable;

const { loss, output, dataPlacement, labelSmoothing, ignoreIndex, delta } = objectiveOptions;
/** Of objectives, those that `compareCriteria` takes. */
export const compareLossOptions = {
  loss,
  output,
  dataPlacement,
  labelSmoothing,
  ignoreIndex,
  delta,
} satisfies OptionTable;

const { k, which, tolerance, verify } = eigenpairsOptions;
const { steps, probes, probesPerPass, basisPlacement, confidence, tailThreshold } = spectrumOptions;
const { seed, vectors, resume } = hessianOptions;
/** Of `analyseHessian`. */
export const analyseOptions = {
  steps,
  probes,
  probesPerPass,
  k,
  which,
  tolerance,
  maxProducts: option(count, 'of the search for eigenpairs, beyond the first probe; default 300, or 4k'),
  verify,
  relativeError: option(
    number,
    'of the trace: more probes until the standard error is this share; default none',
  ),
  maxTraceProbes: option(count, 'with a relative error; default 100'),
  exactTrace: option(flag, 'the exact trace, of networks that are affine in each parameter, by gradients'),
  seed,
  basisPlacement,
  confidence,
  tailThreshold,
} satisfies OptionTable;

export const analyseCommandOptions = { vectors, resume } satisfies OptionTable;
