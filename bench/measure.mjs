// One tool on one case in a process of its own.
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { cacheFolder } from './cache.mjs';
import { busyLimit, coresOfOthers, readClocks } from './machine.mjs';
import { runStep } from './processes.mjs';

/**
 * @typedef {object} Answer what a tool prints
 * @property {string} libtorch
 * @property {number} threads
 * @property {number[]} milliseconds a unit, by repetition
 * @property {number} [products] Hessian-vector products of the last repetition, where they are what counts
 * @property {number[]} [residuals] of each pair, measured: ‖Hv − λv‖ / |λ1|
 *
 * @typedef {Answer & { result: Float64Array, others: number | null }} Sample
 *   `result`: what was computed; `others`: cores that other processes kept busy meanwhile
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
export function flags(
  { work, grid, steps, units, warmup, repetitions },
  { model, folder, shape },
  threads,
  result,
) {
  const values = { model, folder, shape: shape.join(','), work, grid, steps, units, warmup, repetitions };
  return Object.entries({ ...values, threads, result }).flatMap(([name, value]) => [
    `--${name}`,
    String(value),
  ]);
}

/**
 * @param {import('./tools.mjs').Tool} tool
 * @param {import('./cases.mjs').Case} benchCase
 * @param {import('./workloads.mjs').Workload} workload
 * @param {number} threads
 * @param {AbortSignal} signal
 * @returns {Promise<Sample>}
 */
async function measureOnce(tool, benchCase, workload, threads, signal) {
  const result = join(cacheFolder, `result-${process.pid}.bin`);
  const [program = '', ...args] = tool.command;
  const before = readClocks();
  const asTold = tool.adapt(benchCase);
  const stdout = await runStep(program, [...args, ...flags(asTold, workload, threads, result)], signal);
  const others = coresOfOthers(before, readClocks());
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
 * @param {{ threads: number, retries: number, signal: AbortSignal, onRetry: (sample: Sample) => void }} options
 * @returns {Promise<Sample>}
 */
export async function measure(tool, benchCase, workload, { threads, retries, signal, onRetry }) {
  let best = await measureOnce(tool, benchCase, workload, threads, signal);
  for (let i = 0; i < retries && wasBusy(best); i++) {
    onRetry(best);
    const next = await measureOnce(tool, benchCase, workload, threads, signal);
    if ((next.others ?? 0) < (best.others ?? 0)) best = next;
  }
  return best;
}
