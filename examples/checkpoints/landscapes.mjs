// Landscapes of published checkpoints: ResNet-20 and ResNet-56 on CIFAR-10, two LeNet5 (clean and adversarially trained)
// on MNIST and USPS. What they show is told in docs/landscapes.md.
//
//     node examples/checkpoints/landscapes.mjs [data folder] [output folder] [--only resnet20|resnet56|lenet5|table] [--quick]
//
// Native objects are freed with the process (`using` needs Node 24). Takes about 20 minutes on two cores; killed, it goes on where it was.
import { existsSync } from 'node:fs';
import {
  drawAtlas,
  drawLine,
  drawSurface,
  hessian,
  hessianPlane,
  interpolate,
  llaSurface,
  loadModel,
  loadPlane,
  lossSurface,
  objective,
  randomPlane,
  saveJson,
  savePlane,
  savePng,
} from '../../dist/index.js';
import {
  cifar,
  either,
  file,
  lenet5 as loadLenet5,
  mnist,
  only,
  outputFolder,
  progress,
  usps,
} from '../sources.mjs';

const output = outputFolder('landscapes-out');

function tell(name, { modelLoss, modelAccuracy, explosion, provenance }) {
  const columns = [
    name.padEnd(36),
    provenance.mode.padEnd(12),
    modelLoss.toPrecision(4).padStart(8),
    `${((modelAccuracy ?? NaN) * 100).toFixed(1)} %`.padStart(8),
    explosion.maxToCenterRatio.toPrecision(3).padStart(10),
    `${(explosion.shareAboveCap * 100).toFixed(0)} %`.padStart(6),
    `  ${explosion.verdict}`,
  ];
  process.stdout.write(`${columns.join(' ')}\n`);
}

async function surface(name, loss, plane, title, options) {
  const points = either(options.points, 3);
  const result = await lossSurface(loss, plane, {
    ...options,
    points,
    ...progress,
    resume: output(`${name}.sweep`),
  });
  tell(name, result);
  await saveJson(output(`${name}.json`), result);
  await savePng(output(`${name}.png`), drawSurface(result, { title, scale: 'log' }));
  return result;
}

/** Random and Hessian axes in eval and train mode. */
async function resnet(net, points) {
  const model = await loadModel(file(`torchscript/${net}_cifar10.script.pt`));
  const data = await cifar(either(128, 4));
  const random = await randomPlane(model, { seed: 1 });
  for (const mode of ['eval', 'train']) {
    const loss = objective(model, data, { mode });
    await surface(`${net}-random-${mode}`, loss, random, `${net}, random axes, ${mode} mode`, { points });
    const kept = output(`${net}-hessian-${mode}.npz`);
    if (!existsSync(kept)) {
      const operator = hessian(loss);
      const found = await hessianPlane(operator, { tolerance: either(1e-3, 0.5), seed: 1, ...progress });
      await savePlane(kept, found);
    }
    const plane = await loadPlane(kept, model);
    const title = `${net}, Hessian axes, ${mode} mode`;
    await surface(`${net}-hessian-${mode}`, loss, plane, title, { points: 17, range: [-0.1, 0.1] });
    if (net === 'resnet20')
      await surface(`${net}-hessian-${mode}-wide`, loss, plane, title, { points: 13, range: [-1, 1] });
  }
  if (net !== 'resnet20') return;
  const loss = objective(model, data, { mode: 'recalibrate' });
  await surface(`${net}-random-recalibrate`, loss, random, `${net}, random axes, recalibrated`, {
    points: 13,
  });
}

/** LLA's own surfaces, for the ResNet row of Table 1 of Gabdullin 2024. */
async function table() {
  const model = await loadModel(file('torchscript/resnet20_cifar10.script.pt'));
  const data = await cifar(either(128, 4));
  for (const mode of ['eval', 'train']) {
    const loss = objective(model, data, { mode });
    const operator = hessian(loss);
    const plane = await hessianPlane(operator, { tolerance: either(1e-3, 0.5), seed: 1, ...progress });
    const { axes } = plane;
    const first = await axes[0].vector.scale(1 / axes[0].description.norm);
    const second = await axes[1].vector.scale(1 / axes[1].description.norm);
    for (const normalization of ['weight', 'filter', 'layer', 'model']) {
      const common = { steps: either(10, 2), normalization, ...progress };
      tell(`LLA, random axes, ${normalization}`, await llaSurface(loss, { ...common, seed: 1 }));
      tell(
        `LLA, Hessian axes, ${normalization}`,
        await llaSurface(loss, { ...common, axes: [first, second] }),
      );
    }
  }
}

/** Two solutions on two data sets along one plane, and the line between them. */
async function lenet5() {
  const { model, clean, adversarial: robust } = await loadLenet5();
  const sets = { MNIST: await mnist(either(2000, 50)), USPS: await usps(either(undefined, 50)) };
  const plane = await randomPlane(model, { seed: 1, at: clean });
  const titles = [];
  const surfaces = [];
  for (const [set, data] of Object.entries(sets)) {
    const loss = objective(model, data, { batchSize: 1000 });
    for (const solution of [clean, robust]) {
      titles.push(`${solution.label}, ${set}`);
      const options = { points: 21, at: solution };
      surfaces.push(
        await surface(`lenet5-${solution.label}-${set}`, loss, plane, `LeNet5, ${titles.at(-1)}`, options),
      );
    }
    const line = await interpolate(loss, clean, robust, { points: either(41, 5), ...progress });
    await savePng(
      output(`lenet5-line-${set}.png`),
      drawLine(line, { title: `LeNet5 between two solutions, ${set}` }),
    );
  }
  const atlas = { kind: 'landscape-atlas', formatVersion: 2, titles, surfaces, spread: null };
  await saveJson(output('lenet5.json'), atlas);
  const title = 'LeNet5: two solutions, two data sets, one plane';
  await savePng(output('lenet5.png'), drawAtlas(atlas, { title, scale: 'log', shared: true }));
}

const jobs = {
  resnet20: () => resnet('resnet20', 25),
  resnet56: () => resnet('resnet56', 17),
  lenet5,
  table,
};
for (const [name, job] of Object.entries(jobs)) {
  if (only === undefined || only === name) await job();
}
