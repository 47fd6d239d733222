// Trains the example net from two random starts, with the samples in two orders: net-1.pth and net-2.pth, two minima to connect.
//
//     node examples/digits/minima.mjs [folder]
//
// Takes a few seconds. The guide on connecting minima shows the same.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadModel, loadNpz, randomSolution, saveSolution, train } from '../../dist/index.js';

const here = (name) => fileURLToPath(new URL(name, import.meta.url));
const folder = process.argv[2] ?? '.';
mkdirSync(folder, { recursive: true });
const model = await loadModel(here('digits.script.pt'));
const data = await loadNpz(here('digits.npz'), { inputs: 'x_train', targets: 'y_train', scale: 1 / 16 });
for (const seed of [1, 2]) {
  const start = await randomSolution(model, { seed });
  const optimizer = { name: 'adam', lr: 3e-3 };
  const training = await train(model, data, { from: start, epochs: 10, batchSize: 64, seed, optimizer });
  await saveSolution(join(folder, `net-${seed}.pth`), training.solution);
  process.stdout.write(`net-${seed}.pth: loss ${training.run.loss.at(-1).toFixed(4)} in the last epoch\n`);
  start.dispose();
  training.dispose();
}
