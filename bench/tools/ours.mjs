// Our engine through its public API; bench/run.mjs starts it and says with which flags.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import {
  Plane,
  analyseHessian,
  combine,
  customDirection,
  dataset,
  eigenpairs,
  hessian,
  libtorchVersion,
  loadModel,
  lossSurface,
  numThreads,
  objective,
  spectralDensity,
  version,
} from '../../dist/index.js';

const names = [
  ...['model', 'folder', 'shape', 'work', 'grid', 'steps', 'pairs', 'tolerance', 'dtype', 'units', 'warmup'],
  ...['repetitions', 'threads', 'result', 'device'],
];
const { values } = parseArgs({
  options: Object.fromEntries(names.map((name) => [name, { type: /** @type {const} */ ('string') }])),
});

/** @param {string} name */
function text(name) {
  const value = values[name];
  if (typeof value !== 'string') throw new Error(`flag --${name} is missing`);
  return value;
}

/** @param {string} name */
function readBytes(name) {
  const bytes = readFileSync(join(text('folder'), name));
  // Typed arrays want their bytes aligned.
  return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
}

await numThreads(Number(text('threads')));
// Others are ways to compute the points of a plane, with their error measured; the model stays in float32.
const dtype = text('dtype') === 'float64' ? 'float64' : 'float32';
const model = await loadModel(text('model'), { dtype, device: text('device') });
/** @type {Readonly<Record<string, { precision?: 'bf16' | 'tf32' }>>} */
const precisions = { bfloat16: { precision: 'bf16' }, tf32: { precision: 'tf32' } };
const precision = precisions[text('dtype')] ?? {};
const shape = text('shape').split(',').map(Number);
const loss = objective(
  model,
  dataset({
    inputs: { data: new Float32Array(readBytes('x.bin')), shape },
    targets: { data: new BigInt64Array(readBytes('y.bin')), shape: shape.slice(0, 1) },
  }),
);

/** @param {string} name */
const vector = (name) => model.vector(new Float32Array(readBytes(name)));

/** As the peers: the graph is always kept. */
const makeOperator = () => hessian(loss, { memoryBudget: 1e12 });

/** What the answer says besides times. */
let answer = {};

/**
 * MB of this process by /proc: VmRSS, what it takes now, or VmHWM, at its peak; null where there is no /proc.
 *
 * @param {'VmRSS' | 'VmHWM'} field
 */
function memory(field) {
  try {
    const [, kibibytes] =
      new RegExp(`${field}:\\s+(\\d+)`).exec(readFileSync('/proc/self/status', 'utf8')) ?? [];
    return (Number(kibibytes) * 1024) / 1e6;
  } catch {
    return null;
  }
}

/** Points along each axis of a plane, before what counts. */
const warmingPoints = 2;

/**
 * One repetition; what it returns turns into numbers after the timing.
 *
 * @typedef {(warming: boolean) => Promise<() => Promise<ArrayLike<number>>>} Step
 * @type {Readonly<Record<string, () => Promise<Step>>>}
 */
const works = {
  async point() {
    const plane = new Plane([
      await customDirection(await vector('d1.bin')),
      await customDirection(await vector('d2.bin')),
    ]);
    return async (warming) => {
      const points = warming ? warmingPoints : Number(text('grid'));
      const surface = await lossSurface(loss, plane, { range: [-1, 1], points, ...precision });
      return async () => [surface.modelLoss, ...surface.loss];
    };
  },
  async surface() {
    const raw = [await vector('r1.bin'), await vector('r2.bin')];
    return async (warming) => {
      const points = warming ? warmingPoints : Number(text('grid'));
      const [first, second] = await Promise.all(
        raw.map((axis) => customDirection(axis, { normalization: 'filter' })),
      );
      if (!first || !second) throw new Error('no plane');
      const plane = new Plane([first, second]);
      const surface = await lossSurface(loss, plane, { range: [-1, 1], points, ...precision });
      plane.dispose();
      return async () => [surface.modelLoss, ...surface.loss];
    };
  },
  async hvp() {
    const operator = makeOperator();
    const v = await vector('v.bin');
    /** @type {import('../../dist/index.js').ParameterVector | undefined} */
    let product;
    return async () => {
      product?.dispose();
      const [next] = await operator.apply([v]);
      if (!next) throw new Error('no product');
      product = next;
      return () => next.toArray();
    };
  },
  lanczos: density,
  slq: density,
  trace: traces,
  async eigenpairs() {
    const operator = makeOperator();
    const k = Number(text('pairs'));
    const tolerance = Number(text('tolerance'));
    /** @type {number[]} */
    const products = [];
    return async (warming) => {
      if (warming) {
        (await operator.apply([await vector('v.bin')]))[0]?.dispose();
        return async () => [];
      }
      // Verifying products, where there are any, count.
      const options = { k, seed: products.length, ...(tolerance > 0 ? { tolerance } : {}) };
      const pairs = await eigenpairs(operator, options);
      if (!pairs.allConverged) throw new Error('not all pairs converged');
      products.push(pairs.numProducts);
      const { values, vectors } = pairs;
      return async () => {
        const residuals = [];
        for (const [i, vector] of vectors.entries()) {
          const [product] = await operator.apply([vector]);
          if (!product) throw new Error('no product');
          const rest = await combine([product, vector], [1, -(values[i] ?? NaN)]);
          residuals.push((await rest.norm()) / Math.abs(values[0] ?? NaN));
          product.dispose();
          rest.dispose();
        }
        pairs.dispose();
        answer = { products, residuals };
        // PyHessian goes on to the same.
        writeFileSync(join(text('folder'), 'residuals.bin'), Float64Array.from(residuals));
        return values;
      };
    };
  },
};

/**
 * By a Krylov subspace and probes of the rest, another seed every time.
 *
 * @returns {Promise<Step>}
 */
async function traces() {
  const operator = makeOperator();
  /** @type {number[]} */
  const values = [];
  /** @type {number[]} */
  const products = [];
  answer = { products };
  return async () => {
    const analysis = await analyseHessian(operator, {
      steps: Number(text('steps')),
      probes: 1,
      k: 1,
      maxProducts: 0,
      verify: false,
      relativeError: Number(text('tolerance')),
      maxTraceProbes: 5000,
      seed: products.length,
    });
    if (!analysis.trace.converged) throw new Error('the trace is not as exact as asked for');
    values.push(analysis.trace.value);
    products.push(analysis.numProducts);
    analysis.dispose();
    return async () => values;
  };
}

/** @returns {Promise<Step>} */
async function density() {
  const operator = makeOperator();
  const steps = Number(text('steps'));
  return async (warming) => {
    const spectrum = await spectralDensity(operator, { steps: warming ? 2 : steps, probes: 1, seed: 0 });
    return async () => spectrum.nodes[0] ?? [];
  };
}

const loaded = memory('VmRSS');
const step = await works[text('work')]?.();
if (!step) throw new Error(`--work ${text('work')} is unknown`);
for (let i = 0; i < Number(text('warmup')); i++) await step(true);
const milliseconds = [];
let read;
for (let i = 0; i < Number(text('repetitions')); i++) {
  const begin = performance.now();
  read = await step(false);
  milliseconds.push((performance.now() - begin) / Number(text('units')));
}
writeFileSync(text('result'), Float64Array.from((await read?.()) ?? []));
const peak = memory('VmHWM');
console.log(
  JSON.stringify({
    lossatlas: version(),
    libtorch: libtorchVersion(),
    node: process.versions.node,
    threads: await numThreads(),
    milliseconds,
    megabytes: peak === null || loaded === null ? null : peak - loaded,
    ...answer,
  }),
);
