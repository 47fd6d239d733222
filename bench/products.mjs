// Counts Hessian-vector products, which machines and noise do not change: eigenpairs beside power iteration, the trace to
// 1 % beside Hutchinson's estimator.
//   npm run bench:products [-- digits lenet5 resnet20]
// Nets whose files of ../shared/data are not there are left out. Everything in float64.
import { parseArgs } from 'node:util';
import { runMain, say, SetupError } from '../scripts/console.mjs';
import { analyseHessian, combine, eigenpairs, hessian, trace } from '../dist/index.js';
import { digits, lenet5, resnet20 } from './nets.mjs';
import { summarize } from './statistics.mjs';

/**
 * @typedef {import('../dist/index.js').LinearOperator} LinearOperator
 * @typedef {import('../dist/index.js').ParameterVector} ParameterVector
 * @typedef {{ title: string, operator: LinearOperator, numSamples: number }} Measured
 */

const dtype = 'float64';
const pairCounts = [1, 5, 10];
const mostPairs = Math.max(...pairCounts);
const pairTolerances = [1e-3, 1e-6];
const traceError = 0.01;
/** Power iteration gives a pair up there. */
const maxProducts = 1000;
/** Lanczos steps before the probes of the trace. */
const stepCounts = [30, 100];
/** Of Hutchinson's estimator, to know its variance. */
const varianceProbes = 100;

/** @type {Readonly<Record<string, () => Promise<import('./nets.mjs').Net | null>>>} */
const makers = {
  digits: () => digits(360, 'test', { dtype }),
  lenet5: () => lenet5(64, { dtype }),
  resnet20: () => resnet20(32, 'eval', { dtype }),
};

/**
 * @typedef {{ products: number, isWhole: boolean, values: readonly number[] }} Count `isWhole`: no pair was given up
 */

/**
 * Products that power iteration takes until the residual on the rest of the space is small, which the products tell for
 * nothing: for 1, 2, … pairs of largest |λ| with deflation by orthogonalisation, as LLA and PyHessian run it; and for both
 * ends, by the first pair and then H less its eigenvalue, as Li et al. do.
 *
 * @param {LinearOperator} operator
 * @param {number} tolerance
 * @returns {Promise<{ pairs: Count[], ends: Count }>}
 */
async function countPowerIteration(operator, tolerance) {
  /** @type {ParameterVector[]} */
  const found = [];
  /** @type {Count[]} */
  const pairs = [];
  let largest = 0;
  /**
   * @param {number} stream of the start vector
   * @param {number} shift
   */
  const iterate = async (stream, shift) => {
    const others = shift === 0 ? found : [];
    let v = await deflated(await operator.space.randomVector('gaussian', 1, stream), others);
    for (let products = 1; ; products++) {
      const [product] = await operator.apply([v]);
      if (product === undefined) throw new SetupError('ERR_BENCH', 'the operator gives no product');
      const shifted = await combine([product, v], [1, -shift]);
      product.dispose();
      const value = await shifted.dot(v);
      const next = await deflated(shifted, others, false);
      const rest = await combine([next, v], [1, -value]);
      const residual = await rest.norm();
      rest.dispose();
      if (shift === 0) largest = Math.max(largest, Math.abs(value));
      const isFound = residual <= tolerance * largest;
      if (isFound || products === maxProducts) {
        next.dispose();
        return { vector: v, value, products, isFound };
      }
      v.dispose();
      v = await next.scale(1 / (await next.norm()));
      next.dispose();
    }
  };
  let shift = 0;
  for (let pair = 0; pair < mostPairs; pair++) {
    const { vector, value, products, isFound } = await iterate(pair, 0);
    if (pair === 0) shift = value;
    const before = pairs[pair - 1] ?? { products: 0, isWhole: true, values: [] };
    pairs.push({
      products: before.products + products,
      isWhole: before.isWhole && isFound,
      values: [...before.values, value],
    });
    found.push(vector);
  }
  const other = await iterate(mostPairs, shift);
  const first = pairs[0] ?? { products: NaN, isWhole: false, values: [] };
  const ends = {
    products: first.products + other.products,
    isWhole: first.isWhole && other.isFound,
    values: [...first.values, other.value + shift],
  };
  for (const vector of [...found, other.vector]) vector.dispose();
  return { pairs, ends };
}

/**
 * Consumes the vector.
 *
 * @param {ParameterVector} vector
 * @param {readonly ParameterVector[]} found orthonormal
 */
async function deflated(vector, found, isUnit = true) {
  const overlaps = [];
  for (const other of found) overlaps.push(-(await vector.dot(other)));
  const rest = await combine([vector, ...found], [1, ...overlaps]);
  vector.dispose();
  if (!isUnit) return rest;
  const unit = await rest.scale(1 / (await rest.norm()));
  rest.dispose();
  return unit;
}

/** @param {Measured} net */
async function pairsRows({ title, operator }) {
  const rows = [];
  for (const tolerance of pairTolerances) {
    const theirs = await countPowerIteration(operator, tolerance);
    const wanted = [
      ...pairCounts.map((k) => ({ what: String(k), k, which: /** @type {const} */ ('largest-magnitude') })),
      { what: 'both ends', k: 2, which: /** @type {const} */ ('both-ends') },
    ];
    for (const { what, k, which } of wanted) {
      const options = { k, which, tolerance, verify: false, seed: 1 };
      const alone = await eigenpairs(operator, options);
      const analysis = await analyseHessian(operator, { ...options, steps: 100, probes: 1 });
      if (!alone.allConverged || !analysis.eigenpairs.allConverged)
        throw new SetupError('ERR_BENCH', `${title}: not all pairs converged`);
      const peer = which === 'both-ends' ? theirs.ends : theirs.pairs[k - 1];
      // A small residual says that a pair is one, not that it is the largest that is left.
      const isSame = agree(alone.values, peer?.values ?? [], tolerance);
      const bound = peer?.isWhole ? '' : '> ';
      rows.push([
        title,
        tolerance.toExponential(),
        what,
        alone.numProducts,
        `${bound}${peer?.products}`,
        isSame || bound !== ''
          ? `${bound}${ratioOf(peer?.products ?? NaN, alone.numProducts)}`
          : 'other pairs',
        analysis.eigenpairs.numProducts,
      ]);
      alone.dispose();
      analysis.dispose();
    }
  }
  return rows;
}

/**
 * Whether both found the same eigenvalues, as far as residuals tell.
 *
 * @param {Float64Array} ours
 * @param {readonly number[]} theirs
 * @param {number} tolerance
 */
function agree(ours, theirs, tolerance) {
  const sorted = [[...ours], [...theirs]].map((values) => values.sort((a, b) => a - b));
  const scale = Math.max(...ours.map(Math.abs));
  return (
    sorted[0]?.every((value, i) => Math.abs(value - (sorted[1]?.[i] ?? NaN)) <= 2 * tolerance * scale) ??
    false
  );
}

/** @param {Measured} net */
async function traceRows({ title, operator }) {
  const budget = { minProbes: varianceProbes, maxProbes: varianceProbes, seed: 2 };
  const plain = await trace(operator, budget);
  const rows = [];
  for (const steps of stepCounts) {
    const options = { steps, probes: 1, k: 1, maxProducts: 0, verify: false, seed: 1 };
    const analysis = await analyseHessian(operator, {
      ...options,
      relativeError: traceError,
      maxTraceProbes: 5000,
    });
    const { value, low, high } = analysis.trace;
    const theirs = varianceProbes * (plain.standardError / (traceError * Math.abs(value))) ** 2;
    rows.push([
      title,
      steps,
      analysis.numProducts - steps,
      analysis.numProducts,
      Math.round(theirs),
      ratioOf(theirs, analysis.numProducts),
      `${value.toPrecision(4)} (${low.toPrecision(4)} to ${high.toPrecision(4)})`,
    ]);
    analysis.dispose();
  }
  return rows;
}

/**
 * The trace of nets that are affine in each parameter, by gradients: exact, so that it has no error to wait for.
 *
 * @param {Measured} net
 */
async function exactRow({ title, operator, numSamples }) {
  const plain = await trace(operator, { minProbes: varianceProbes, maxProbes: varianceProbes, seed: 2 });
  const probe = await operator.space.randomVector('rademacher', 1);
  const product = await millisecondsOf(async () => {
    const [out] = await operator.apply([probe]);
    out?.dispose();
  });
  let value = NaN;
  let numGradients = NaN;
  const gradients = await millisecondsOf(async () => {
    ({ value, numProducts: numGradients } = await trace(operator, { method: 'gradient', exact: true }));
  });
  const theirs = varianceProbes * (plain.standardError / (traceError * Math.abs(value))) ** 2;
  const inProducts = gradients / product;
  return [
    title,
    numGradients,
    numGradients / numSamples,
    inProducts.toPrecision(2),
    Math.round(theirs),
    ratioOf(theirs, inProducts),
    value.toPrecision(7),
  ];
}

/**
 * The median of three, after one that warms up.
 *
 * @param {() => Promise<void>} run
 */
async function millisecondsOf(run) {
  const times = [];
  for (let i = 0; i < 4; i++) {
    const begin = performance.now();
    await run();
    if (i > 0) times.push(performance.now() - begin);
  }
  return summarize([times]).median;
}

/**
 * @param {number} theirs
 * @param {number} ours
 */
function ratioOf(theirs, ours) {
  return `${(theirs / ours).toPrecision(2)} ×`;
}

/**
 * @param {string} title
 * @param {readonly string[]} head
 * @param {readonly (readonly (string | number)[])[]} rows
 */
function printTable(title, head, rows) {
  console.log(`\n${title}\n`);
  for (const row of [head, head.map(() => '---'), ...rows]) console.log(`| ${row.join(' | ')} |`);
}

await runMain(async () => {
  const { positionals } = parseArgs({ allowPositionals: true });
  const unknown = positionals.find((name) => !Object.hasOwn(makers, name));
  if (unknown !== undefined) {
    const known = Object.keys(makers).join(', ');
    throw new SetupError('ERR_BENCH', `there is no net '${unknown}'; there are ${known}`);
  }
  const pairs = [];
  const traces = [];
  const exact = [];
  for (const [name, make] of Object.entries(makers)) {
    if (positionals.length > 0 && !positionals.includes(name)) continue;
    const net = await make();
    if (net === null) {
      say(`bench: ${name} is left out: its files are not in ../shared/data`);
      continue;
    }
    const { title, loss, at } = net;
    const measured = { title, operator: hessian(loss, { at }), numSamples: loss.data.numSamples };
    say(`bench: ${name}, eigenpairs`);
    pairs.push(...(await pairsRows(measured)));
    say(`bench: ${name}, trace`);
    traces.push(...(await traceRows(measured)));
    exact.push(await exactRow(measured));
  }
  printTable(
    'A2. Products to the eigenpairs of largest |λ|, and to both ends, until residuals are at most tolerance · max |λ|',
    ['net', 'tolerance', 'pairs', '`eigenpairs`', 'power iteration', 'ratio', 'more after 100 Lanczos steps'],
    pairs,
  );
  printTable(
    `A3. Products to a standard error of ${100 * traceError} % of the trace`,
    ['net', 'Lanczos steps', 'probes after them', 'together', 'Hutchinson', 'ratio', 'trace'],
    traces,
  );
  printTable(
    `A3. The exact trace by gradients, beside Hutchinson's products to ${100 * traceError} %; its time in products is measured`,
    ['net', 'gradients of one sample', 'of all samples', 'time in products', 'Hutchinson', 'ratio', 'trace'],
    exact,
  );
  return 0;
});
