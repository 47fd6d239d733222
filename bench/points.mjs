// Points of a plane several at once, one a thread, beside one after the other on all threads: in turn, in one process.
//   npm run bench:points [-- --rounds 5 --json]
import { parseArgs } from 'node:util';
import { lossSurface, randomPlane } from '../dist/index.js';
import { runMain } from '../scripts/console.mjs';
import { alternate, rowOf } from './alternate.mjs';
import { describeMachine } from './machine.mjs';
import { digits, lenet, resnet18, resnet20 } from './nets.mjs';

/** Nets, points along an axis, and precisions; those whose files are not here are left out. */
const cases = /** @type {const} */ ([
  { make: () => digits(360), points: 41, precisions: [undefined] },
  { make: () => lenet(256), points: 21, precisions: [undefined] },
  { make: () => lenet(2048), points: 11, precisions: [undefined] },
  { make: () => resnet20(128), points: 8, precisions: [undefined, 'bf16'] },
  { make: () => resnet20(128, 'train'), points: 8, precisions: [undefined] },
  { make: () => resnet18(), points: 6, precisions: [undefined, 'bf16'] },
]);

await runMain(async () => {
  const { values } = parseArgs({
    options: { rounds: { type: 'string', default: '5' }, json: { type: 'boolean', default: false } },
  });
  /** @type {Record<string, unknown>[]} */
  const records = [];
  if (!values.json)
    console.log('| net | ms a point | one after the other | ratio |\n| --- | --- | --- | --- |');
  for (const { make, points, precisions } of cases) {
    const net = await make();
    if (net === null) continue;
    const plane = await randomPlane(net.loss.model, { at: net.at, seed: 1 });
    for (const precision of precisions) {
      const settings = { points, ...(precision === undefined ? {} : { precision }) };
      const options = {
        variable: 'LOSSATLAS_POINTS',
        rounds: Number(values.rounds),
        units: points ** 2,
        tolerance: 1e-5,
      };
      const result = await alternate(
        options,
        async () => (await lossSurface(net.loss, plane, settings)).loss,
      );
      const title = precision === undefined ? net.title : `${net.title}, bfloat16`;
      records.push({ title, points, ...result });
      if (!values.json) console.log(rowOf(title, result, 2));
    }
    net.loss.dispose();
  }
  if (values.json) console.log(JSON.stringify({ machine: describeMachine(), records }, null, 2));
  return 0;
});
