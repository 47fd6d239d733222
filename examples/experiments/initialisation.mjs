// Before and after training, in train and in eval mode (Gabdullin 2024, arXiv 2412.10146, section 3 and Table 2): the density
// of Hessian eigenvalues and the criteria KH1, KH05 and re of LeNet5 and ResNet-20 with random and with published weights,
// and of torchvision's ResNet-18, AlexNet, SqueezeNet, MobileNet and a ViT with random ones, by the recipe of the paper's program
// LLA (100 Lanczos steps, one probe, the last ten vectors kept), with the paper's numbers beside ours.
//
//     python examples/experiments/architectures.py torchvision initialisation-out/torchvision
//     node examples/experiments/initialisation.mjs [data folder] [output folder] [--only NAME] [--quick]
//
// The first makes the nets of torchvision; those that are not there are left out, and it says so. Killed, it goes on at the
// spectrum where it was. Native objects are freed with the process (`using` needs Node 24).
import { existsSync } from 'node:fs';
import {
  drawResult,
  hessian,
  llaSpectralDensity,
  loadModel,
  loadResult,
  objective,
  ownSolution,
  randomSolution,
  saveResult,
} from '../../dist/index.js';
import { cifar, cifarAt, either, file, lenet5, mnist, only, outputFolder, progress } from '../sources.mjs';
import { Page } from './page.mjs';

const output = outputFolder('initialisation-out');
const numSteps = either(100, 6);
const page = new Page(
  'Random and trained weights, train and eval mode',
  output,
  `By the recipe of LLA: ${numSteps} Lanczos steps, one probe, the last ten vectors kept; LeNet5 on ${either(512, 32)} digits, ResNet-20 on ` +
    `${either(128, 16)} images, nets of torchvision on ${either(8, 2)}; seed 1.`,
);

/** KH1, KH05 and re of Table 2: random in train mode, trained in train mode, random in eval mode, trained in eval mode. */
const paper = {
  lenet5: [
    [0.99, 0.95, 0.88],
    [0.37, 0.23, 5e-4],
    [0.98, 0.98, 0.8],
    [0.18, 0.17, 3e-4],
  ],
  resnet20: [],
  resnet18: [
    [1.15, 2.3, 451],
    [1.03, 0.67, 0.32],
    [0.97, 0.87, 0.73],
    [0.97, 0.66, 0.03],
  ],
  alexnet: [
    [1.0, 1.0, 1.0],
    [0.94, 0.64, 0.04],
    [0.99, 0.97, 1.0],
    [0.97, 0.67, 0.06],
  ],
  squeezenet: [
    [1.18, 1.23, 0.96],
    [0.7, 0.43, 0.02],
    [1.08, 1.23, 1.01],
    [0.76, 0.55, 0.02],
  ],
  mobilenet: [
    [1.07, 1.21, 5.7],
    [1, 0.75, 0.1],
    [1.04, 1.0, 1.0],
    [0.83, 0.54, 0.01],
  ],
  vit: [
    [0.99, 0.98, 0.9],
    [1.03, 1.21, 1.85],
    [0.99, 0.95, 0.91],
    [0.99, 1.04, 1.87],
  ],
};
const names = {
  lenet5: 'LeNet5',
  resnet20: 'ResNet-20',
  resnet18: 'ResNet-18',
  alexnet: 'AlexNet',
  squeezenet: 'SqueezeNet',
  mobilenet: 'MobileNet',
  vit: 'ViT',
};
const place = { 'random train': 0, 'trained train': 1, 'random eval': 2, 'trained eval': 3 };

/** Model, data, and the weights by name. */
const open = {
  async lenet5() {
    const { model, clean } = await lenet5();
    const random = await randomSolution(model, { seed: 1 });
    return { model, data: await mnist(either(512, 32)), weights: { random, trained: clean } };
  },
  async resnet20() {
    const model = await loadModel(file('torchscript/resnet20_cifar10.script.pt'));
    const random = await randomSolution(model, { seed: 1 });
    return {
      model,
      data: await cifar(either(128, 16)),
      weights: { random, trained: await ownSolution(model) },
    };
  },
};
for (const name of ['resnet18', 'alexnet', 'squeezenet', 'mobilenet', 'vit']) {
  open[name] = async () => {
    const path = output(`torchvision/${name}.pt`);
    if (!existsSync(path)) {
      process.stderr.write(
        `No '${path}': ${names[name]} is left out. architectures.py makes it (see the top of this file).\n`,
      );
      return null;
    }
    const model = await loadModel(path);
    // The weights that torchvision draws.
    return {
      model,
      data: await cifarAt([112, 112], either(8, 2)),
      weights: { random: await ownSolution(model) },
    };
  };
}

const rows = [];
for (const [name, load] of Object.entries(open)) {
  if (only !== undefined && only !== name) continue;
  const setting = await load();
  if (setting === null) continue;
  const { model, data, weights } = setting;
  for (const [kind, solution] of Object.entries(weights)) {
    for (const mode of ['train', 'eval']) {
      const key = `${name}-${kind}-${mode}`;
      const path = output(`${key}.json`);
      let spectrum = existsSync(path) ? await loadResult(path, 'preset-spectral-density') : null;
      // Of a quick run, or of other images, it is another one.
      if (spectrum?.steps !== numSteps || spectrum.provenance.dataHash !== data.hash) {
        const operator = hessian(objective(model, data, { mode }), { at: solution });
        spectrum = await llaSpectralDensity(operator, { steps: numSteps, seed: 1, ...progress });
        await saveResult(path, spectrum);
      }
      const label = `${names[name]}, ${kind}, ${mode} mode`;
      await page.result(key, spectrum, label);
      const [figure] = drawResult(spectrum, { figures: ['density'], title: label, width: 460, height: 320 });
      page.figure(figure.svg);
      const { kh1, kh05, re } = spectrum.criteria;
      const published = paper[name][place[`${kind} ${mode}`]] ?? [null, null, null];
      rows.push([names[name], kind, mode, kh1, published[0], kh05, published[1], re, published[2]]);
    }
  }
  model.dispose();
}
page.table(
  'Criteria, ours and those of Table 2',
  ['net', 'weights', 'mode', 'KH1', 'paper', 'KH05', 'paper', 're', 'paper'],
  rows,
);
await page.finish({ columns: 4 });
