// What is measured: each kind of work on each workload.
import { caseTargets } from './targets.mjs';

/**
 * @typedef {'point' | 'hvp' | 'hvps' | 'lanczos' | 'slq' | 'eigenpairs' | 'surface' | 'trace'} Work
 *   `hvps`: `steps` products, one after the other; only the bare loop knows it, as the floor of `slq`
 *
 * @typedef {object} Case
 * @property {string} name
 * @property {string} workload
 * @property {Work} work
 * @property {number} grid points along each axis of the plane
 * @property {number} steps of Lanczos
 * @property {number} pairs of an eigenvalue and its vector
 * @property {number} tolerance of their residuals, ‖Hv − λv‖ / |λ1|, or of the standard error of a trace; 0: as each tool has it
 * @property {'float32' | 'float64' | 'bfloat16' | 'tf32'} dtype the peers take float32 for bfloat16 and tf32
 * @property {number} units what one repetition is divided by
 * @property {number} warmup repetitions that do not count
 * @property {number} repetitions in one process
 * @property {readonly import('./tools.mjs').ToolName[] | null} tools that are asked for it; null: all that can
 * @property {number} foreign busy processes beside it
 * @property {boolean} counts products are what it is about: one round says all
 * @property {import('./targets.mjs').CaseTarget | null} target on the CPU
 */

/** @type {Readonly<Record<Work, string>>} */
export const unitNames = {
  point: 'grid point',
  hvp: 'Hessian-vector product',
  hvps: 'Hessian-vector product of many',
  lanczos: 'Lanczos step',
  slq: 'Lanczos step of a spectral density',
  eigenpairs: 'top eigenpairs together',
  surface: 'point of a surface',
  trace: 'trace',
};

/**
 * @param {string} workload
 * @param {Work} work
 * @param {number} repetitions
 * @param {Partial<Case>} [options]
 * @returns {Case}
 */
export function makeCase(workload, work, repetitions, options = {}) {
  const name = options.name ?? `${workload}-${work}`;
  // Of the papers' spectral densities, and of what shows the time of a step.
  const { grid = 3, steps = work === 'slq' ? 100 : 10 } = options;
  const unitsOf = {
    // The model itself and the grid.
    point: grid * grid + 1,
    hvp: 1,
    hvps: steps,
    lanczos: steps,
    slq: steps,
    eigenpairs: 1,
    // What one asked for: the model itself comes with it.
    surface: grid * grid,
    trace: 1,
  };
  return {
    name,
    workload,
    work,
    grid,
    steps,
    pairs: 2,
    tolerance: 0,
    dtype: 'float32',
    units: unitsOf[work],
    warmup: work === 'hvp' ? 2 : 1,
    repetitions,
    tools: null,
    foreign: 0,
    counts: false,
    target: caseTargets[name] ?? null,
    ...options,
  };
}

/**
 * Threads do not change counts, and of products as small as those they would wait more than they compute.
 *
 * @param {Case} benchCase
 * @param {number} threads
 */
export function threadsOf({ counts }, threads) {
  return counts ? 1 : threads;
}

/** Repetitions so that a process measures for some seconds on two cores. */
export const cases = [
  makeCase('lenet-256', 'point', 5, { grid: 7 }),
  makeCase('lenet-256', 'hvp', 20),
  makeCase('lenet-256', 'lanczos', 3),
  makeCase('lenet-2048', 'point', 3),
  makeCase('lenet-2048', 'hvp', 5),
  makeCase('lenet-2048', 'lanczos', 1),
  makeCase('resnet20-128', 'point', 3),
  makeCase('resnet20-128', 'hvp', 5),
  makeCase('resnet20-128', 'lanczos', 1),
  makeCase('lenet-256', 'slq', 1),
  makeCase('lenet-2048', 'slq', 1),
  makeCase('resnet20-128', 'slq', 1),
  makeCase('resnet20-128', 'eigenpairs', 1),
  makeCase('lenet-2048', 'surface', 1, { grid: 7 }),
  makeCase('resnet20-128', 'surface', 1, { grid: 5 }),
];

/** What only a GPU computes. */
export const gpuCases = [
  makeCase('resnet20-128', 'surface', 1, { name: 'resnet20-128-surface-tf32', grid: 5, dtype: 'tf32' }),
];

/**
 * The case of a whole surface with another grid; other cases as they are.
 *
 * @param {Case} benchCase
 * @param {number} grid
 * @returns {Case}
 */
export function withGrid(benchCase, grid) {
  return benchCase.work === 'surface' ? { ...benchCase, grid, units: grid * grid } : benchCase;
}
