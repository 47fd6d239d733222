// The equality gate: a time counts only for a result that agrees with the bare loop's in float64.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { say } from '../scripts/console.mjs';
import { root } from '../scripts/project.mjs';
import { cacheFolder } from './cache.mjs';
import { flags, readFloat64 } from './measure.mjs';
import { runStep } from './processes.mjs';
import { forBareLoop } from './tools.mjs';

/**
 * What is compared, and how far it may be off.
 *
 * @type {Readonly<Record<import('./cases.mjs').Work, { what: string, limit: number,
 *   deviation: (result: Float64Array, reference: Float64Array) => number }>>}
 */
export const gates = {
  point: { what: 'loss at every point', limit: 1e-5, deviation: largestRelative },
  hvp: { what: 'H·v of the same v, ‖difference‖ / ‖Hv‖', limit: 1e-4, deviation: relativeDistance },
  surface: { what: 'loss at every point of a surface', limit: 1e-5, deviation: largestRelative },
  hvps: { what: 'H·v of the same v, ‖difference‖ / ‖Hv‖', limit: 1e-4, deviation: relativeDistance },
  lanczos: { what: 'λmax of the same start vector', limit: 1e-4, deviation: lastRelative },
  slq: { what: 'λmax of a spectral density', limit: 1e-4, deviation: lastRelative },
  eigenpairs: { what: 'the eigenvalues, in units of the largest', limit: 1e-3, deviation: largestOfTop },
  // Of estimates with a standard error of 1 %.
  trace: { what: 'every trace, beside the exact one', limit: 0.04, deviation: farthest },
};

/**
 * Of a product of a ResNet. Where the input of a ReLU rounds to the other side of zero, the Hessian in float32 is that of
 * another piece: over 39 batches of 128 images libtorch's own ResNet-20 is more than 1e-4 off float64 in 7 and up to 4.7e-3, with
 * SiLU in place of ReLU at most 3.5e-6 over 12 (docs/benchmarks.md).
 */
const kinkedLimit = 1e-3;

/** Of losses in bfloat16 and tf32, whose numbers have eight and eleven bits; the peers, in float32, are held to it too. */
const halfLimit = 1e-2;

/** @param {import('./cases.mjs').Case} benchCase */
export function limitOf({ work, workload, dtype }) {
  if (dtype === 'bfloat16' || dtype === 'tf32') return halfLimit;
  const isKinked = (work === 'hvp' || work === 'hvps') && workload.startsWith('resnet');
  return isKinked ? kinkedLimit : gates[work].limit;
}

/**
 * @param {Float64Array} result
 * @param {Float64Array} reference
 */
function largestRelative(result, reference) {
  return Math.max(...result.map((value, i) => Math.abs(value / (reference[i] ?? NaN) - 1)));
}

/**
 * @param {Float64Array} result
 * @param {Float64Array} reference
 */
function relativeDistance(result, reference) {
  let difference = 0;
  let norm = 0;
  reference.forEach((value, i) => {
    difference += ((result[i] ?? NaN) - value) ** 2;
    norm += value ** 2;
  });
  return Math.sqrt(difference / norm);
}

/**
 * Ritz values are ascending.
 *
 * @param {Float64Array} result
 * @param {Float64Array} reference
 */
function lastRelative(result, reference) {
  return Math.abs((result.at(-1) ?? NaN) / (reference.at(-1) ?? NaN) - 1);
}

/**
 * Largest first; the reference is Ritz values, ascending. The residual bounds the error, so that one limit does for both.
 *
 * @param {Float64Array} result
 * @param {Float64Array} reference
 */
function largestOfTop(result, reference) {
  const byMagnitude = Array.from(reference).sort((a, b) => Math.abs(b) - Math.abs(a));
  const scale = Math.abs(byMagnitude[0] ?? NaN);
  return Math.max(...result.map((value, i) => Math.abs(value - (byMagnitude[i] ?? NaN)) / scale));
}

/**
 * @param {Float64Array} result
 * @param {Float64Array} reference one number
 */
function farthest(result, reference) {
  return Math.max(...result.map((value) => Math.abs(value / (reference[0] ?? NaN) - 1)));
}

/** ‖Hv − λv‖ / |λ1| of every eigenpair: to this they are computed, and above it they have failed. */
export const residualLimit = 1e-3;

/** Works whose result need not have as many numbers as the reference. */
const ofOtherLength = ['slq', 'eigenpairs', 'trace'];

/** Two dozen steps do for λmax and its neighbour to far below the limits. */
const enoughSteps = 24;

/**
 * Whether the reference is made in float32: so many products of a ResNet in float64 take a quarter of an hour, and the limits of
 * these works are far above what float32 is off.
 *
 * @param {import('./cases.mjs').Case} benchCase
 */
export function isInFloat32({ work, steps, dtype }) {
  return dtype !== 'float64' && (work === 'eigenpairs' || (work === 'slq' && steps >= enoughSteps));
}

/**
 * @param {import('./cases.mjs').Case} benchCase
 * @param {Float64Array} result
 * @param {Float64Array} all the reference
 * @param {((grid: number) => number[]) | null} points the part of a surface that was computed; null: all
 * @returns {{ deviation: number, passed: boolean, limit: number }} NaN does not pass
 */
export function compare(benchCase, result, all, points) {
  const { work, grid } = benchCase;
  const limit = limitOf(benchCase);
  const { deviation: measureDeviation } = gates[work];
  const reference =
    points === null || work !== 'surface' ? all : Float64Array.from(points(grid), (k) => all[k] ?? NaN);
  const deviation =
    result.length === reference.length || ofOtherLength.includes(work)
      ? measureDeviation(result, reference)
      : Number.POSITIVE_INFINITY;
  return { deviation, passed: deviation <= limit, limit };
}

/**
 * What the bare loop computes as the reference.
 *
 * @param {import('./cases.mjs').Case} benchCase
 * @returns {import('./cases.mjs').Case}
 */
function asReference(benchCase) {
  const { work, steps, pairs } = benchCase;
  // Steps for two pairs, and as many for each two more.
  if (work === 'eigenpairs') return { ...benchCase, work: 'lanczos', steps: (enoughSteps * pairs) / 2 };
  if (work === 'slq') return { ...benchCase, work: 'lanczos', steps: Math.min(steps, enoughSteps) };
  // One product is the reference of however many.
  if (work === 'hvp' || work === 'hvps') return { ...benchCase, work: 'hvp', steps: 1 };
  return forBareLoop(benchCase);
}

/**
 * The bare loop's result in float64 (of some works in float32), made once for these inputs.
 *
 * @param {import('./cases.mjs').Case} benchCase
 * @param {import('./workloads.mjs').Workload} workload
 * @param {{ bareLoop: string, libtorch: string, threads: number, signal: AbortSignal }} options
 */
export async function reference(benchCase, workload, { bareLoop, libtorch, threads, signal }) {
  const once = { ...asReference(benchCase), warmup: 0, repetitions: 1 };
  const { work, grid, steps } = once;
  const isDouble = !isInFloat32(benchCase);
  const hash = createHash('sha256').update(JSON.stringify([work, grid, steps, isDouble]));
  hash.update(libtorch).update(readFileSync(join(root, 'bench', 'bare_loop.cc')));
  hash.update(readFileSync(workload.model));
  for (const name of ['x', 'y', 'd1', 'd2', 'v', 'start']) {
    hash.update(readFileSync(join(workload.folder, `${name}.bin`)));
  }
  const folder = join(cacheFolder, 'reference');
  const file = join(folder, `${workload.name}-${work}-${hash.digest('hex').slice(0, 16)}.bin`);
  if (!existsSync(file)) {
    say(`bench: ${benchCase.name}: computing the reference in ${isDouble ? 'float64' : 'float32'}, once`);
    mkdirSync(folder, { recursive: true });
    const args = [...flags(once, workload, threads, `${file}.part`), '--float64', isDouble ? '1' : '0'];
    // It is not timed: threads that spin little lose least where others compute too.
    await runStep(bareLoop, args, signal, { GOMP_SPINCOUNT: '2000', ...process.env });
    renameSync(`${file}.part`, file);
  }
  return readFloat64(file);
}
