// A1 of the protocol: how far spectra of equal cost are from the exact one, which machines and noise do not change: ours, and
// what LLA and PyHessian compute from the same products, by the presets that reproduce them (tested against both programs).
//   npm run bench:accuracy
import { join } from 'node:path';
import { runMain, say } from '../scripts/console.mjs';
import { root } from '../scripts/project.mjs';
import {
  denseEigen,
  denseMatrix,
  hessian,
  llaSpectralDensity,
  loadModel,
  loadNpz,
  objective,
  pyhessianSpectralDensity,
  spectralDensity,
} from '../dist/index.js';

const steps = 100;
const seeds = Array.from({ length: 11 }, (_, i) => i + 1);
/** Nodes as close to the largest as this, relative to it, are copies of it. */
const sameAs = 1e-6;

/**
 * @typedef {{ nodes: readonly Float64Array[], weights: readonly Float64Array[] }} Spectrum
 * @typedef {{ distance: number, ratio: number, kh05: number, kh1: number, ghosts: number }} Errors
 */

/** Of a list that is not empty. */
const first = (/** @type {Float64Array} */ list) => list[0] ?? NaN;
const last = (/** @type {Float64Array} */ list) => list.at(-1) ?? NaN;

/**
 * Nodes and weights of all probes together, of total weight 1.
 *
 * @param {Spectrum} spectrum
 */
function massesOf({ nodes, weights }) {
  return nodes.flatMap((list, i) =>
    Array.from(list, (at, j) => ({ at, by: (weights[i]?.[j] ?? NaN) / nodes.length })),
  );
}

/**
 * ∫ |F − G| dλ of the two distribution functions, as a share of the width of the spectrum (the first Wasserstein distance).
 *
 * @param {Spectrum} spectrum
 * @param {Float64Array} exact
 */
function distance(spectrum, exact) {
  const opposite = Array.from(exact, (at) => ({ at, by: -1 / exact.length }));
  const jumps = [...massesOf(spectrum), ...opposite].sort((a, b) => a.at - b.at);
  let sum = 0;
  let difference = 0;
  let before = first(exact);
  for (const { at, by } of jumps) {
    sum += Math.abs(difference) * (at - before);
    difference += by;
    before = at;
  }
  return sum / (last(exact) - first(exact));
}

/**
 * Σ w|λ|ⁿ below 0 over the same above, which is what KHn is of the spectrum itself.
 *
 * @param {Spectrum} spectrum
 * @param {number} n
 */
function ratioOfMasses(spectrum, n) {
  let [below, above] = [0, 0];
  for (const { at, by } of massesOf(spectrum)) {
    if (at < 0) below += by * (-at) ** n;
    else above += by * at ** n;
  }
  return below / above;
}

/**
 * @param {Spectrum} spectrum
 * @param {Float64Array} exact
 * @returns {Errors}
 */
function errorsOf(spectrum, exact) {
  const { nodes } = spectrum;
  const mean = (/** @type {(list: Float64Array) => number} */ of) =>
    nodes.reduce((sum, list) => sum + of(list), 0) / nodes.length;
  const ends = (/** @type {Float64Array} */ list) => Math.abs(first(list) / last(list));
  const truth = { nodes: [exact], weights: [new Float64Array(exact.length).fill(1 / exact.length)] };
  const relative = (/** @type {number} */ value, /** @type {number} */ right) => Math.abs(value / right - 1);
  const khOf = (/** @type {number} */ n) => relative(ratioOfMasses(spectrum, n), ratioOfMasses(truth, n));
  return {
    distance: distance(spectrum, exact),
    ratio: relative(mean(ends), ends(exact)),
    kh05: khOf(0.5),
    kh1: khOf(1),
    ghosts: mean((list) => list.filter((node) => last(list) - node <= sameAs * last(list)).length - 1),
  };
}

/** @param {number[]} values */
function median(values) {
  return values.sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;
}

await runMain(async () => {
  const folder = join(root, 'examples', 'digits');
  const model = await loadModel(join(folder, 'digits.script.pt'), { dtype: 'float64' });
  const data = await loadNpz(join(folder, 'digits.npz'), {
    inputs: 'x_test',
    targets: 'y_test',
    scale: 1 / 16,
  });
  const operator = hessian(objective(model, data));
  say('bench: the exact spectrum');
  const { values: exact } = await denseEigen(await denseMatrix(operator));
  /** @type {Readonly<Record<string, (probes: number, seed: number) => Promise<Spectrum>>>} */
  const tools = {
    lossatlas: (probes, seed) => spectralDensity(operator, { steps, probes, seed }),
    'LLA (last 11 vectors)': (probes, seed) => llaSpectralDensity(operator, { steps, probes, seed }),
    PyHessian: (probes, seed) => pyhessianSpectralDensity(operator, { steps, probes, seed }),
  };
  console.log(
    `\nA1. Errors of spectra of ${steps} Lanczos steps; digits, 120 images, float64, medians of ${seeds.length} seeds\n`,
  );
  console.log('| products | tool | distance / width | re | KH05 | KH1 | copies of λ max |');
  console.log('| --- | --- | --- | --- | --- | --- | --- |');
  for (const probes of [1, 10]) {
    for (const [name, compute] of Object.entries(tools)) {
      say(`bench: ${name}, ${probes} probes`);
      /** @type {Errors[]} */
      const all = [];
      for (const seed of seeds) all.push(errorsOf(await compute(probes, seed), exact));
      const of = (/** @type {keyof Errors} */ key) => median(all.map((errors) => errors[key]));
      const cells = [of('distance'), of('ratio'), of('kh05'), of('kh1')].map((value) =>
        value.toExponential(1),
      );
      console.log(`| ${probes * steps} | ${name} | ${cells.join(' | ')} | ${of('ghosts')} |`);
    }
  }
  return 0;
});
