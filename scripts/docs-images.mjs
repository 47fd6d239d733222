// Makes the pictures of README and guides that show the example model: npm run docs:images [folder]
// The report is photographed by Chromium (LOSSATLAS_CHROMIUM, or /usr/bin/chromium); without it that picture stays.
// The others of docs/images come from examples/checkpoints, which need published checkpoints.
import { existsSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { runMain, say } from './console.mjs';
import { root } from './project.mjs';
import { runCommand } from './run-command.mjs';

const images = resolve(process.argv[2] ?? join(root, 'docs', 'images'));
const example = join(root, 'examples', 'digits');
const model = join(example, 'digits.script.pt');
const data = `${join(example, 'digits.npz')}:inputs=x_test,targets=y_test,scale=1/16`;
const scratch = mkdtempSync(join(tmpdir(), 'lossatlas-images-'));

/** @param {readonly string[]} args */
async function node(...args) {
  const { code } = await runCommand(process.execPath, args, { cwd: scratch });
  if (code !== 0) throw new Error(`'${args.join(' ')}' ended with ${code}`);
}

/** @param {readonly string[]} args */
const lossatlas = (...args) => node(join(root, 'dist', 'cli', 'main.js'), ...args);

/**
 * @param {string} made
 * @param {string} name
 */
const keep = (made, name) => renameSync(join(scratch, made), join(images, name));

/**
 * @param {string} name of the picture
 * @param {string} made the figure of it that is kept
 * @param {number} pixelRatio
 * @param {string} kind
 * @param {readonly string[]} args
 */
async function landscape(name, made, pixelRatio, kind, ...args) {
  const common = ['-d', data, '--out', '.', '--images', 'png', '--scale', 'log', '--quiet'];
  await lossatlas('landscape', kind, model, ...args, ...common, '--pixel-ratio', String(pixelRatio));
  keep(made, name);
}

/** A curve between two minima, on the plane of both and its control point. */
async function connection() {
  await node(join(example, 'minima.mjs'), '.');
  const train = `${join(example, 'digits.npz')}:inputs=x_train,targets=y_train,scale=1/16`;
  const minima = ['--from', 'net-1.pth', '--to', 'net-2.pth', '-d', train, '--surface', '31'];
  const figure = ['--figures', 'contour', '--images', 'png', '--pixel-ratio', '1.2', '--title', ''];
  await lossatlas('connect', model, ...minima, ...figure, '--out', '.', '--quiet');
  keep('connection.png', 'connection-plane.png');
}

/** How far 200 rays from the model reach. */
async function basin() {
  const train = `${join(example, 'digits.npz')}:inputs=x_train,targets=y_train,scale=1/16`;
  const rays = ['-d', train, '--cutoff', '0.5', '--rays', '200'];
  await lossatlas(
    'basin',
    model,
    ...rays,
    '--images',
    'png',
    '--pixel-ratio',
    '1.2',
    '--out',
    '.',
    '--quiet',
  );
  keep('basin.png', 'basin.png');
}

async function report() {
  const executablePath = process.env.LOSSATLAS_CHROMIUM ?? '/usr/bin/chromium';
  if (!existsSync(executablePath)) {
    say(`no Chromium at ${executablePath}: report.png stays as it is`);
    return;
  }
  const results = ['random.json', 'hessian.json', 'spectrum.json'];
  const titles = ['Random directions', 'Sharpest directions', 'Spectrum'];
  await lossatlas(
    'report',
    ...results,
    '--labels',
    titles.join(','),
    '--title',
    'Digits net',
    '-o',
    'report.html',
  );
  const { chromium } = await import('playwright-core');
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'] });
  try {
    const page = await browser.newPage({ viewport: { width: 1200, height: 860 } });
    await page.goto(pathToFileURL(join(scratch, 'report.html')).href);
    await page.waitForTimeout(1000);
    await page.screenshot({ path: join(images, 'report.png') });
  } finally {
    await browser.close();
  }
}

/** A run of six epochs, from random weights. */
async function track() {
  const sets = ['train', 'test'].map(
    (name) => `${join(example, 'digits.npz')}:inputs=x_${name},targets=y_${name}`,
  );
  const scale = ['--data-options', 'scale=1/16', '--quiet'];
  const adam = ['--optimizer', 'adam', '--lr', '1e-3', '--batch-size', '64', '--epochs', '6', '--seed', '1'];
  const start = ['--weights', join('run', 'step-000.pth'), '--out', 'epochs', '--images', 'none'];
  await lossatlas('train', model, '-d', `${sets[0]}`, ...start, ...adam, ...scale);
  const data = ['-d', `${sets[0]},name=train`, '-d', `${sets[1]},name=test`];
  const drawn = ['--figures', 'kh05', '--images', 'png', '--pixel-ratio', '1.2', '--out', '.'];
  await lossatlas(
    'track',
    model,
    'epochs',
    ...data,
    '--curvature-samples',
    '256',
    '--seed',
    '1',
    ...drawn,
    ...scale,
  );
  keep('track.png', 'track-kh05.png');
}

await runMain(async () => {
  try {
    await node(join(example, 'checkpoints.mjs'), 'run');
    const random = ['--points', '41', '--seed', '1', '--name', 'random'];
    await landscape('first-surface.png', 'random-surface.png', 1.2, 'surface', ...random);
    const sharp = ['--axes', 'hessian', '--range', '-0.1,0.1', '--points', '41', '--name', 'hessian'];
    await landscape('landscape-hessian.png', 'hessian-surface.png', 1.2, 'surface', ...sharp);
    const seeds = ['--seeds', '1,2,3,4', '--points', '25', '--shared'];
    await landscape('atlas.png', 'atlas-surface.png', 0.8, 'atlas', ...seeds);
    const path = ['run', '--points', '41', '--name', 'path', '--height', '380'];
    await landscape('trajectory.png', 'path-contour.png', 1.2, 'trajectory', ...path);
    await connection();
    await basin();
    const density = [
      '--steps',
      '60',
      '--probes',
      '6',
      '--seed',
      '1',
      '--out',
      '.',
      '--images',
      'none',
      '--quiet',
    ];
    for (const step of ['000', '100'])
      await lossatlas(
        'spectrum',
        model,
        '-d',
        data,
        '-w',
        `run/step-${step}.pth`,
        '--name',
        `s${step}`,
        ...density,
      );
    await lossatlas('spectrum', model, '-d', data, '--name', 'spectrum', ...density);
    const together = [
      '--together',
      '--labels',
      'before training,after 100 steps',
      '--figures',
      'log-density',
    ];
    const size = ['--images', 'png', '--pixel-ratio', '1.5', '--out', '.', '--name', 'densities'];
    const words = ['--floor', '1e-5', '--title', 'Digits net: Hessian spectrum before and after training'];
    await lossatlas('plot', 's000.json', 's100.json', ...together, ...words, ...size);
    keep('densities.png', 'spectrum-digits.png');
    await track();
    await report();
    return 0;
  } finally {
    rmSync(scratch, { recursive: true });
  }
});
