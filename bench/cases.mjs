// What is measured: each kind of work on each workload.

/**
 * @typedef {'point' | 'hvp' | 'hvps' | 'lanczos' | 'slq' | 'eigenpairs' | 'surface'} Work
 *   `hvps`: `steps` products, one after the other; only the bare loop knows it, as the floor of `slq`
 *
 * @typedef {object} Case
 * @property {string} name
 * @property {string} workload
 * @property {Work} work
 * @property {number} grid points along each axis of the plane
 * @property {number} steps of Lanczos
 * @property {number} units what one repetition is divided by
 * @property {number} warmup repetitions that do not count
 * @property {number} repetitions in one process
 * @property {number | null} target what ours may take at most, in units of the rival's time
 * @property {'bare' | 'pyhessian'} rival whom the target is about
 */

/** @type {Readonly<Record<Work, string>>} */
export const unitNames = {
  point: 'grid point',
  hvp: 'Hessian-vector product',
  hvps: 'Hessian-vector product of many',
  lanczos: 'Lanczos step',
  slq: 'Lanczos step of a spectral density',
  eigenpairs: 'top two eigenpairs',
  surface: 'point of a surface',
};

const lanczosSteps = 10;
/** Of the papers' spectral densities. */
const slqSteps = 100;

/**
 * @param {string} workload
 * @param {Work} work
 * @param {number} repetitions
 * @param {{ grid?: number, target?: number | null, rival?: Case['rival'] }} [options]
 * @returns {Case}
 */
function makeCase(workload, work, repetitions, { grid = 3, target = null, rival = 'bare' } = {}) {
  const unitsOf = {
    // The model itself and the grid.
    point: grid * grid + 1,
    hvp: 1,
    hvps: slqSteps,
    lanczos: lanczosSteps,
    slq: slqSteps,
    eigenpairs: 1,
    // What one asked for: the model itself comes with it.
    surface: grid * grid,
  };
  return {
    name: `${workload}-${work}`,
    workload,
    work,
    grid,
    steps: work === 'slq' ? slqSteps : lanczosSteps,
    units: unitsOf[work],
    warmup: work === 'hvp' ? 2 : 1,
    repetitions,
    target,
    rival,
  };
}

/** Repetitions so that a process measures for some seconds on two cores. */
export const cases = [
  makeCase('lenet-256', 'point', 5, { grid: 7, target: 1.1 }),
  makeCase('lenet-256', 'hvp', 20, { target: 1.1 }),
  makeCase('lenet-256', 'lanczos', 3),
  makeCase('lenet-2048', 'point', 3),
  makeCase('lenet-2048', 'hvp', 5),
  makeCase('lenet-2048', 'lanczos', 1),
  makeCase('resnet20-128', 'point', 3, { target: 1.03 }),
  makeCase('resnet20-128', 'hvp', 5, { target: 1.03 }),
  makeCase('resnet20-128', 'lanczos', 1),
  makeCase('lenet-256', 'slq', 1, { target: 1.15 }),
  makeCase('lenet-2048', 'slq', 1, { target: 1.15 }),
  makeCase('resnet20-128', 'slq', 1, { target: 1.15 }),
  makeCase('resnet20-128', 'eigenpairs', 1, { target: 0.25, rival: 'pyhessian' }),
  makeCase('lenet-2048', 'surface', 1, { grid: 7 }),
  makeCase('resnet20-128', 'surface', 1, { grid: 5 }),
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
