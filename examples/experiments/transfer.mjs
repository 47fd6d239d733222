// From one data set to another (Gabdullin 2024, arXiv 2412.10146, section 4 and figures 10-13): a LeNet trained on MNIST and
// followed on MNIST and USPS, and one trained on USPS and followed on both: accuracy, loss, KH05, KH1 and re over the epochs,
// and the density of Hessian eigenvalues at the first, a middle and the last checkpoint.
//
//     node examples/experiments/transfer.mjs [data folder] [output folder] [--only mnist|usps] [--quick]
//
// Interrupted, it goes on where it was. Native objects are freed with the process (`using` needs Node 24).
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  drawResult,
  loadModel,
  randomSolution,
  train,
  trackCheckpoints,
  trackTable,
} from '../../dist/index.js';
import { either, mnistTraining, only, outputFolder, progress, uspsTraining } from '../sources.mjs';
import { Page } from './page.mjs';

const output = outputFolder('transfer-out');
const [numSamples, epochs, every] = [either(6000, 1000), either(60, 6), either(5, 2)];
const curvature = { curvatureSamples: either(512, 128), steps: either(60, 12), probes: either(4, 2) };
const page = new Page(
  'A LeNet from one set of digits to another',
  output,
  `${numSamples} digits of either set; Adam, step size 1e-3, batches of 128, ${epochs} epochs, a checkpoint every ${every}; Hessians of ` +
    `${curvature.curvatureSamples} digits, ${curvature.probes} probes of ${curvature.steps} steps; seed 1.`,
);
const model = await loadModel(fileURLToPath(new URL('lenet.architecture.pt', import.meta.url)));
/** Figures 10 to 13 and appendix B of the paper. */
const figures = [
  ['accuracy', 'accuracy'],
  ['kh05', 'KH05'],
  ['density', 'spectra'],
  ['loss', 'loss'],
  ['kh1', 'KH1'],
  ['re', 're'],
];
const sets = { mnist: await mnistTraining(numSamples), usps: await uspsTraining(numSamples) };

for (const name of ['mnist', 'usps']) {
  if (only !== undefined && only !== name) continue;
  const other = name === 'mnist' ? 'usps' : 'mnist';
  const folder = output(`on-${name}`);
  const start = await randomSolution(model, { seed: 1 });
  const { run } = await train(model, sets[name], {
    from: start,
    epochs,
    batchSize: 128,
    seed: 1,
    optimizer: { name: 'adam', lr: 1e-3 },
    evaluateOn: [sets[other]],
    checkpoints: { folder, every },
    resume: true,
    ...progress,
  });
  await page.result(`training-${name}`, run, `Training on ${sets[name].name}`);
  const files = readdirSync(folder)
    .filter((file) => /^epoch-\d+\.pt$/.test(file))
    .sort();
  // From before training on.
  const checkpoints = [start, ...files.map((file) => join(folder, file))];
  const track = await trackCheckpoints(model, checkpoints, [sets[name], sets[other]], {
    epochs: [0, ...files.map((file) => Number(/\d+/.exec(file)[0]))],
    batchSize: 1000,
    ...curvature,
    seed: 1,
    resume: output(`on-${name}.track`),
    ...progress,
  });
  await page.result(`track-${name}`, track, `Trained on ${sets[name].name}`);
  for (const [figure, words] of figures) {
    const title = `Trained on ${sets[name].name}: ${words}`;
    const [drawn] = drawResult(track, { figures: [figure], title, width: 620, height: 400 });
    page.figure(drawn.svg);
  }
  page.text(`Trained on ${sets[name].name}`, trackTable(track));
}
await page.finish({ columns: 3 });
