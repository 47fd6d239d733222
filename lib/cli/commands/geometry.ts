import type { CommandSpec } from '../command.js';
import {
  analysisGroups,
  analysisGroupsOf,
  dataGroup,
  figureGroup,
  modelArgument,
  outputGroup,
  runGroup,
} from '../groups.js';
import {
  basinOptions,
  connectedOptions,
  connectObjectiveOptions,
  connectOptions,
  connectTrainingOptions,
  convexityOptions,
  histogramOptions,
  regionsObjectiveOptions,
  regionsOptions,
  sharpnessCommandOptions,
  sharpnessOptions,
} from '../options/geometry-options.js';
import { normalizationOptions, planeAxisOptions, randomOptions } from '../options/landscape-options.js';
import { modelOptions, solutionOptions } from '../options/setting-options.js';

export const basinCommand: CommandSpec = {
  name: 'basin',
  summary: 'radii and volume of the basin around a minimum, along random rays',
  details: 'Example: lossatlas basin net.pt -d train.npz --cutoff 0.5 --rays 200',
  arguments: [modelArgument],
  groups: analysisGroups({ title: 'Basin:', options: basinOptions }),
  run: async (invocation) => (await import('../run/basin.js')).runBasin(invocation),
};

export const sharpnessCommand: CommandSpec = {
  name: 'sharpness',
  summary: "Keskar's sharpness, SAM, ASAM, averages and counts of eigenvalues",
  details: 'Example: lossatlas sharpness net.pt -d train.npz --thresholds 0,1',
  arguments: [modelArgument],
  groups: analysisGroups({
    title: 'Sharpness:',
    options: { ...sharpnessOptions, ...sharpnessCommandOptions },
  }),
  run: async (invocation) => (await import('../run/sharpness.js')).runSharpness(invocation),
};

export const connectCommand: CommandSpec = {
  name: 'connect',
  summary: 'loss barriers between two minima, along the line and along trained curves',
  details:
    'Example: lossatlas connect net.pt --from a.pth --to b.pth -d train.npz --test test.npz --surface 21\n' +
    'Control points become checkpoints that PyTorch reads: connection-bezier.pth, of several connection-bezier-1.pth …',
  arguments: [modelArgument],
  groups: [
    { title: 'Minima:', options: connectedOptions },
    { title: 'Model:', options: { ...modelOptions, ...solutionOptions } },
    dataGroup,
    { title: 'Loss:', options: connectObjectiveOptions },
    { title: 'Paths:', options: connectOptions },
    { title: 'Training of curves:', options: connectTrainingOptions },
    outputGroup,
    figureGroup,
    runGroup,
  ],
  run: async (invocation) => (await import('../run/connect.js')).runConnect(invocation),
};

/** Of `landscape`. */
export const convexityCommand: CommandSpec = {
  name: 'convexity',
  summary: 'the smallest and the largest eigenvalue of the Hessian at every point of a plane',
  details: 'Example: lossatlas landscape convexity net.pt -d test.npz --points 11 --compare-cold 5',
  arguments: [modelArgument],
  groups: analysisGroups(
    { title: 'Axes:', options: { ...planeAxisOptions, ...randomOptions, ...normalizationOptions } },
    { title: 'Map:', options: convexityOptions },
  ),
  run: async (invocation) => (await import('../run/convexity.js')).runConvexity(invocation),
};

export const regionsCommand: CommandSpec = {
  name: 'regions',
  summary: 'what a classifier of two inputs answers over their plane, with the samples on it',
  details: 'Example: lossatlas regions net.pt -d train.npz -w poisoned.pt',
  arguments: [modelArgument],
  groups: analysisGroupsOf(
    { loss: { title: 'Loss:', options: regionsObjectiveOptions } },
    { title: 'Plane:', options: regionsOptions },
  ),
  run: async (invocation) => (await import('../run/regions.js')).runRegions(invocation),
};

export const weightsCommand: CommandSpec = {
  name: 'weights',
  summary: 'histograms of the weights of a model, or of checkpoints of it',
  details: 'Example: lossatlas weights net.pt small-batch.pth large-batch.pth',
  arguments: [
    modelArgument,
    {
      name: 'checkpoints',
      help: 'or folders of them; default the weights in the model',
      count: 'some',
    },
  ],
  groups: [
    { title: 'Model:', options: { ...modelOptions, ...solutionOptions } },
    { title: 'Histogram:', options: histogramOptions },
    outputGroup,
    figureGroup,
    runGroup,
  ],
  run: async (invocation) => (await import('../run/weights.js')).runWeights(invocation),
};
