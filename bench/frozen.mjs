// Points of a plane in which the first layers of ResNet-20 stand still, beside the whole forward pass at every point: in
// turn, in one process, at the same bits.
//   npm run bench:frozen [-- --rounds 5 --samples 128 --threads 2 --json]
import { parseArgs } from 'node:util';
import { loadCifar, loadModel, lossSurface, numThreads, objective, randomPlane } from '../dist/index.js';
import { runMain, SetupError } from '../scripts/console.mjs';
import { sharedFile } from './images.mjs';
import { describeMachine } from './machine.mjs';
import { ratio, summarize } from './statistics.mjs';

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
  const images = sharedFile('cifar10/cifar10_jpeg_test_5000.bin');
  const file = sharedFile('torchscript/resnet20_cifar10.script.pt');
  if (images === null || file === null)
    throw new SetupError('ERR_BENCH', 'ResNet-20 or the CIFAR images are not on this machine');
  await numThreads(Number(values.threads));
  const model = await loadModel(file);
  const standardised = { scale: 1 / 255, mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };
  const loss = objective(model, await loadCifar(images, { limit: Number(values.samples), ...standardised }));
  /** @type {Record<string, unknown>[]} */
  const records = [];
  if (!values.json)
    console.log('| what moves | ms a point | whole passes | ratio |\n| --- | --- | --- | --- |');
  for (const { moves, freeze } of cases) {
    const plane = await randomPlane(model, { seed: 1, freeze });
    /** @type {[number[], number[]]} */
    const times = [[], []];
    /** @type {(Float64Array | undefined)[]} */
    const losses = [];
    // The first round warms up.
    for (let round = 0; round <= Number(values.rounds); round++) {
      /** @type {readonly (0 | 1)[]} */
      const order = round % 2 === 0 ? [0, 1] : [1, 0];
      for (const i of order) {
        if (i === 1) process.env[variable] = 'libtorch';
        else delete process.env[variable];
        const begin = performance.now();
        losses[i] = (await lossSurface(loss, plane, { points })).loss;
        if (round > 0) times[i].push((performance.now() - begin) / points ** 2);
      }
    }
    if (losses[0]?.some((value, p) => value !== losses[1]?.[p]) ?? true)
      throw new SetupError('ERR_BENCH', `${moves}: the losses differ`);
    const [ours, whole] = [summarize([times[0]]), summarize([times[1]])];
    const relative = ratio(
      times[1].map((t) => [t]),
      times[0].map((t) => [t]),
    );
    records.push({ moves, ours, whole, ...relative });
    if (!values.json)
      console.log(
        `| ${moves} | ${ours.median.toFixed(1)} (${ours.min.toFixed(1)}–${ours.max.toFixed(1)}) | ${whole.median.toFixed(1)} | ` +
          `${relative.ratio.toFixed(1)} (${relative.low.toFixed(1)}–${relative.high.toFixed(1)}) × |`,
      );
  }
  if (values.json) console.log(JSON.stringify({ machine: describeMachine(), records }, null, 2));
  return 0;
});
