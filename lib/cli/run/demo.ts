import { join } from 'node:path';
import {
  drawResult,
  eigenpairs,
  hessian,
  hessianPlane,
  loadModel,
  loadNpz,
  lossSurface,
  objective,
  randomPlane,
  saveJson,
  savePng,
  saveReport,
  saveSvg,
  spectralDensity,
  trace,
  type LossSurface,
  type SpectralDensity,
} from '../../index.js';
import { withInterval } from '../../report/spectrum-figures.js';
import { packageRoot } from '../../native/load.js';
import { makeFolder } from '../make-folder.js';
import { duration, ProgressReporter } from '../progress.js';

interface Settings {
  readonly points: number;
  readonly samples: number;
  readonly steps: number;
  readonly probes: number;
}
const full: Settings = { points: 41, samples: 512, steps: 100, probes: 10 };
const quick: Settings = { points: 21, samples: 256, steps: 40, probes: 4 };

/** The main job on the example that ships with the package: two landscapes, spectrum, criteria, eigenvalues, trace. */
export async function demo(folder: string, isQuick: boolean, signal: AbortSignal): Promise<void> {
  const startedAt = performance.now();
  const settings = isQuick ? quick : full;
  await makeFolder(folder);
  const example = join(packageRoot, 'examples', 'digits');
  const progress = new ProgressReporter();
  const analysis = { signal, onProgress: progress.onProgress };
  try {
    using model = await loadModel(join(example, 'digits.script.pt'));
    const data = await loadNpz(join(example, 'digits.npz'), {
      inputs: 'x_train',
      targets: 'y_train',
      scale: 1 / 16,
      limit: settings.samples,
      name: 'digits (train)',
    });
    using loss = objective(model, data);
    const { loss: value, accuracy } = await loss.evaluate();
    print(`Model     ${model.name}: ${model.size} parameters, ${model.dtype} on ${model.device}`);
    print(`Data      ${data.name}: ${data.numSamples} samples`);
    print(`Loss      ${value.toPrecision(6)}, accuracy ${((accuracy ?? NaN) * 100).toFixed(2)} %\n`);

    using randomAxes = await randomPlane(model, { seed: 1 });
    const random = await lossSurface(loss, randomAxes, { points: settings.points, ...analysis });
    await saveSurface(folder, 'landscape-random', 'Digits net: filter-normalised random axes', random);

    using operator = hessian(loss);
    using hessianAxes = await hessianPlane(operator, { seed: 1, ...analysis });
    // A step of 1 is as long as θ* itself: along the sharpest directions a tenth of it leaves the basin.
    const range = [-0.1, 0.1] as const;
    const along = await lossSurface(loss, hessianAxes, { points: settings.points, range, ...analysis });
    await saveSurface(
      folder,
      'landscape-hessian',
      'Digits net: axes of the two largest Hessian eigenvalues',
      along,
    );

    using top = await eigenpairs(operator, { k: 4, which: 'both-ends', seed: 1, ...analysis });
    await saveJson(join(folder, 'eigenpairs.json'), top);
    const traceEstimate = await trace(operator, { seed: 1, ...analysis });
    await saveJson(join(folder, 'trace.json'), traceEstimate);
    const spectrum = await spectralDensity(operator, {
      steps: settings.steps,
      probes: settings.probes,
      seed: 1,
      ...analysis,
    });
    await saveSpectrum(folder, spectrum, top.values);
    await saveReport(join(folder, 'report.html'), [random, along, spectrum, top, traceEstimate], {
      title: 'Digits net',
    });
    progress.stop();

    print('');
    const { re, kh05, kh1 } = spectrum.criteria;
    print(
      `λ         ${Array.from(top.values, (v) => v.toPrecision(5)).join('  ')}  (residuals ≤ ${Math.max(...top.residuals).toExponential(1)})`,
    );
    print(`trace     ${withInterval(traceEstimate)}`);
    print(`re        ${withInterval(re)}`);
    print(`KH05      ${withInterval(kh05)}`);
    print(`KH1       ${withInterval(kh1)}`);
    print(
      `\nFigures (PNG, SVG), data (JSON) and a page to turn with the mouse (report.html) are in ${folder}/, made in ${duration((performance.now() - startedAt) / 1000)}.`,
    );
  } catch (error) {
    progress.stop();
    if (signal.aborted)
      print(`Stopped. What was finished before is in ${folder}/; the next run starts anew.`);
    throw error;
  }
}

async function saveSurface(folder: string, name: string, title: string, surface: LossSurface): Promise<void> {
  await saveJson(join(folder, `${name}.json`), surface);
  for (const figure of drawResult(surface, { title, scale: 'log' }))
    await saveFigure(folder, figure.name === 'surface' ? name : `${name}-${figure.name}`, figure.svg);
}

async function saveSpectrum(folder: string, spectrum: SpectralDensity, markers: Float64Array): Promise<void> {
  await saveJson(join(folder, 'spectrum.json'), spectrum);
  const title = 'Digits net: eigenvalue density of the Hessian';
  for (const { svg } of drawResult(spectrum, { figures: ['density'], title, markers }))
    await saveFigure(folder, 'spectrum', svg);
}

async function saveFigure(folder: string, name: string, svg: string): Promise<void> {
  await saveSvg(join(folder, `${name}.svg`), svg);
  await savePng(join(folder, `${name}.png`), svg);
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
