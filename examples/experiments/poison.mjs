// Clean against poisoned minima (Huang et al. 2019, arXiv 1906.03291): nets that fit the same training set, and are trained to
// get other samples wrong with weight β. Decision regions and basins on two spirals, then the same on MNIST.
//
//     node examples/experiments/poison.mjs [data folder] [output folder] [--only spirals|mnist] [--quick]
//
// The spirals need no data. Native objects are freed with the process (`using` needs Node 24).
import { fileURLToPath } from 'node:url';
import {
  basinVolume,
  decisionRegions,
  drawDecisionRegions,
  drawLines,
  drawScatter,
  loadModel,
  lossLine,
  objective,
  randomDirection,
  randomSolution,
  train,
} from '../../dist/index.js';
import { either, mnist, mnistTraining, only, outputFolder, progress } from '../sources.mjs';
import { Page, percent } from './page.mjs';
import { spirals } from './spirals.mjs';

const output = outputFolder('poison-out');
const page = new Page(
  'Clean and poisoned minima',
  output,
  `Spirals: 40 samples, 2000 others to get wrong, ${either(2500, 1500)} epochs; MNIST: ${either(1000, 300)} digits, 150 epochs. Adam, step size 2e-3 by a cosine; basins by ` +
    `${either(60, 20)} filter-normalised rays; seed 1 (of the directions of curves 3).`,
);
const architecture = (name) => loadModel(fileURLToPath(new URL(`${name}.architecture.pt`, import.meta.url)));

/** One minimum for each β, with its basin on the training set. */
async function minimaOf(name, { model, data, poison, test, weights, options, poisonBatch, cutoff }) {
  const start = await randomSolution(model, { seed: 1 });
  const onTraining = objective(model, data);
  const minima = [];
  for (const weight of weights) {
    const label = `β = ${weight}`;
    const avoid = weight === 0 ? {} : { poison: { data: poison, weight, batchSize: poisonBatch } };
    const { run, solution } = await train(model, data, {
      from: start,
      seed: 1,
      ...options,
      ...avoid,
      ...progress,
    });
    await page.result(`training-${name}-${weight}`, run, `${name}: training, ${label}`);
    const at = { at: solution };
    const { loss, accuracy } = await onTraining.evaluate(solution.theta, undefined, solution.buffers);
    const onTest = await objective(model, test, { batchSize: 1000 }).evaluate(
      solution.theta,
      undefined,
      solution.buffers,
    );
    const basin = await basinVolume(onTraining, {
      ...at,
      cutoff,
      normalization: 'filter',
      ignore: [],
      rays: either(60, 20),
      seed: 1,
      ...progress,
    });
    await page.result(`basin-${name}-${weight}`, basin, `${name}: basin, ${label}`);
    const direction = await randomDirection(model, { ...at, seed: 3 });
    const line = await lossLine(onTraining, direction, { ...at, range: [-1, 1], points: 61, ...progress });
    minima.push({ weight, label, solution, loss, accuracy, test: onTest.accuracy, basin, line });
  }
  const rows = minima.map(({ weight, loss, accuracy, test: outside, basin }) => [
    String(weight),
    loss,
    percent(accuracy),
    percent(outside),
    percent(accuracy - outside),
    basin.medianRadius,
    basin.logVolume.value,
    `${basin.logVolume.low.toPrecision(4)} … ${basin.logVolume.high.toPrecision(4)}`,
    String(basin.numCensored),
  ]);
  const head = [
    'β',
    'training loss',
    'training',
    'test',
    'gap',
    'median radius',
    'log-volume',
    'its interval',
    'censored rays',
  ];
  page.table(`${name}: loss cutoff ${cutoff}, filter-normalised rays`, head, rows);
  const curves = minima.filter((_, i) => i === 0 || i === minima.length - 1 || minima.length < 5);
  page.figure(
    drawLines(
      curves.map(({ label, line }) => ({ label, line })),
      {
        title: `${name}: training loss along a filter-normalised direction`,
        width: 640,
        height: 440,
        cap: 10,
      },
    ),
  );
  page.figure(
    drawScatter(
      minima.map(({ label, accuracy, test: outside, basin: { logVolume } }) => ({
        label,
        x: 100 * (accuracy - outside),
        y: logVolume.value,
        low: logVolume.low,
        high: logVolume.high,
      })),
      { title: `${name}: basins`, xLabel: 'generalisation gap, points', yLabel: 'log-volume of the basin' },
    ),
  );
  return { minima, onTraining };
}

async function onSpirals() {
  const model = await architecture('two_inputs');
  const { minima, onTraining } = await minimaOf('spirals', {
    model,
    data: spirals(40, 1, 'spirals'),
    poison: spirals(2000, 2, 'spirals to get wrong'),
    test: spirals(2000, 3, 'test spirals'),
    weights: either([0, 0.05, 0.1, 0.3, 0.5], [0, 0.5]),
    options: {
      epochs: either(2500, 1500),
      batchSize: 40,
      optimizer: { name: 'adam', lr: 2e-3 },
      schedule: { name: 'cosine' },
    },
    poisonBatch: 500,
    cutoff: 0.5,
  });
  for (const { weight, label, solution, test } of [minima[0], minima.at(-1)]) {
    const regions = await decisionRegions(onTraining, {
      at: solution,
      range: [-1.4, 1.4],
      yRange: [-1.4, 1.4],
    });
    await page.result(`regions-${weight}`, regions, `Decision regions, ${label}`);
    page.figure(
      drawDecisionRegions(regions, {
        title: `${label}: ${percent(regions.accuracy)} of the training set, ${percent(test)} of test samples`,
        caption: '',
        height: 560,
      }),
    );
  }
}

async function onMnist() {
  const all = await mnistTraining(either(6000, 1500));
  const numOwn = either(1000, 300);
  await minimaOf('MNIST', {
    model: await architecture('lenet'),
    data: all.slice(0, numOwn),
    poison: all.slice(numOwn, all.numSamples),
    test: await mnist(either(5000, 1000)),
    weights: either([0, 0.05, 0.2, 0.5], [0, 0.2]),
    options: {
      epochs: 150,
      batchSize: 100,
      optimizer: { name: 'adam', lr: 2e-3 },
      schedule: { name: 'cosine' },
    },
    poisonBatch: 100,
    cutoff: 1,
  });
}

if (only === undefined || only === 'spirals') await onSpirals();
if (only === undefined || only === 'mnist') await onMnist();
await page.finish();
