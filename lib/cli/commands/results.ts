import type { CommandSpec } from '../command.js';
import { dataGroup, figureGroup, modelArgument, objectiveGroup, outputGroup } from '../groups.js';
import {
  convertOptions,
  evaluateOptions,
  plotOptions,
  reportOptions,
  runOptions,
  topologyOptions,
} from '../options/output-options.js';
import { modelOptions, solutionOptions } from '../options/setting-options.js';

const { config } = runOptions;

export const evaluateCommand: CommandSpec = {
  name: 'evaluate',
  summary: 'loss, accuracy, metrics and figures of every class of checkpoints on data sets, as a table',
  details: 'Example: lossatlas evaluate net.pt runs/ -d train.npz -d test.npz --data-options scale=1/255',
  arguments: [
    modelArgument,
    {
      name: 'checkpoints',
      help: 'files, or folders of them (in natural order); default the model as it is',
      count: 'some',
    },
  ],
  groups: [
    { title: 'Model:', options: { ...modelOptions, ...solutionOptions } },
    dataGroup,
    objectiveGroup,
    { title: 'Evaluation:', options: evaluateOptions },
    { title: 'Run:', options: runOptions },
  ],
  run: async (invocation) => (await import('../run/evaluate.js')).runEvaluate(invocation),
};

const savedResults = {
  name: 'results',
  help: 'files of results (JSON, npz, HDF5, CSV, vtp)',
  count: 'many',
} as const;

export const plotCommand: CommandSpec = {
  name: 'plot',
  summary: 'figures of saved results, also of other programs',
  details: 'Example: lossatlas plot surface.json --scale log --color-map cividis -o figures',
  arguments: [savedResults],
  groups: [{ title: 'Plot:', options: plotOptions }, figureGroup, { title: 'Run:', options: { config } }],
  run: async (invocation) => (await import('../run/plot.js')).runPlot(invocation),
};

export const reportCommand: CommandSpec = {
  name: 'report',
  summary: 'one page of saved results to turn with the mouse, in a single HTML file',
  details: 'Example: lossatlas report surface.json spectrum.json -o report.html',
  arguments: [savedResults],
  groups: [
    { title: 'Report:', options: reportOptions },
    { title: 'Run:', options: { config } },
  ],
  run: async (invocation) => (await import('../run/report.js')).runReport(invocation),
};

export const topologyCommand: CommandSpec = {
  name: 'topology',
  summary: 'minima, saddles, merge tree and loops of a saved surface, and how persistent they are',
  details: 'Example: lossatlas topology surface.json --min-persistence 0.01 -o topology',
  arguments: [{ name: 'surface', help: 'a saved surface (JSON, npz, HDF5), also of other programs' }],
  groups: [
    { title: 'Topology:', options: topologyOptions },
    outputGroup,
    figureGroup,
    { title: 'Run:', options: { config, json: runOptions.json } },
  ],
  run: async (invocation) => (await import('../run/topology.js')).runTopology(invocation),
};

export const convertCommand: CommandSpec = {
  name: 'convert',
  summary: 'a saved result in another format: .json, .npz, .h5, .csv, .vtp',
  details: 'Example: lossatlas convert 3d_surface_file.h5 surface.json',
  arguments: [
    { name: 'from', help: 'a saved result' },
    { name: 'to', help: 'the file to write; its ending decides' },
  ],
  groups: [
    { title: 'Convert:', options: convertOptions },
    { title: 'Run:', options: { config } },
  ],
  run: async (invocation) => (await import('../run/convert.js')).runConvert(invocation),
};
