// Evaluates checkpoints of ResNet-20: <model> <folder> <count> <threads> <batch size>. Answers as evaluate_checkpoints.py.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { dataset, evaluateCheckpoints, loadModel, numThreads } from '../../dist/index.js';

const [path = '', folder = '', count = '', threads = '', batchSize = ''] = process.argv.slice(2);
await numThreads(Number(threads));
const read = (/** @type {string} */ name) => {
  const bytes = readFileSync(join(folder, name));
  return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
};
const labels = new BigInt64Array(read('y.bin'));
const data = dataset({
  inputs: { data: new Float32Array(read('x.bin')), shape: [labels.length, 3, 32, 32] },
  targets: { data: labels, shape: [labels.length] },
});
const model = await loadModel(path);
const files = Array.from({ length: Number(count) }, (_, i) => join(folder, `${i}.pth`));
const options = { batchSize: Number(batchSize), key: 'state_dict' };
await evaluateCheckpoints(model, files.slice(0, 1), [data.slice(0, 32)], options);
const start = performance.now();
const { rows } = await evaluateCheckpoints(model, files, [data], options);
const seconds = (performance.now() - start) / 1000;
console.log(JSON.stringify({ seconds, results: rows.map(({ loss, accuracy }) => [loss, accuracy]) }));
