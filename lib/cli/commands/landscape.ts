import type { CommandSpec } from '../command.js';
import { analysisGroups, analysisGroupsOf, modelArgument } from '../groups.js';
import {
  atlasOptions,
  explosionOptions,
  gridOptions,
  interpolateOptions,
  lineAxisOptions,
  modesOptions,
  normalizationOptions,
  planeAxisOptions,
  randomOptions,
  recipeOptions,
  searchOptions,
  sweepOptions,
} from '../options/landscape-options.js';
import { modelOptions, solutionOptions } from '../options/setting-options.js';
import type { OptionGroup, OptionSpec } from '../options/table.js';

const { law, seed } = randomOptions;
/** LLA counts from 1. */
const modesSeed: OptionSpec = { ...seed, help: seed.help.replace('default 0', 'default 1') };
const { orthogonal } = planeAxisOptions;

const modelOnly: OptionGroup = { title: 'Model:', options: modelOptions };
/** Solutions that are arguments take the place of `--weights`. */
const modelOfSolutions: OptionGroup = { title: 'Model:', options: { ...modelOptions, ...solutionOptions } };
const grid: OptionGroup = { title: 'Points:', options: gridOptions };

/** The commands of `landscape`. */
export const landscapeCommands: readonly CommandSpec[] = [
  {
    name: 'surface',
    summary: 'loss on a plane of two directions (the default)',
    details:
      'Example: lossatlas landscape net.pt -d test.npz --axes hessian --points 51 --scale log -o figures',
    isDefault: true,
    arguments: [modelArgument],
    groups: analysisGroups(
      { title: 'Axes:', options: { ...planeAxisOptions, ...randomOptions, ...normalizationOptions } },
      { title: 'Hessian axes:', options: searchOptions },
      grid,
      { title: 'Recipes:', options: recipeOptions },
    ),
    run: async (invocation) => (await import('../run/surface.js')).runSurface(invocation),
  },
  {
    name: 'line',
    summary: 'loss along one direction',
    details: 'Example: lossatlas landscape line net.pt -d test.npz --axis hessian --range -0.2,0.2',
    arguments: [modelArgument],
    groups: analysisGroups(
      { title: 'Direction:', options: { ...lineAxisOptions, ...randomOptions, ...normalizationOptions } },
      { title: 'Hessian axis:', options: searchOptions },
      { title: 'Points:', options: sweepOptions },
    ),
    run: async (invocation) => (await import('../run/line.js')).runLine(invocation),
  },
  {
    name: 'interpolate',
    summary: 'loss on the line between two checkpoints',
    details: 'Example: lossatlas landscape interpolate net.pt small-batch.pth large-batch.pth -d test.npz',
    arguments: [
      modelArgument,
      { name: 'from', help: 'checkpoint at 0' },
      { name: 'to', help: 'checkpoint at 1; default the weights in the model', count: 'optional' },
    ],
    groups: analysisGroupsOf(
      { model: modelOfSolutions },
      {
        title: 'Points:',
        options: { ...sweepOptions, ...interpolateOptions },
      },
    ),
    run: async (invocation) => (await import('../run/line.js')).runInterpolate(invocation),
  },
  {
    name: 'three-point',
    summary: 'loss on the plane through three checkpoints',
    details: 'Example: lossatlas landscape three-point net.pt a.pth b.pth c.pth -d test.npz',
    arguments: [
      modelArgument,
      { name: 'a', help: 'checkpoint at (0, 0)' },
      { name: 'b', help: 'checkpoint on the first axis' },
      { name: 'c', help: 'third checkpoint' },
    ],
    groups: analysisGroupsOf({ model: modelOfSolutions }, grid),
    run: async (invocation) => (await import('../run/solutions.js')).runThreePoint(invocation),
  },
  {
    name: 'trajectory',
    summary: 'the path of training on the plane of its principal components',
    details: 'Example: lossatlas landscape trajectory net.pt checkpoints/ -d train.npz',
    arguments: [
      modelArgument,
      { name: 'checkpoints', help: 'at least three, or folders of them (in natural order)', count: 'many' },
    ],
    groups: analysisGroupsOf({ model: modelOfSolutions }, grid),
    run: async (invocation) => (await import('../run/solutions.js')).runTrajectory(invocation),
  },
  {
    name: 'atlas',
    summary: 'the same landscape on random planes of several seeds, and how much it differs',
    arguments: [modelArgument],
    groups: analysisGroups(
      { title: 'Axes:', options: { ...atlasOptions, law, ...normalizationOptions, orthogonal } },
      grid,
    ),
    run: async (invocation) => (await import('../run/pages.js')).runAtlas(invocation),
  },
  {
    name: 'modes',
    summary: "LLA's page: random and Hessian (or Adam) axes, each under four normalisations",
    arguments: [modelArgument],
    groups: analysisGroupsOf(
      { model: modelOnly },
      { title: 'Axes:', options: { ...modesOptions, seed: modesSeed } },
      grid,
    ),
    run: async (invocation) => (await import('../run/pages.js')).runModes(invocation),
  },
  {
    name: 'explosion',
    summary: 'whether the loss explodes: by mode, axes and normalisation, in one table',
    details: 'Example: lossatlas landscape explosion net.pt -d test.npz --recipe lla',
    arguments: [modelArgument],
    groups: analysisGroups({ title: 'Table:', options: explosionOptions }),
    run: async (invocation) => (await import('../run/explosion.js')).runExplosion(invocation),
  },
];
