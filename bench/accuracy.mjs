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
const seeds = [1, 2, 3, 4, 5];
/** Nodes as close to the largest as this, relative to it, are copies of it. */
const sameAs = 1e-6;

/**
 * @typedef {{ nodes: readonly Float64Array[], weights: readonly Float64Array[] }} Spectrum
 * @typedef {{ distance: number, ratio: number, kh05: number, kh1: number, ghosts: number }} Errors
 */

/**
 * ∫ |F − G| dλ of the two distribution functions, as a share of the width of the spectrum (the first Wasserstein distance).
 *
 * @param {Spectrum} spectrum
 * @param {Float64Array} exact
 */
function distance({ nodes, weights }, exact) {
  const share = 1 / nodes.length;
  const jumps = nodes.flatMap((list, i) =>
    Array.from(list, (node, j) => ({ at: node, by: share * weights[i][j] })),
  );
  for (const value of exact) jumps.push({ at: value, by: -1 / exact.length });
  jumps.sort((a, b) => a.at - b.at);
  let sum = 0;
  let difference = 0;
  for (const [i, { at, by }] of jumps.entries()) {
    if (i > 0) sum += Math.abs(difference) * (at - jumps[i - 1].at);
    difference += by;
  }
  return sum / (exact[exact.length - 1] - exact[0]);
}

/**
 * Σ w|λ|ⁿ below 0 over the same above, which is what KHn is of the spectrum itself.
 *
 * @param {Spectrum} spectrum
 * @param {number} n
 */
function ratioOfMasses({ nodes, weights }, n) {
  let [below, above] = [0, 0];
  for (const [i, list] of nodes.entries()) {
    for (const [j, node] of list.entries()) {
      if (node < 0) below += weights[i][j] * (-node) ** n;
      else above += weights[i][j] * node ** n;
    }
  }
  return below / above;
}

/**
 * @param {Spectrum} spectrum
 * @param {Float64Array} exact
 * @returns {Errors}
 */
function errorsOf(spectrum, exact) {
  const mean = (/** @type {(probe: number) => number} */ of) =>
    spectrum.nodes.reduce((sum, _, i) => sum + of(i), 0) / spectrum.nodes.length;
  const ends = (/** @type {Float64Array} */ list) => Math.abs(list[0] / list[list.length - 1]);
  const truth = { nodes: [exact], weights: [new Float64Array(exact.length).fill(1 / exact.length)] };
  const relative = (/** @type {number} */ value, /** @type {number} */ right) => Math.abs(value / right - 1);
  const khOf = (/** @type {number} */ n) => relative(ratioOfMasses(spectrum, n), ratioOfMasses(truth, n));
  return {
    distance: distance(spectrum, exact),
    ratio: relative(
      mean((i) => ends(spectrum.nodes[i])),
      ends(exact),
    ),
    kh05: khOf(0.5),
    kh1: khOf(1),
    ghosts: mean((i) => {
      const list = spectrum.nodes[i];
      const top = list[list.length - 1];
      return list.filter((node) => top - node <= sameAs * top).length - 1;
    }),
  };
}

/** @param {number[]} values */
function median(values) {
  return values.sort((a, b) => a - b)[Math.floor(values.length / 2)];
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
    `\nA1. Errors of spectra of ${steps} Lanczos steps; digits, 360 images, float64, medians of ${seeds.length} seeds\n`,
  );
  console.log('| products | tool | distance / width | re | KH05 | KH1 | copies of λ max |');
  console.log('| --- | --- | --- | --- | --- | --- | --- |');
  for (const probes of [1, 10]) {
    for (const [name, compute] of Object.entries(tools)) {
      say(`bench: ${name}, ${probes} probes`);
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
