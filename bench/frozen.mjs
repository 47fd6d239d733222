// Points of a plane in which the first layers of ResNet-20 stand still, beside the whole forward pass at every point: in
// turn, in one process, at the same bits.
//   npm run bench:frozen [-- --rounds 5 --samples 128 --threads 2 --json]
import { parseArgs } from 'node:util';
import { lossSurface, numThreads, randomPlane } from '../dist/index.js';
import { runMain, SetupError } from '../scripts/console.mjs';
import { alternate, rowOf } from './alternate.mjs';
import { describeMachine } from './machine.mjs';
import { resnet20 } from './nets.mjs';

const variable = 'LOSSATLAS_FROZEN_PREFIX';
/** Layers that move, and patterns of those that stand still. */
const cases = [
  { moves: 'layer2, layer3 and the last', freeze: ['conv1*', 'bn1*', 'layer1*'] },
  { moves: 'layer3 and the last', freeze: ['conv1*', 'bn1*', 'layer1*', 'layer2*'] },
  { moves: 'the last layer', freeze: ['conv1*', 'bn1*', 'layer*'] },
];
const points = 5;

await runMain(async () => {
  const { values } = parseArgs({
    options: {
      rounds: { type: 'string', default: '5' },
      samples: { type: 'string', default: '128' },
      threads: { type: 'string', default: '2' },
      json: { type: 'boolean', default: false },
    },
  });
  await numThreads(Number(values.threads));
  const net = await resnet20(Number(values.samples));
  if (net === null)
    throw new SetupError('ERR_BENCH', 'ResNet-20 or the CIFAR images are not on this machine');
  /** @type {Record<string, unknown>[]} */
  const records = [];
  if (!values.json)
    console.log('| what moves | ms a point | whole passes | ratio |\n| --- | --- | --- | --- |');
  for (const { moves, freeze } of cases) {
    const plane = await randomPlane(net.loss.model, { seed: 1, freeze });
    const options = { variable, rounds: Number(values.rounds), units: points ** 2 };
    const result = await alternate(
      options,
      async () => (await lossSurface(net.loss, plane, { points })).loss,
    );
    records.push({ moves, ...result });
    if (!values.json) console.log(rowOf(moves, result));
  }
  if (values.json) console.log(JSON.stringify({ machine: describeMachine(), records }, null, 2));
  return 0;
});
