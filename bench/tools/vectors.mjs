// Writes the vectors of a workload, as float32 in the order of the model's parameters:
//   r1, r2   Gaussian
//   d1, d2   the same, filter-normalised, zero for biases and BatchNorm
//   v        the vector of the Hessian-vector product
//   start    Rademacher, the start of Lanczos: the very probe that spectralDensity draws for seed 0
//   node bench/tools/vectors.mjs MODEL FOLDER
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadModel, randomPlane } from '../../dist/index.js';

const [modelFile = '', folder = ''] = process.argv.slice(2);

/**
 * @param {string} name
 * @param {import('../../dist/index.js').ParameterVector} vector
 */
async function write(name, vector) {
  writeFileSync(join(folder, `${name}.bin`), Float32Array.from(await vector.toArray()));
  vector.dispose();
}

const model = await loadModel(modelFile);
const { axes } = await randomPlane(model, { seed: 1, orthogonal: false });
await write('d1', axes[0].vector);
await write('d2', axes[1].vector);
await write('r1', await model.randomVector('gaussian', 1, 0));
await write('r2', await model.randomVector('gaussian', 1, 1));
await write('v', await model.randomVector('gaussian', 2));
await write('start', await model.randomVector('rademacher', 0, 0));
model.dispose();
