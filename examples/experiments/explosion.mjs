// Value explosion (Gabdullin 2024, arXiv 2412.10146, section 2.3 and Table 1): train and eval mode, random and Hessian axes, and
// the four normalisations, by the recipe of the paper's program, of LeNet5 on MNIST and ResNet-20 on CIFAR-10, as tables
// with the paper's verdicts beside ours. For any other model: `lossatlas landscape explosion`.
//
//     node examples/experiments/explosion.mjs [data folder] [output folder] [--only lenet5|resnet20] [--quick]
//
// Interrupted, it goes on where it was. Native objects are freed with the process (`using` needs Node 24).
import { drawExplosionTable, explosionTable, loadModel, objective } from '../../dist/index.js';
import { cifar, either, file, lenet5, mnist, only, outputFolder, progress } from '../sources.mjs';
import { Page } from './page.mjs';

const output = outputFolder('explosion-out');
const page = new Page(
  'Value explosion',
  output,
  `By the recipe of LLA: ${either(20, 5)} × ${either(20, 5)} points within ±0.5, seed 1. It explodes where a loss exceeds 100 · max(1, the model's), ` +
    'and grows where one is a tenth of the way there; with each verdict the largest loss beside the model’s.',
);

/** Table 1: under which normalisations; the number of the row is mode and axes. */
const paper = {
  lenet5: [
    'explodes: weight, layer, model',
    'grows: filter, layer, model',
    'explodes: weight, layer, model',
    'grows: filter, layer, model',
  ],
  resnet20: ['no', 'no', 'explodes: all', 'explodes: filter, layer, model'],
};
const nets = {
  async lenet5() {
    const { model, clean } = await lenet5();
    return { model, at: clean, data: await mnist(either(250, 100)), name: 'LeNet5' };
  },
  async resnet20() {
    const model = await loadModel(file('torchscript/resnet20_cifar10.script.pt'));
    return { model, at: undefined, data: await cifar(either(64, 16)), name: 'ResNet-20' };
  },
};

for (const [key, open] of Object.entries(nets)) {
  if (only !== undefined && only !== key) continue;
  const { model, at, data, name } = await open();
  const objectives = ['train', 'eval'].map((mode) => objective(model, data, { mode }));
  const table = await explosionTable(objectives, {
    ...(at === undefined ? {} : { at }),
    recipe: 'lla',
    points: either(20, 5),
    seed: 1,
    resume: output(`${key}.sweep`),
    ...progress,
  });
  await page.result(key, table, name);
  page.figure(drawExplosionTable(table, { title: `Value explosion: ${name}`, width: 760 }));
  const groups = groupBy(table.rows);
  const rows = [...groups].map(([title, cells], i) => [
    title,
    ...cells.map(
      ({ surface: { explosion } }) => `${explosion.verdict} (× ${explosion.maxToCenterRatio.toPrecision(3)})`,
    ),
    paper[key][i],
  ]);
  page.table(name, ['mode and axes', 'weight', 'filter', 'layer', 'model', 'the paper'], rows);
}
await page.finish({ columns: 1 });

function rowName({ mode, axes }) {
  return `${mode}, ${axes}`;
}

function groupBy(rows) {
  const groups = new Map();
  for (const row of rows) groups.set(rowName(row), [...(groups.get(rowName(row)) ?? []), row]);
  return groups;
}
