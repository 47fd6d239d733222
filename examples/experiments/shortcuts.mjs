// With and without shortcuts, thin and wide (Li et al. 2018, arXiv 1712.09913, sections 5 and 6): four ResNets of 32 layers
// trained on CIFAR-10 images, on planes of the same two random draws, filter-normalised, at one scale; and beside each
// surface where it is convex: |λ min / λ max| of the Hessian.
//
//     node examples/experiments/shortcuts.mjs [data folder] [output folder] [--only NAME] [--quick]
//
// Interrupted, it goes on where it was. Native objects are freed with the process (`using` needs Node 24).
import { fileURLToPath } from 'node:url';
import {
  convexityMap,
  drawEigenvalueMap,
  drawPage,
  drawTogether,
  loadModel,
  lossSurface,
  objective,
  randomPlane,
  randomSolution,
  train,
} from '../../dist/index.js';
import { cifar, either, only, outputFolder, progress } from '../sources.mjs';
import { Page, percent } from './page.mjs';

const output = outputFolder('shortcuts-out');
const numTraining = either(2000, 300);
const [epochs, numMapped] = [either(20, 2), either(60, 16)];
const page = new Page(
  'ResNets of 32 layers with and without shortcuts, thin and wide',
  output,
  `${numTraining} images of CIFAR-10; SGD with Nesterov momentum 0.9, step size 0.05 by a cosine, weight decay 5e-4, batches of 128, ${epochs} epochs; ` +
    `planes of the same two filter-normalised draws, maps of ${numMapped} images with residuals of 1 % of λ max; seed 1. Where the points of ` +
    'a map are far apart, eigenvectors of the neighbour are no better a start than random ones, or worse.',
);
const all = await cifar(either(4000, 600));
const data = all.slice(0, numTraining);
const test = all.slice(numTraining, all.numSamples);
const nets = [
  ['thin, with shortcuts', 'resnet_thin'],
  ['thin, without', 'resnet_thin_plain'],
  ['wide, with shortcuts', 'resnet_wide'],
  ['wide, without', 'resnet_wide_plain'],
];
const rows = [];
const surfaces = [];
const maps = [];

for (const [label, name] of nets) {
  if (only !== undefined && only !== name) continue;
  const model = await loadModel(fileURLToPath(new URL(`${name}.architecture.pt`, import.meta.url)));
  const { run, solution } = await train(model, data, {
    from: await randomSolution(model, { seed: 1 }),
    epochs,
    batchSize: 128,
    seed: 1,
    optimizer: { name: 'sgd', lr: 0.05, momentum: 0.9, nesterov: true, weightDecay: 5e-4 },
    schedule: { name: 'cosine' },
    checkpoints: { folder: output(name), every: 5 },
    resume: true,
    ...progress,
  });
  await page.result(`training-${name}`, run, `Training: ${label}`);
  const at = { at: solution };
  const sizeOf = (set, count) =>
    objective(model, set.slice(0, Math.min(count, set.numSamples)), { batchSize: 250 });
  const whole = (set) => sizeOf(set, set.numSamples).evaluate(solution.theta, undefined, solution.buffers);
  const [onTraining, onTest] = [await whole(data), await whole(test)];
  const plane = await randomPlane(model, { ...at, seed: 1 });
  const surface = await lossSurface(sizeOf(data, either(250, 100)), plane, {
    ...at,
    range: [-1, 1],
    points: either(15, 7),
    resume: output(`surface-${name}.sweep`),
    ...progress,
  });
  await page.result(`surface-${name}`, surface, `Surface: ${label}`);
  const map = await convexityMap(sizeOf(data, numMapped), plane, {
    ...at,
    range: [-1, 1],
    points: either(5, 3),
    tolerance: 1e-2,
    compareCold: either(4, 1),
    seed: 1,
    resume: output(`map-${name}.sweep`),
    ...progress,
  });
  await page.result(`map-${name}`, map, `Convexity: ${label}`);
  surfaces.push({ label, result: surface });
  maps.push({ label, map });
  const middle = (map.x.length * map.y.length - 1) / 2;
  const ratios = map.smallest.map((low, k) => Math.abs(low / map.largest[k])).filter(Number.isFinite);
  const below = surface.loss.filter((loss) => loss < onTraining.loss + 1).length / surface.loss.length;
  rows.push([
    label,
    String(model.size),
    percent(onTraining.accuracy),
    percent(onTest.accuracy),
    onTraining.loss,
    surface.explosion.maxToCenterRatio * surface.modelLoss,
    percent(below),
    map.largest[middle],
    map.smallest[middle],
    ratios.sort()[Math.floor(ratios.length / 2)],
    percent(map.search.cold.share),
  ]);
}

// Of the nets side by side, on one scale.
const title = 'Loss';
for (const { svg } of drawTogether(surfaces, { scale: 'log', columns: 4, width: 1440, title }))
  page.figure(svg);
page.figure(
  drawPage(
    maps.map(({ label, map }) =>
      drawEigenvalueMap(map, {
        width: 356,
        height: 330,
        title: label,
        caption: '',
        cap: 1,
        colorRange: [0, 1],
      }),
    ),
    { columns: 4, title: '|λ min / λ max| of the Hessian' },
  ),
);
page.table(
  'Four nets',
  [
    'net',
    'parameters',
    'training',
    'test',
    'training loss',
    'largest loss of the plane',
    'of it less than 1 above the minimum',
    'λ max',
    'λ min',
    'median \\|λ min / λ max\\|',
    'products of a warm start, of a cold one’s',
  ],
  rows,
);
await page.finish({ columns: 1 });
