// Small batch against large batch (Keskar et al. 2017, arXiv 1609.04836; Li et al. 2018, arXiv 1712.09913, section 3): a LeNet
// trained on 5000 digits of MNIST from one start with batches of 32 and of 2500, without and with weight decay; the line
// between the two minima, curves along filter-normalised directions, weights, sharpness and eigenvalues.
//
//     node examples/experiments/batch-size.mjs [data folder] [output folder] [--quick]
//
// Native objects are freed with the process (`using` needs Node 24).
import { fileURLToPath } from 'node:url';
import {
  drawLine,
  drawLines,
  drawWeightHistogram,
  eigenpairs,
  hessian,
  interpolate,
  loadModel,
  lossLine,
  objective,
  randomDirection,
  randomSolution,
  sharpness,
  Solution,
  spectralDensity,
  train,
  weightHistogram,
} from '../../dist/index.js';
import { either, mnist, mnistTraining, outputFolder, progress } from '../sources.mjs';
import { Page, percent } from './page.mjs';

const output = outputFolder('batch-size-out');
const numTraining = either(5000, 1000);
const batches = [
  ['small batch', 32, either(40, 12)],
  ['large batch', either(2500, 500), either(400, 120)],
];
const page = new Page(
  `Small batch against large batch: a LeNet on ${numTraining} digits`,
  output,
  `Adam, step size 1e-3, batches of ${batches.map(([, size, epochs]) => `${size} for ${epochs} epochs`).join(' and ')}, without ` +
    `and with weight decay 5e-4; curvature of ${either(1000, 200)} digits; seed 1 (of the direction 2).`,
);
const model = await loadModel(fileURLToPath(new URL('lenet.architecture.pt', import.meta.url)));
const data = await mnistTraining(numTraining);
const test = await mnist(either(10_000, 1000));
const start = await randomSolution(model, { seed: 1 });
const [onTraining, onTest] = [data, test].map((set) => objective(model, set, { batchSize: 1000 }));
// What curvature is of.
const curved = objective(model, data.slice(0, either(1000, 200)));
const rows = [];

for (const weightDecay of [0, 5e-4]) {
  const label = weightDecay === 0 ? 'no weight decay' : `weight decay ${weightDecay}`;
  const minima = [];
  for (const [name, batchSize, epochs] of batches) {
    const { run, solution } = await train(model, data, {
      from: start,
      epochs,
      batchSize,
      seed: 1,
      optimizer: { name: 'adam', lr: 1e-3, weightDecay },
      ...progress,
    });
    const named = `${name} (${batchSize})`;
    const minimum = {
      name: named,
      batchSize,
      solution: new Solution(named, solution.theta, solution.buffers),
    };
    minima.push(minimum);
    await page.result(`training-${batchSize}-${weightDecay}`, run, `${minimum.name}, ${label}`);
    const operator = hessian(curved, { at: solution });
    const density = await spectralDensity(operator, {
      steps: either(60, 20),
      probes: either(4, 2),
      seed: 1,
      ...progress,
    });
    const pairs = await eigenpairs(operator, { k: 2, which: 'both-ends', seed: 1, ...progress });
    const flatness = await sharpness(curved, {
      at: solution,
      density,
      eigenpairs: pairs,
      thresholds: [0.01, 1],
      seed: 1,
      ...progress,
    });
    await page.result(
      `sharpness-${batchSize}-${weightDecay}`,
      flatness,
      `Sharpness: ${minimum.name}, ${label}`,
    );
    const [onData, onOthers] = [
      await onTraining.evaluate(solution.theta),
      await onTest.evaluate(solution.theta),
    ];
    const [small, large] = flatness.counts;
    rows.push([
      label,
      minimum.name,
      onData.loss,
      percent(onData.accuracy),
      percent(onOthers.accuracy),
      flatness.keskar[0].value,
      flatness.sam.value,
      pairs.values[0],
      pairs.values[1],
      density.trace.value,
      large.knownAbove ?? large.above.value,
      small.below.value,
    ]);
  }
  const [small, large] = minima;
  const between = { range: [-1, 2], points: either(61, 13), ...progress };
  const lines = [];
  for (const [name, goal] of [
    ['training digits', onTraining],
    ['test digits', onTest],
  ]) {
    const line = await interpolate(goal, small.solution, large.solution, between);
    lines.push({ name, line });
    await page.result(
      `line-${name.split(' ')[0]}-${weightDecay}`,
      line,
      `Between the two on the ${name}, ${label}`,
    );
  }

  for (const { name, line } of lines)
    page.figure(
      drawLine(line, {
        title: `Between the two minima: ${name}, ${label}`,
        cap: 5,
        width: 620,
        height: 400,
      }),
    );
  const curves = [];
  for (const { name, solution } of minima) {
    const direction = await randomDirection(model, { at: solution, seed: 2 });
    const line = await lossLine(onTraining, direction, {
      at: solution,
      range: [-1, 1],
      points: either(41, 11),
      ...progress,
    });
    curves.push({ label: name, line });
    await page.result(
      `curve-${name.split(' ')[0]}-${weightDecay}`,
      line,
      `Filter-normalised: ${name}, ${label}`,
    );
  }
  page.figure(
    drawLines(curves, { title: `One filter-normalised direction, ${label}`, width: 620, height: 400 }),
  );
  const histogram = await weightHistogram(
    minima.map(({ solution }) => solution),
    { bins: 80 },
  );
  const named = {
    ...histogram,
    solutions: histogram.solutions.map((item, i) => ({ ...item, label: minima[i].name })),
  };
  await page.result(`weights-${weightDecay}`, named, `Weights, ${label}`);
  page.figure(drawWeightHistogram(named, { title: `Weights, ${label}`, width: 620, height: 400 }));
}

page.table(
  'Two minima',
  [
    'training',
    'batch',
    'loss',
    'accuracy, training',
    'accuracy, test',
    'Keskar, ε = 1e-3',
    'SAM, ρ = 0.05',
    'λ max',
    'λ min',
    'trace',
    'eigenvalues above 1',
    'eigenvalues below 0.01',
  ],
  rows,
);
await page.finish();
