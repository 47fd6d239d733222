// Trains a net step by step; arguments and answers as train_steps.py.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { dataset, loadModel, numThreads, objective } from '../../dist/index.js';
import { completeOptimizer } from '../../dist/training/optimizer.js';
import { freeHandle } from '../../dist/native/call.js';
import { SampleBatches } from '../../dist/training/sample-batches.js';
import { Trainer, TrainerState } from '../../dist/training/trainer.js';
import { ownSolution } from '../../dist/model/solution.js';

const [path = '', folder = '', threads = '', size = '', shape = '', warmup = '', steps = ''] =
  process.argv.slice(2);
await numThreads(Number(threads));
const read = (/** @type {string} */ name) => {
  const bytes = readFileSync(join(folder, name));
  return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
};
const labels = new BigInt64Array(read('y.bin'));
const data = dataset({
  inputs: { data: new Float32Array(read('x.bin')), shape: [labels.length, ...shape.split(',').map(Number)] },
  targets: { data: labels, shape: [labels.length] },
});
const model = await loadModel(path);
const batchSize = Number(size);
const loss = objective(model, data, { mode: 'train', batchSize });
const optimizer = completeOptimizer('bench', { name: 'sgd', lr: 0.01, momentum: 0.9, weightDecay: 1e-4 });
const start = new TrainerState(await ownSolution(model), new Float64Array(0), []);
const trainer = await Trainer.start(loss, optimizer, start);
const batches = new SampleBatches(model, data, undefined);
/** @type {number[]} */
const seconds = [];
/** @type {number[]} */
const losses = [];
for (let step = 0; step < Number(warmup) + Number(steps); step++) {
  const before = performance.now();
  const rows = Uint32Array.from({ length: batchSize }, (_, i) => (step * batchSize + i) % labels.length);
  const batch = await batches.batch(rows, step, null);
  const { lossSum, count } = await trainer.step(batch, { index: step, learningRate: optimizer.lr });
  freeHandle(batch);
  losses.push(lossSum / count);
  seconds.push((performance.now() - before) / 1000);
}
console.log(JSON.stringify({ seconds: seconds.slice(Number(warmup)), losses }));
