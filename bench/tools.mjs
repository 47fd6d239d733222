// The tools that are compared, and how each is started.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../scripts/project.mjs';
import { buildBareLoop } from './bare.mjs';
import { howToGetPython } from './python.mjs';

/**
 * @typedef {'ours' | 'graphs' | 'bare' | 'torch' | 'pyhessian' | 'curvlinops' | 'lla' | 'losslandscapes' | 'li2018'} ToolName
 *
 * @typedef {import('./cases.mjs').Case} Case
 *
 * @typedef {object} Tool
 * @property {ToolName} name
 * @property {readonly string[]} command
 * @property {readonly import('./cases.mjs').Work[]} works
 * @property {(benchCase: Case) => Case} adapt what it is told of a case
 * @property {((grid: number) => number[]) | null} points which of a surface's points it computes; null: all
 * @property {string | null} missing why it cannot run here, and what to do about it
 */

/** @type {Readonly<Record<ToolName, string>>} */
export const toolTitles = {
  ours: 'lossatlas',
  graphs: 'lossatlas with CUDA graphs',
  bare: 'bare libtorch loop',
  torch: 'PyTorch loop',
  pyhessian: 'PyHessian',
  curvlinops: 'curvlinops',
  lla: 'LLA',
  losslandscapes: 'loss-landscapes',
  li2018: 'Li et al.',
};

export const toolNames = /** @type {ToolName[]} */ (Object.keys(toolTitles));

const script = (/** @type {string} */ name) => join(root, 'bench', 'tools', name);

/**
 * @param {string} variable that names a checkout
 * @param {string} repository
 * @param {string} file there
 */
function noCheckout(variable, repository, file) {
  const path = process.env[variable];
  if (!path) return `${variable} names no checkout of github.com/${repository}`;
  return existsSync(join(path, file)) ? null : `${variable} is no checkout of github.com/${repository}`;
}

/**
 * The bare loop's work on a surface is its grid points, on a spectral density the products alone.
 *
 * @param {Case} benchCase
 * @returns {Case}
 */
export function forBareLoop(benchCase) {
  /** @type {Partial<Record<Case['work'], Case['work']>>} */
  const others = { surface: 'point', slq: 'hvps' };
  return { ...benchCase, work: others[benchCase.work] ?? benchCase.work };
}

/**
 * LLA with one step less than the grid has points, over its whole width, computes some of the grid's points: all but
 * the last along the first axis; along the second, in turn, all but the first and all but the last. By its row (the
 * first axis) and column, as indices into the reference: the model itself, then the grid, the first axis fastest.
 *
 * @param {number} grid
 */
function pointsOfLla(grid) {
  const steps = grid - 1;
  return Array.from({ length: steps * steps }, (_, k) => {
    const [row, column] = [Math.floor(k / steps), k % steps];
    return 1 + (column + (row % 2 === 0 ? 1 : 0)) * grid + row;
  });
}

/** @param {Case} benchCase */
const unchanged = (benchCase) => benchCase;

/**
 * As of LLA: the code is the same there.
 *
 * @param {Case} benchCase
 */
const withoutLastPoints = (benchCase) =>
  benchCase.work === 'surface' ? { ...benchCase, units: (benchCase.grid - 1) ** 2 } : benchCase;

/**
 * What one writes by hand on a surface is the loop over its points.
 *
 * @param {Case} benchCase
 * @returns {Case}
 */
const forTorchLoop = (benchCase) =>
  benchCase.work === 'surface' ? { ...benchCase, work: 'point' } : benchCase;

/**
 * @param {import('./python.mjs').BenchPython} bench
 * @param {string} device
 * @param {AbortSignal} signal
 * @returns {Promise<Readonly<Record<ToolName, Tool>>>}
 */
export async function makeTools(bench, device, signal) {
  const isOnHost = device === 'cpu';
  const { python, noTorch, noPyHessian, noCurvlinops, noLossLandscapes } = bench;
  const howTo = (/** @type {string | null} */ why) => (why === null ? null : `${why}. ${howToGetPython}`);
  const noLla = noCheckout(
    'LOSSATLAS_BENCH_LLA',
    'GabdullinN/loss-landscape-analysis',
    'src/src_lla/loss_landscapes/main.py',
  );
  const noLi2018 = noCheckout('LOSSATLAS_BENCH_LI2018', 'tomgoldstein/loss-landscape', 'net_plotter.py');
  const bareLoop = await buildBareLoop(signal);
  return {
    ours: {
      name: 'ours',
      command: [process.execPath, script('ours.mjs')],
      works: ['point', 'hvp', 'lanczos', 'slq', 'eigenpairs', 'surface', 'trace'],
      adapt: unchanged,
      points: null,
      missing: null,
    },
    graphs: {
      name: 'graphs',
      command: ['env', 'LOSSATLAS_CUDA_GRAPHS=1', process.execPath, script('ours.mjs')],
      works: isOnHost ? [] : ['point', 'hvp', 'lanczos', 'slq', 'surface'],
      adapt: unchanged,
      points: null,
      missing: null,
    },
    bare: {
      name: 'bare',
      command: [bareLoop, '--float64', '0'],
      works: isOnHost ? ['point', 'hvp', 'lanczos', 'slq', 'surface'] : [],
      adapt: forBareLoop,
      points: null,
      missing: null,
    },
    torch: {
      name: 'torch',
      command: [python, script('torch_loop.py')],
      works: ['point', 'hvp', 'lanczos', 'slq', 'surface'],
      adapt: forTorchLoop,
      points: null,
      missing: howTo(noTorch),
    },
    pyhessian: {
      name: 'pyhessian',
      command: [python, script('pyhessian_tool.py')],
      works: ['hvp', 'lanczos', 'slq', 'eigenpairs', 'trace'],
      adapt: unchanged,
      points: null,
      missing: howTo(noPyHessian),
    },
    curvlinops: {
      name: 'curvlinops',
      command: [python, script('curvlinops_tool.py')],
      works: ['hvp', 'slq'],
      adapt: unchanged,
      points: null,
      missing: howTo(noCurvlinops),
    },
    lla: {
      name: 'lla',
      command: [python, script('lla_tool.py')],
      works: ['hvp', 'slq', 'surface'],
      adapt: withoutLastPoints,
      points: pointsOfLla,
      missing: howTo(noTorch) ?? noLla,
    },
    losslandscapes: {
      name: 'losslandscapes',
      command: [python, script('loss_landscapes_tool.py')],
      works: ['surface'],
      adapt: withoutLastPoints,
      points: pointsOfLla,
      missing: howTo(noLossLandscapes),
    },
    li2018: {
      name: 'li2018',
      command: [python, script('li2018_tool.py')],
      works: ['surface'],
      adapt: unchanged,
      // Not the model itself.
      points: (grid) => Array.from({ length: grid * grid }, (_, k) => 1 + k),
      missing: howTo(noTorch) ?? noLi2018,
    },
  };
}
