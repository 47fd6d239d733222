// Hessian spectra and criteria of published checkpoints: ResNet-20 on CIFAR-10 and LeNet5 on MNIST, before and after
// training, and two LeNet5 on MNIST and USPS. What they show is told in docs/spectra.md.
//
//     node examples/checkpoints/spectra.mjs [data folder] [output folder] [--only lenet5|samples|steps|resnet20|table2|table4|resnet-table2] [--quick]
//
// Native objects are freed with the process (`using` needs Node 24). Takes about 20 minutes on two cores; killed, it
// goes on at the spectrum or the row of a table where it was.
import { existsSync } from 'node:fs';
import {
  compareCriteria,
  criteriaTable,
  drawComparison,
  drawDensity,
  drawLogDensity,
  hessian,
  loadJson,
  loadModel,
  objective,
  randomSolution,
  renderDensity,
  renderLogDensity,
  saveJson,
  savePng,
  spectralDensity,
} from '../../dist/index.js';
import {
  cifar,
  either,
  file,
  lenet5,
  mnist,
  mnistTraining,
  only,
  outputFolder,
  progress,
  usps,
} from '../sources.mjs';

const output = outputFolder('spectra-out');
const print = (line) => process.stdout.write(`${line}\n`);

async function lenets() {
  const { model, ...solutions } = await lenet5();
  return { model, ...solutions, random: await randomSolution(model, { seed: 1, label: 'random' }) };
}

async function resnet20() {
  const model = await loadModel(file('torchscript/resnet20_cifar10.script.pt'));
  return { model, random: await randomSolution(model, { seed: 1, label: 'random' }) };
}

/** A spectrum from the output folder, or made and kept there. */
async function spectrum(name, loss, at, options) {
  const kept = output(`${name}.json`);
  if (existsSync(kept)) return await loadJson(kept, 'spectral-density');
  const operator = hessian(loss, at === undefined ? {} : { at });
  const made = await spectralDensity(operator, {
    seed: 1,
    ...options,
    ...either({}, { steps: 3, probes: 2 }),
    ...progress,
  });
  await saveJson(kept, made);
  return made;
}

const show = ({ value, low, high }) =>
  `${value.toPrecision(3)} [${low.toPrecision(3)}, ${high.toPrecision(3)}]`;
const bracketed = (estimate) =>
  `${show(estimate)} in {${estimate.bracket.low.toPrecision(2)}, ${estimate.bracket.high.toPrecision(2)}}${estimate.determined ? '' : ' not determined'}`;

/** What says whether a spectrum is symmetric about zero, or almost all positive. */
function tell(name, { nodes, steps, probes, trace, criteria, provenance }) {
  const ends = [
    Math.min(...nodes.map((list) => list[0])),
    Math.max(...nodes.map((list) => list[list.length - 1])),
  ];
  const { re, kh05, kh1, negativeMass, negativeCurvatureShare, nearZeroMass } = criteria;
  print(
    `\n${name} (${provenance.mode} mode, ${provenance.numSamples} samples, ${steps} steps, ${probes} probes, ${provenance.durationSeconds.toFixed(0)} s)`,
  );
  print(`  extreme Ritz values ${ends.map((end) => end.toPrecision(4)).join(' … ')}, trace ${show(trace)}`);
  print(`  re   ${bracketed(re)}`);
  for (const [label, value] of Object.entries({ KH05: kh05, KH1: kh1 })) {
    print(
      `  ${label.padEnd(4)} LLA ${show(value)}; ratio ${bracketed(value.ratio)}; tail ${bracketed(value.tail)}`,
    );
  }
  print(`  negative mass ${bracketed(negativeMass)}, near zero ${bracketed(nearZeroMass)}`);
  print(`  negative share of curvature ${bracketed(negativeCurvatureShare)}`);
}

/**
 * Of the mass at |λ| above a hundredth of the largest: the share at whose |λ| the bands of both sides overlap, and the
 * share that is negative.
 */
function symmetry(spectrum) {
  const limit = largest([{ spectrum }]) / 100;
  const { x, positive, negative } = renderLogDensity(spectrum, { width: 0.15 });
  let [shared, below, all] = [0, 0, 0];
  x.forEach((value, i) => {
    if (value < limit) return;
    const mass = positive.density[i] + negative.density[i];
    all += mass;
    below += negative.density[i];
    if (positive.low[i] <= negative.high[i] && negative.low[i] <= positive.high[i]) shared += mass;
  });
  return { shared: shared / all, negative: below / all };
}

const percent = (share) => `${(100 * share).toFixed(0)} %`;

async function figures(name, title, spectra) {
  const { steps, probes, provenance } = spectra[0].spectrum;
  const sameData = spectra.every(({ spectrum }) => spectrum.provenance.numSamples === provenance.numSamples);
  const samples = sameData ? `, ${provenance.numSamples} samples` : '';
  const caption = `${steps} Lanczos steps, ${probes} probes${samples}; bands: 95 % over probes`;
  await savePng(
    output(`${name}-linear.png`),
    drawDensity(
      spectra.map(({ label, spectrum }) => ({
        label,
        curve: renderDensity(spectrum, { points: 2000, variance: widthOf(spectra) ** 2 }),
      })),
      { title, caption },
    ),
    { scale: 1 },
  );
  await savePng(
    output(`${name}-log.png`),
    drawLogDensity(
      spectra.map(({ label, spectrum }) => ({
        label,
        curve: renderLogDensity(spectrum, { width: 0.15, floor: floorOf(spectra) }),
      })),
      { title, caption },
    ),
    { scale: 1 },
  );
  for (const { label, spectrum } of spectra) {
    const { shared, negative } = symmetry(spectrum);
    print(
      `  ${label}, above max|λ| / 100: ${percent(negative)} of the mass negative, bands of both sides overlap on ${percent(shared)}`,
    );
  }
}

const largest = (spectra) =>
  Math.max(
    ...spectra.flatMap(({ spectrum }) =>
      spectrum.nodes.flatMap((list) => [Math.abs(list[0]), list[list.length - 1]]),
    ),
  );
const widthOf = (spectra) => largest(spectra) / 300;
const floorOf = (spectra) => largest(spectra) * 1e-7;

async function compare(name, models, data, options) {
  const kept = output(`${name}.json`);
  const known = existsSync(kept) ? { known: await loadJson(kept, 'criteria-comparison') } : {};
  const onRow = (_, soFar) => saveJson(kept, soFar);
  const comparison = await compareCriteria(models, data, {
    seed: 1,
    ...options,
    ...either({}, { batches: 2, batchSize: 4, steps: 2 }),
    ...known,
    onRow,
    ...progress,
  });
  print(`\n${criteriaTable(comparison)}`);
  return comparison;
}

const lenetSettings = { batches: 4, batchSize: 64, steps: 100, probes: 1 };

const jobs = {
  /** Random against trained; LeNet5 has neither BatchNorm nor dropout, so that both modes are one. */
  async lenets() {
    const { model, random, clean } = await lenets();
    const loss = objective(model, await mnist(either(64, 4)));
    const options = { steps: 100, probes: 4 };
    const spectra = [
      { label: 'random', spectrum: await spectrum('lenet5-random', loss, random, options) },
      { label: 'trained', spectrum: await spectrum('lenet5-trained-100', loss, clean, options) },
    ];
    for (const one of spectra) tell(`LeNet5, ${one.label}`, one.spectrum);
    await figures('lenet5', 'LeNet5 on MNIST: Hessian spectrum before and after training', spectra);
  },

  /** How much of what is negative comes from taking few images. */
  async samples() {
    const { model, clean } = await lenets();
    const spectra = [];
    for (const limit of [64, 512]) {
      const data = await mnistTraining(either(limit, 4));
      const loss = objective(model, data, { batchSize: 256 });
      const name = `lenet5-training-${limit}`;
      const made = await spectrum(name, loss, clean, { steps: 100, probes: 3 });
      spectra.push({ label: `${limit} images`, spectrum: made });
      tell(`LeNet5, trained, ${limit} training images`, made);
    }
    const title = 'LeNet5 trained, on 64 and on 512 images of its training data';
    await figures('lenet5-samples', title, spectra);
  },

  /** What settles with the number of Lanczos steps. */
  async steps() {
    const { model, clean } = await lenets();
    const loss = objective(model, await mnist(either(64, 4)));
    for (const steps of [20, 50, 100])
      tell('LeNet5, trained', await spectrum(`lenet5-trained-${steps}`, loss, clean, { steps, probes: 4 }));
  },

  async resnet20() {
    const { model, random } = await resnet20();
    const data = await cifar(either(64, 4));
    for (const mode of ['eval', 'train']) {
      const loss = objective(model, data, { mode });
      const options = { steps: 30, probes: 3 };
      const spectra = [
        { label: 'random', spectrum: await spectrum(`resnet20-random-${mode}`, loss, random, options) },
        { label: 'trained', spectrum: await spectrum(`resnet20-trained-${mode}`, loss, undefined, options) },
      ];
      for (const one of spectra) tell(`ResNet-20, ${one.label}`, one.spectrum);
      await figures(
        `resnet20-${mode}`,
        `ResNet-20 on CIFAR-10, ${mode} mode: before and after training`,
        spectra,
      );
    }
  },

  /** Table 2 of Gabdullin 2024 (arXiv 2412.10146), LeNet. */
  async table2() {
    const { model, random, clean } = await lenets();
    const models = [
      { label: 'LeNet5, random', model, at: random },
      { label: 'LeNet5, clean', model, at: clean },
    ];
    const sets = [
      { label: 'MNIST', data: await mnist(either(2000, 16)) },
      { label: 'MNIST training', data: await mnistTraining(either(2000, 16)) },
    ];
    const comparison = await compare('table2-lenet5', models, sets, lenetSettings);
    const title = 'LeNet5 on MNIST before and after training';
    await savePng(output('table2-lenet5.png'), drawComparison(comparison, { title }), { scale: 1.5 });
  },

  /** Table 4 in kind: from the data of training to data that the net has not seen. */
  async table4() {
    const { model, clean, adversarial } = await lenets();
    const models = [
      { label: 'LeNet5, clean', model, at: clean },
      { label: 'LeNet5, adversarial', model, at: adversarial },
    ];
    const sets = [
      { label: 'MNIST', data: await mnist(either(2000, 16)) },
      { label: 'USPS', data: await usps(either(undefined, 16)) },
    ];
    const comparison = await compare('table4', models, sets, lenetSettings);
    const title = 'LeNet5, clean and adversarially trained, from MNIST to USPS';
    await savePng(output('table4.png'), drawComparison(comparison, { title }), { scale: 1.5 });
  },

  /** Table 2, ResNet: a net of BatchNorm in both modes. */
  async ['resnet-table2']() {
    const { model, random } = await resnet20();
    const models = [
      { label: 'ResNet-20, random', model, at: random },
      { label: 'ResNet-20, trained', model },
    ];
    const comparison = await compare(
      'table2-resnet20',
      models,
      [{ label: 'CIFAR-10', data: await cifar(either(512, 8)) }],
      {
        modes: ['train', 'eval'],
        batches: 4,
        batchSize: 64,
        steps: 30,
        probes: 1,
      },
    );
    const title = 'ResNet-20 on CIFAR-10 before and after training';
    await savePng(output('table2-resnet20.png'), drawComparison(comparison, { title }), { scale: 1.5 });
  },
};
for (const [name, job] of Object.entries(jobs)) {
  if (only === undefined || only === name) await job();
}
