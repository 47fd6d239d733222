// One tool on one case in a process of its own.
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { besideBusy } from './busy.mjs';
import { cacheFolder } from './cache.mjs';
import { threadsOf } from './cases.mjs';
import { busyLimit, coresOfOthers, readClocks } from './machine.mjs';
import { runStep } from './processes.mjs';

/**
 * @typedef {object} Answer what a tool prints
 * @property {string} libtorch
 * @property {number} threads
 * @property {number[]} milliseconds a unit, by repetition
 * @property {number[]} [products] Hessian-vector products by repetition, where they are what counts
 * @property {number[]} [residuals] of each pair of the last repetition, measured: ‖Hv − λv‖ / |λ1|
 * @property {number | null} megabytes of memory at the peak, above what was taken when model and batch were loaded; null
 *   where that cannot be told
 *
 * @typedef {Answer & { result: Float64Array, others: number | null }} Sample
 *   `result`: what was computed; `others`: cores that other processes kept busy meanwhile, besides those that we started for it
 */

/**
 * @param {string} path
 * @returns {Float64Array}
 */
export function readFloat64(path) {
  const bytes = readFileSync(path);
  return new Float64Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
}

/**
 * The flags that every tool takes.
 *
 * @param {import('./cases.mjs').Case} benchCase
 * @param {import('./workloads.mjs').Workload} workload
 * @param {number} threads
 * @param {string} result file
 */
export function flags(benchCase, { model, folder, shape }, threads, result) {
  const { work, grid, steps, pairs, tolerance, dtype, units, warmup, repetitions } = benchCase;
  const task = { work, grid, steps, pairs, tolerance, dtype, units, warmup, repetitions };
  const values = { model, folder, shape: shape.join(','), ...task };
  return Object.entries({ ...values, threads: threadsOf(benchCase, threads), result }).flatMap(
    ([name, value]) => [`--${name}`, String(value)],
  );
}

/**
 * @param {import('./tools.mjs').Tool} tool
 * @param {import('./cases.mjs').Case} benchCase
 * @param {import('./workloads.mjs').Workload} workload
 * @param {{ threads: number, device: string, signal: AbortSignal }} options
 * @returns {Promise<Sample>}
 */
async function measureOnce(tool, benchCase, workload, { threads, device, signal }) {
  const result = join(cacheFolder, `result-${process.pid}.bin`);
  const [program = '', ...args] = tool.command;
  const asTold = tool.adapt(benchCase);
  const { foreign } = benchCase;
  const { value: stdout, others } = await besideBusy(foreign, signal, async () => {
    const before = readClocks();
    // The bare loop knows the CPU alone.
    const where = tool.name === 'bare' ? [] : ['--device', device];
    const words = [...args, ...flags(asTold, workload, threads, result), ...where];
    const value = await runStep(program, words, signal);
    const all = coresOfOthers(before, readClocks());
    return { value, others: all === null ? null : Math.max(0, all - foreign) };
  });
  /** @type {Answer} */
  const answer = JSON.parse(stdout.trim().split('\n').at(-1) ?? '');
  const sample = { ...answer, result: readFloat64(result), others };
  rmSync(result);
  return sample;
}

/** @param {Sample} sample */
export function wasBusy({ others }) {
  return others !== null && others > busyLimit;
}

/**
 * Measures again while other processes were busy; at last takes the quietest sample.
 *
 * @param {import('./tools.mjs').Tool} tool
 * @param {import('./cases.mjs').Case} benchCase
 * @param {import('./workloads.mjs').Workload} workload
 * @param {{ threads: number, device: string, retries: number, signal: AbortSignal, onRetry: (sample: Sample) => void }} options
 * @returns {Promise<Sample>}
 */
export async function measure(tool, benchCase, workload, { retries, onRetry, ...options }) {
  let best = await measureOnce(tool, benchCase, workload, options);
  for (let i = 0; i < retries && wasBusy(best); i++) {
    onRetry(best);
    const next = await measureOnce(tool, benchCase, workload, options);
    if ((next.others ?? 0) < (best.others ?? 0)) best = next;
  }
  return best;
}
