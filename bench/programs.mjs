// Measures a program of torch.export beside the TorchScript of the same net: forward passes and Hessian-vector products
// in turn, in one process, at equal results.
//   npm run bench:programs [-- --rounds 15 --samples 128 --threads 2 --json]
import { parseArgs } from 'node:util';
import { dataset, hessian, loadModel, numThreads, objective } from '../dist/index.js';
import { runMain, SetupError } from '../scripts/console.mjs';
import { readCifar, sharedFile } from './images.mjs';
import { describeMachine } from './machine.mjs';
import { ratio, summarize } from './statistics.mjs';

await runMain(async () => {
  const { values } = parseArgs({
    options: {
      rounds: { type: 'string', default: '15' },
      samples: { type: 'string', default: '128' },
      threads: { type: 'string', default: '2' },
      json: { type: 'boolean', default: false },
    },
  });
  const samples = Number(values.samples);
  const files = ['pt2', 'script.pt'].map((end) => sharedFile(`torchscript/resnet20_cifar10.${end}`));
  const images = readCifar(samples);
  if (images === null) throw new SetupError('ERR_BENCH', 'the CIFAR images are not on this machine');
  await numThreads(Number(values.threads));
  const floats = images.x.buffer.slice(images.x.byteOffset, images.x.byteOffset + images.x.byteLength);
  const labels = images.y.buffer.slice(images.y.byteOffset, images.y.byteOffset + images.y.byteLength);
  const data = dataset({
    inputs: { data: new Float32Array(floats), shape: [samples, 3, 32, 32] },
    targets: { data: new BigInt64Array(labels), shape: [samples] },
  });
  const subjects = [];
  for (const file of files) {
    if (file === null) throw new SetupError('ERR_BENCH', 'the published ResNet-20 is not on this machine');
    const model = await loadModel(file);
    const loss = objective(model, data);
    const operator = hessian(loss, { memoryBudget: 1e12 });
    const vector = await model.randomVector('rademacher', 0);
    const forward = async () => (await loss.evaluate()).loss;
    const hvp = async () => {
      const [product] = await operator.apply([vector]);
      const value = product ? await product.dot(vector) : NaN;
      product?.dispose();
      return value;
    };
    subjects.push({ forward, hvp });
  }
  const [program, script] = subjects;
  if (!program || !script) throw new SetupError('ERR_BENCH', 'two files are compared');
  /** @type {Record<string, unknown>[]} */
  const records = [];
  for (const work of /** @type {const} */ (['forward', 'hvp'])) {
    /** @type {[number[], number[]]} */
    const times = [[], []];
    const results = [];
    // The first round warms up.
    for (let round = 0; round <= Number(values.rounds); round++) {
      const order = round % 2 === 0 ? [0, 1] : [1, 0];
      for (const i of order) {
        const begin = performance.now();
        const value = await (i === 0 ? program : script)[work]();
        if (round > 0) times[i === 0 ? 0 : 1].push(performance.now() - begin);
        else results[i] = value;
      }
    }
    if (results[0] !== results[1])
      throw new SetupError('ERR_BENCH', `${work}: the results differ, ${results.join(' and ')}`);
    const [ours, theirs] = times.map((list) => summarize([list]));
    const {
      ratio: relative,
      low,
      high,
    } = ratio(
      times[0].map((t) => [t]),
      times[1].map((t) => [t]),
    );
    records.push({ work, program: ours, script: theirs, ratio: relative, low, high, target: 1.05 });
    if (!values.json)
      console.log(
        `${work.padEnd(8)} .pt2 ${ours?.median.toFixed(1)} ms, TorchScript ${theirs?.median.toFixed(1)} ms, ` +
          `ratio ${relative.toFixed(3)} (${low.toFixed(3)}–${high.toFixed(3)}), at most 1.05 is asked for`,
      );
  }
  if (values.json) console.log(JSON.stringify({ machine: describeMachine(), records }, null, 2));
  return 0;
});
