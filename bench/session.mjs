// Runs the tools on the cases, in rounds.
import { loadavg } from 'node:os';
import { Interrupted, say, SetupError } from '../scripts/console.mjs';
import { builtLibtorch, measureCeilings } from './bare.mjs';
import { threadsOf } from './cases.mjs';
import { compare, reference, residualLimit } from './gate.mjs';
import { describeMachine } from './machine.mjs';
import { measure, wasBusy } from './measure.mjs';
import { findBenchPython, release } from './python.mjs';
import { digits } from './report.mjs';
import { median } from './statistics.mjs';
import { makeTools, toolTitles } from './tools.mjs';
import { prepareWorkload } from './workloads.mjs';

/**
 * @typedef {import('./options.mjs').Settings} Settings
 *
 * @typedef {object} Job
 * @property {import('./cases.mjs').Case} benchCase
 * @property {import('./workloads.mjs').Workload} workload
 * @property {Float64Array} expected
 * @property {{ benchCase: import('./cases.mjs').Case, expected: Float64Array } | null} bare what the bare loop is checked
 *   by where it does other work than the others
 * @property {import('./report.mjs').CaseRecord} record
 */

/** @param {string} line */
const progress = (line) => say(`bench: ${line}`);

/**
 * @param {import('./tools.mjs').Tool} tool
 * @param {import('./cases.mjs').Case} benchCase
 */
const isAsked = ({ name, works }, { work, tools }) => works.includes(work) && (tools?.includes(name) ?? true);

/**
 * Cases with their inputs, and tools that can run; what cannot is said and noted.
 *
 * @param {Settings} settings
 * @param {AbortSignal} signal
 */
async function prepare(settings, signal) {
  /** @type {string[]} */
  const skipped = [];
  const skip = (/** @type {string} */ line) => {
    skipped.push(line);
    progress(`SKIPPED ${line}`);
  };
  const python = findBenchPython(builtLibtorch().version);
  const known = await makeTools(python, settings.device, signal);
  const wanted = settings.tools
    .map((name) => known[name])
    .filter((tool) => settings.cases.some((benchCase) => isAsked(tool, benchCase)));
  const tools = wanted.filter(({ missing }) => missing === null);
  for (const why of new Set(wanted.map(({ missing }) => missing))) {
    if (why === null) continue;
    const titles = wanted.filter(({ missing }) => missing === why).map(({ name }) => toolTitles[name]);
    skip(`${titles.join(', ')}: ${why}`);
  }
  /** @type {Map<string, import('./workloads.mjs').Workload>} */
  const workloads = new Map();
  for (const name of new Set(settings.cases.map(({ workload }) => workload))) {
    const workload = await prepareWorkload(name, { ...python, signal });
    if (typeof workload === 'string') skip(`${name}: ${workload}`);
    else workloads.set(name, workload);
  }
  const options = {
    bareLoop: known.bare.command[0] ?? '',
    libtorch: builtLibtorch().version,
    threads: settings.threads,
    signal,
  };
  /** @type {Job[]} */
  const jobs = [];
  for (const benchCase of settings.cases) {
    const workload = workloads.get(benchCase.workload);
    if (!workload) continue;
    const expected = await reference(benchCase, workload, options);
    // The floor of a spectral density computes products, which are compared as such.
    const floor = { ...benchCase, work: /** @type {const} */ ('hvps') };
    const bare =
      benchCase.work === 'slq'
        ? { benchCase: floor, expected: await reference(floor, workload, options) }
        : null;
    /** @type {import('./report.mjs').CaseRecord} */
    const record = {
      case: benchCase,
      data: workload.data,
      // The ceiling is the host's.
      flops: settings.device === 'cpu' ? floorFlops(benchCase, workload) : null,
      outcomes: {},
    };
    for (const tool of tools) {
      if (!isAsked(tool, benchCase)) continue;
      record.outcomes[tool.name] = {
        rounds: [],
        megabytes: [],
        products: [],
        residuals: [],
        deviation: 0,
        busy: false,
        failure: null,
      };
    }
    jobs.push({ benchCase, workload, expected, bare, record });
  }
  return { tools, jobs, skipped, bareLoop: options.bareLoop };
}

/**
 * What no way of computing a unit can do without; null where that is not known. Of a Hessian-vector product on a
 * retained graph two gradients of six forward passes, less the gradients of the input: 6F − 4F₁.
 *
 * @param {import('./cases.mjs').Case} benchCase
 * @param {import('./workloads.mjs').Workload} workload
 */
function floorFlops({ work }, { arithmetic: { forward, firstLayer }, shape }) {
  const samples = shape[0] ?? 0;
  if (work === 'point' || work === 'surface') return forward * samples;
  return work === 'eigenpairs' || work === 'trace' ? null : (6 * forward - 4 * firstLayer) * samples;
}

/**
 * All rounds of all cases: the tools of a case run one after the other, in an order that turns from round to round.
 *
 * @param {Settings} settings
 * @param {AbortSignal} signal
 * @returns {Promise<import('./report.mjs').RunRecord>}
 */
export async function runAll(settings, signal) {
  const { tools, jobs, skipped, bareLoop } = await prepare(settings, signal);
  /** @type {import('./report.mjs').RunRecord} */
  const run = {
    date: `${new Date().toISOString().slice(0, 16).replace('T', ' ')} UTC`,
    machine: describeMachine(),
    device: settings.device,
    threads: settings.threads,
    rounds: settings.rounds,
    repetitions: settings.repetitions,
    loadAverage: loadavg()[0] ?? NaN,
    ceilings: await measureCeilings(bareLoop, settings.threads, signal),
    versions: {},
    skipped,
    cases: jobs.map(({ record }) => record),
  };
  for (let round = 0; round < settings.rounds; round++) {
    if (round > 0) {
      // The fastest that was seen: machines drift.
      const { gigaflops, copyGigabytes } = await measureCeilings(bareLoop, settings.threads, signal);
      run.ceilings.gigaflops = Math.max(run.ceilings.gigaflops, gigaflops);
      run.ceilings.copyGigabytes = Math.max(run.ceilings.copyGigabytes, copyGigabytes);
    }
    for (const job of jobs) {
      if (round > 0 && job.benchCase.counts) continue;
      for (let i = 0; i < tools.length; i++) {
        const tool = tools[(round + i) % tools.length];
        const outcome = tool && job.record.outcomes[tool.name];
        if (!outcome || outcome.failure !== null) continue;
        const label = `round ${round + 1}/${settings.rounds}, ${job.benchCase.name}, ${toolTitles[tool.name]}`;
        await addSample(job, tool, outcome, { ...settings, signal, label, versions: run.versions });
      }
    }
  }
  return run;
}

/**
 * @param {Job} job
 * @param {import('./tools.mjs').Tool} tool
 * @param {import('./report.mjs').Outcome} outcome
 * @param {{ threads: number, device: string, retries: number, signal: AbortSignal, label: string, versions: Record<string, string> }} options
 */
async function addSample({ benchCase, workload, expected, bare }, tool, outcome, options) {
  const { threads, label, versions } = options;
  const onRetry = (/** @type {import('./measure.mjs').Sample} */ { others }) => {
    progress(`${label}: other processes kept ${(others ?? 0).toFixed(2)} cores busy; once more`);
  };
  try {
    const sample = await measure(tool, benchCase, workload, { ...options, onRetry });
    requireComparable(sample, threadsOf(benchCase, threads));
    const check = tool.name === 'bare' && bare !== null ? bare : { benchCase, expected };
    accept(outcome, check.benchCase, sample, check.expected, tool.points);
    noteVersions(versions, sample);
    progress(`${label}: ${digits(median(sample.milliseconds))} ms`);
  } catch (error) {
    if (!(error instanceof SetupError) || error instanceof Interrupted) throw error;
    outcome.failure = error.message.trim();
    progress(`${label}: FAILED: ${outcome.failure}`);
  }
}

/**
 * @param {import('./measure.mjs').Sample} sample
 * @param {number} threads
 */
function requireComparable(sample, threads) {
  const libtorch = release(builtLibtorch().version);
  if (release(sample.libtorch) !== libtorch || sample.threads !== threads) {
    throw new SetupError(
      'ERR_BENCH',
      `it ran libtorch ${sample.libtorch} with ${sample.threads} threads, not ${libtorch} with ${threads}`,
    );
  }
}

/**
 * Counts a sample that passes the gate.
 *
 * @param {import('./report.mjs').Outcome} outcome
 * @param {import('./cases.mjs').Case} benchCase
 * @param {import('./measure.mjs').Sample} sample
 * @param {Float64Array} expected
 * @param {import('./tools.mjs').Tool['points']} points
 */
function accept(outcome, benchCase, sample, expected, points) {
  const { deviation, passed, limit } = compare(benchCase, sample.result, expected, points);
  if (!passed) {
    throw new SetupError(
      'ERR_BENCH',
      `its result is ${deviation.toExponential(1)} off the reference, more than ${limit.toExponential(0)}`,
    );
  }
  const { products, residuals = [] } = sample;
  if (residuals.some((residual) => !(residual <= residualLimit))) {
    throw new SetupError('ERR_BENCH', `its residuals are ${residuals.join(', ')}, not all ${residualLimit}`);
  }
  if (products !== undefined) outcome.products.push(...products);
  if (sample.megabytes !== null) outcome.megabytes.push(sample.megabytes);
  if (residuals.length > 0) outcome.residuals.push(residuals);
  outcome.deviation = Math.max(outcome.deviation, deviation);
  outcome.busy ||= wasBusy(sample);
  outcome.rounds.push(sample.milliseconds);
}

/**
 * @param {Record<string, string>} versions
 * @param {object} sample
 */
function noteVersions(versions, sample) {
  for (const [name, value] of Object.entries(sample)) {
    // PyTorch names its build too.
    if (typeof value === 'string') versions[name] = name === 'libtorch' ? release(value) : value;
  }
}
