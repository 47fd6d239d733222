// Products of the published search for both extreme eigenvalues (Li et al. 2018), where its checkout and a Python are named.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root } from '../scripts/project.mjs';
import { SetupError } from '../scripts/console.mjs';

/**
 * @typedef {import('./images.mjs').Images} Images
 * @typedef {import('../dist/index.js').Model} Model
 * @typedef {{ products: number, largest: number, smallest: number, residual: number }} PublishedPair
 */

/**
 * At each of the points, from a random vector, by the code in LOSSATLAS_BENCH_LI2018; null where that or
 * LOSSATLAS_BENCH_PYTHON is not set.
 *
 * @param {string} file TorchScript
 * @param {Model} model
 * @param {Images} images
 * @param {readonly number[]} shape of the batch
 * @param {readonly Float64Array[]} points
 * @returns {readonly PublishedPair[] | null}
 */
export function publishedSearches(file, model, images, shape, points) {
  const python = process.env.LOSSATLAS_BENCH_PYTHON;
  if (python === undefined || process.env.LOSSATLAS_BENCH_LI2018 === undefined) return null;
  const folder = mkdtempSync(join(tmpdir(), 'lossatlas-bench-'));
  try {
    const parameters = model.parameters.map(({ name }) => ({ name }));
    const job = { model: file, shape, points: points.length, parameters };
    writeFileSync(join(folder, 'job.json'), JSON.stringify(job));
    writeFileSync(join(folder, 'x.bin'), new Uint8Array(images.x.buffer));
    writeFileSync(join(folder, 'y.bin'), new Uint8Array(images.y.buffer));
    const values = Float32Array.from(points.flatMap((point) => Array.from(point)));
    writeFileSync(join(folder, 'points.bin'), new Uint8Array(values.buffer));
    const tool = join(root, 'bench', 'tools', 'li2018_eigenvalues.py');
    const { status, stdout, stderr } = spawnSync(python, [tool, folder], { encoding: 'utf8' });
    if (status !== 0) throw new SetupError('ERR_BENCH', `li2018_eigenvalues.py failed: ${stderr.trim()}`);
    return JSON.parse(stdout).points;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
