// The part of a Lanczos step that is no product: a vector against the rows of a basis, by our kernel and by libtorch's
// operators, in turn in one process.
//   npm run bench:orthogonalization [-- --rounds 5 --rows 50 --json]
import { parseArgs } from 'node:util';
import { hessian } from '../dist/index.js';
import { KrylovBasis } from '../dist/spectrum/krylov-basis.js';
import { runMain } from '../scripts/console.mjs';
import { alternate, rowOf } from './alternate.mjs';
import { describeMachine } from './machine.mjs';
import { digits, lenet, resnet18, resnet20 } from './nets.mjs';

/** Nets, and how often a round does it; those whose files are not here are left out. */
const cases = /** @type {const} */ ([
  { make: () => digits(360), units: 500 },
  { make: () => lenet(256), units: 100 },
  { make: () => resnet20(128), units: 30 },
  { make: () => resnet18(), units: 3 },
]);

await runMain(async () => {
  const { values } = parseArgs({
    options: {
      rounds: { type: 'string', default: '5' },
      rows: { type: 'string', default: '50' },
      json: { type: 'boolean', default: false },
    },
  });
  const numRows = Number(values.rows);
  /** @type {Record<string, unknown>[]} */
  const records = [];
  if (!values.json)
    console.log(`| numbers, ${numRows} rows | ms | libtorch | ratio |\n| --- | --- | --- | --- |`);
  for (const { make, units } of cases) {
    const net = await make();
    if (net === null) continue;
    const operator = hessian(net.loss);
    const basis = await KrylovBasis.create(operator.space, numRows);
    for (let i = 0; i < numRows; i++) {
      const start = await operator.space.randomVector('gaussian', i);
      await basis.extend(start, 1e-6);
      start.dispose();
    }
    const vector = await operator.space.randomVector('gaussian', numRows);
    // Nearly all of a random vector lies outside the basis, and most of this one within.
    const [combination] = await basis.combine([new Float64Array(numRows).fill(await vector.norm())]);
    if (combination === undefined) throw new Error('no combination');
    const within = await combination.toArray();
    const inside = await operator.space.vector(
      (await vector.toArray()).map((x, i) => x + (within[i] ?? NaN)),
    );
    for (const [kind, candidate] of /** @type {const} */ ([
      ['one pass', vector],
      ['two passes', inside],
    ])) {
      const options = {
        variable: 'LOSSATLAS_GRAM_SCHMIDT',
        rounds: Number(values.rounds),
        units,
        tolerance: 1e-4,
      };
      const result = await alternate(options, async () => {
        /** @type {number[]} */
        const norms = [];
        for (let i = 0; i < units; i++) norms.push((await basis.extend(candidate, 1e-6)).norm);
        return Float64Array.from(norms);
      });
      const title = `${operator.space.size}, ${kind}`;
      records.push({ title, numRows, ...result });
      if (!values.json) console.log(rowOf(title, result, 3));
    }
    net.loss.dispose();
  }
  if (values.json) console.log(JSON.stringify({ machine: describeMachine(), records }, null, 2));
  return 0;
});
