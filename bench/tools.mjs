// The tools that are compared, and how each is started.
import { join } from 'node:path';
import { root } from '../scripts/project.mjs';
import { buildBareLoop, builtLibtorch } from './bare.mjs';
import { findBenchPython } from './python.mjs';

/**
 * @typedef {'ours' | 'bare' | 'torch' | 'pyhessian'} ToolName
 *
 * @typedef {object} Tool
 * @property {ToolName} name
 * @property {readonly string[]} command
 * @property {readonly import('./cases.mjs').Work[]} works
 * @property {string | null} missing why it cannot run here
 */

/** @type {Readonly<Record<ToolName, string>>} */
export const toolTitles = {
  ours: 'lossatlas',
  bare: 'bare libtorch loop',
  torch: 'PyTorch loop',
  pyhessian: 'PyHessian',
};

export const toolNames = /** @type {ToolName[]} */ (Object.keys(toolTitles));

const script = (/** @type {string} */ name) => join(root, 'bench', 'tools', name);

/**
 * @param {AbortSignal} signal
 * @returns {Promise<Readonly<Record<ToolName, Tool>>>}
 */
export async function makeTools(signal) {
  const { python, noTorch, noPyHessian } = findBenchPython(builtLibtorch().version);
  const bareLoop = await buildBareLoop(signal);
  return {
    ours: {
      name: 'ours',
      command: [process.execPath, script('ours.mjs')],
      works: ['point', 'hvp', 'lanczos'],
      missing: null,
    },
    bare: {
      name: 'bare',
      command: [bareLoop, '--float64', '0'],
      works: ['point', 'hvp', 'lanczos'],
      missing: null,
    },
    torch: {
      name: 'torch',
      command: [python, script('torch_loop.py')],
      works: ['point', 'hvp', 'lanczos'],
      missing: noTorch,
    },
    pyhessian: {
      name: 'pyhessian',
      command: [python, script('pyhessian_tool.py')],
      works: ['hvp', 'lanczos'],
      missing: noPyHessian,
    },
  };
}
