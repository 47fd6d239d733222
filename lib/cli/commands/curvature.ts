import type { CommandSpec } from '../command.js';
import { analysisGroups, analysisGroupsOf, modelArgument } from '../groups.js';
import { modelOptions, solutionOptions } from '../options/setting-options.js';
import {
  analyseCommandOptions,
  analyseOptions,
  compareLossOptions,
  compareOptions,
  eigenpairsOptions,
  hessianOptions,
  matrixOptions,
  spectrumCommandOptions,
  spectrumOptions,
  traceOptions,
} from '../options/spectrum-options.js';

export const hessianCommand: CommandSpec = {
  name: 'hessian',
  summary: 'eigenpairs, trace, norm and diagonal of the Hessian and its kin',
  details: 'Example: lossatlas hessian net.pt -d test.npz -k 5 --which both-ends',
  arguments: [modelArgument],
  groups: analysisGroups(
    { title: 'Matrix:', options: matrixOptions },
    { title: 'What:', options: hessianOptions },
    { title: 'Eigenpairs:', options: eigenpairsOptions },
    { title: 'Trace and norm:', options: traceOptions },
  ),
  run: async (invocation) => (await import('../run/hessian.js')).runHessian(invocation),
};

export const spectrumCommand: CommandSpec = {
  name: 'spectrum',
  summary: 'eigenvalue density of the Hessian and its kin, with re, KH05 and KH1',
  details: 'Example: lossatlas spectrum net.pt -d test.npz --probes 10 --steps 100',
  arguments: [modelArgument],
  groups: analysisGroups(
    { title: 'Matrix:', options: matrixOptions },
    { title: 'Density:', options: { ...spectrumOptions, ...spectrumCommandOptions } },
  ),
  run: async (invocation) => (await import('../run/spectrum.js')).runSpectrum(invocation),
};

export const analyseCommand: CommandSpec = {
  name: 'analyse',
  summary: 'eigenvalue density, criteria, eigenpairs and trace from the same products',
  details: 'Example: lossatlas analyse net.pt -d test.npz -k 5 --relative-error 0.01',
  arguments: [modelArgument],
  groups: analysisGroups(
    { title: 'Matrix:', options: matrixOptions },
    { title: 'Analysis:', options: { ...analyseOptions, ...analyseCommandOptions } },
  ),
  run: async (invocation) => (await import('../run/analyse.js')).runAnalyse(invocation),
};

export const compareCommand: CommandSpec = {
  name: 'compare',
  summary: 're, KH05 and KH1 of checkpoints on data sets, at equal settings and with intervals',
  details: 'Example: lossatlas compare lenet.pt -d mnist.npz -d usps.npz',
  arguments: [
    modelArgument,
    {
      name: 'checkpoints',
      help: 'files, or folders of them; default the weights in the model',
      count: 'some',
    },
  ],
  groups: analysisGroupsOf(
    {
      model: { title: 'Model:', options: { ...modelOptions, ...solutionOptions } },
      loss: { title: 'Loss:', options: compareLossOptions },
    },
    { title: 'Criteria:', options: compareOptions },
  ),
  run: async (invocation) => (await import('../run/compare.js')).runCompare(invocation),
};
