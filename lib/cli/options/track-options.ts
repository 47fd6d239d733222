import { objectiveOptions } from './setting-options.js';
import { option, type OptionTable } from './table.js';
import { choice, count, counts, flag, number, path, snapshots } from './value-type.js';

/** Of `trackCheckpoints`. */
export const trackOptions = {
  curvature: option(
    choice('all', 'first', 'none'),
    'whose Hessian: of every data set (default), of the first, or none',
  ),
  curvatureSamples: option(count, 'of each data set, drawn by the seed, for its Hessian; default 1024'),
  spectrum: option(flag, 'density, criteria and trace besides λ max and λ min', { isOn: true }),
  steps: option(count, 'Lanczos steps of a probe; default 100'),
  probes: option(count, 'random vectors; default 10'),
  probesPerPass: option(count, 'that run side by side'),
  tolerance: option(number, 'of eigenvalues: residual relative to the largest; default 1e-4 (float32), 1e-8'),
  maxProducts: option(count, 'of the search for eigenvalues, beyond the first probe; default 300'),
  relativeError: option(
    number,
    'of the trace: more probes until the standard error is this share; default none',
  ),
  compareCold: option(flag, 'with --no-spectrum: search from random vectors too, to see what it would take'),
  confidence: option(number, 'of the intervals; default 0.95'),
  tailThreshold: option(number, 'the tail is |λ| ≥ τ·max|λ|; default 0.01'),
  snapshots: option(
    snapshots,
    'densities that are kept: ends (first, middle, last: default), all, none, every k-th, or epochs 1,5,9',
  ),
  epochs: option(counts, 'of files that do not say theirs, in their order'),
  seed: option(count, 'of the samples of the Hessian, the probes and dropout; default 0'),
  memoryBudget: option(number, 'bytes that graphs, and the basis, may take each'),
  resume: option(path, 'where finished rows are kept; default beside the results', { isNegatable: true }),
  onProblem: option(
    choice('record', 'stop'),
    'a checkpoint that cannot be read: say why (default), or end there',
  ),
} satisfies OptionTable;

/** Of `FollowOptions`. */
export const followOptions = {
  until: option(count, 'end after so many checkpoints'),
  idle: option(number, 'end after so many seconds without a new one'),
  stopFile: option(path, 'end when this file is there'),
  poll: option(number, 'seconds between two looks at the folder; default 1'),
  settle: option(number, 'seconds after which a file that is not whole counts as damaged; default 30'),
} satisfies OptionTable;

export const trackCommandOptions = {
  follow: option(flag, 'wait for checkpoints that are still to come'),
} satisfies OptionTable;

const { metrics: _metrics, dropoutSeed: _seed, ...lossOptions } = objectiveOptions;

/** Of the objective: all but metrics; the seed is that of the track. */
export const trackLossOptions = {
  ...lossOptions,
  batchSize: option(count, 'samples a batch; default 500'),
} satisfies OptionTable;
