// Convolutions by Winograd's filtering beside libtorch's: points of a plane and Hessian products, in turn, in one process.
//   npm run bench:winograd [-- --rounds 5 --json]
import { parseArgs } from 'node:util';
import { hessian, lossSurface, randomPlane } from '../dist/index.js';
import { runMain } from '../scripts/console.mjs';
import { alternate, rowOf } from './alternate.mjs';
import { describeMachine } from './machine.mjs';
import { resnet18, resnet20 } from './nets.mjs';

/** Nets and points along an axis; those whose files are not here are left out. */
const cases = [
  { make: () => resnet20(128), points: 6 },
  { make: () => resnet18(), points: 4 },
];
const variable = 'LOSSATLAS_WINOGRAD';
const products = 4;

/**
 * @param {import('./nets.mjs').Net} net
 * @param {number} rounds
 */
async function measureProducts({ loss, at }, rounds) {
  const operator = hessian(loss, { at, memoryBudget: 1e12 });
  const v = await loss.model.randomVector('rademacher', 1);
  try {
    return await alternate({ variable, rounds, units: products, tolerance: 1e-4 }, async () => {
      const values = [];
      for (let i = 0; i < products; i++) {
        const [product] = await operator.apply([v]);
        if (product === undefined) throw new Error('no product');
        values.push(await product.norm(), await product.dot(v));
        product.dispose();
      }
      return Float64Array.from(values);
    });
  } finally {
    v.dispose();
    operator.dispose();
  }
}

await runMain(async () => {
  const { values } = parseArgs({
    options: { rounds: { type: 'string', default: '5' }, json: { type: 'boolean', default: false } },
  });
  const rounds = Number(values.rounds);
  /** @type {Record<string, unknown>[]} */
  const records = [];
  /**
   * @param {string} title
   * @param {Awaited<ReturnType<typeof alternate>>} result
   */
  const report = (title, result) => {
    records.push({ title, ...result });
    if (!values.json) console.log(rowOf(title, result));
  };
  if (!values.json) console.log('| work | ms | by libtorch | ratio |\n| --- | --- | --- | --- |');
  for (const { make, points } of cases) {
    const net = await make();
    if (net === null) continue;
    const plane = await randomPlane(net.loss.model, { at: net.at, seed: 1 });
    for (const precision of /** @type {const} */ ([undefined, 'bf16'])) {
      const settings = { points, ...(precision === undefined ? {} : { precision }) };
      const tolerance = precision === undefined ? 1e-5 : 1e-2;
      const result = await alternate(
        { variable, rounds, units: points ** 2, tolerance },
        async () => (await lossSurface(net.loss, plane, settings)).loss,
      );
      report(`${net.title}, a point${precision === undefined ? '' : ' in bfloat16'}`, result);
    }
    report(`${net.title}, a Hessian product`, await measureProducts(net, rounds));
    net.loss.dispose();
  }
  if (values.json) console.log(JSON.stringify({ machine: describeMachine(), records }, null, 2));
  return 0;
});
