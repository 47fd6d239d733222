// A model, a batch and vectors over the model's parameters, as raw files that every tool reads alike.
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../scripts/project.mjs';
import { cacheFolder } from './cache.mjs';
import { makeNoise, readCifar, readDigits, readMnist, sharedFile } from './images.mjs';
import { runStep } from './processes.mjs';

/**
 * Multiplications and additions of the convolutions and linear layers, of one sample.
 *
 * @typedef {object} Arithmetic
 * @property {number} forward
 * @property {number} firstLayer of them
 *
 * @typedef {object} Workload
 * @property {string} name
 * @property {string} model TorchScript file
 * @property {readonly number[]} shape of the batch
 * @property {string} data
 * @property {Arithmetic} arithmetic
 * @property {string} folder holds x.bin (float32), y.bin (int64), r1.bin, r2.bin, d1.bin, d2.bin, v.bin,
 *   start.bin (float32)
 *
 * @typedef {Pick<Workload, 'model' | 'shape' | 'arithmetic'> & { images: import('./images.mjs').Images }} Ingredients
 *
 * What makers of models may use: the interpreter, and why it cannot make those of torchvision, null where it can.
 *
 * @typedef {{ python: string, noTorchvision: string | null, signal: AbortSignal }} Means
 */

/** @type {Readonly<Record<string, (means: Means) => Promise<Ingredients | string>>>} a string says why there is none */
const makers = {
  'lenet-256': async () => lenet(256),
  'lenet-2048': async () => lenet(2048),
  'resnet20-128': async () => {
    const model = sharedFile('torchscript/resnet20_cifar10.script.pt');
    const images = readCifar(128);
    if (model === null || images === null) return 'its model or its images are not in ../shared/data';
    return { model, shape: [128, 3, 32, 32], images, arithmetic: resnet20 };
  },
  'resnet18-8': resnet18,
  'digits-360': async () => ({
    model: join(root, 'examples', 'digits', 'digits.script.pt'),
    shape: [360, 1, 8, 8],
    images: readDigits(360),
    arithmetic: digitsArithmetic,
  }),
};

/**
 * Of a convolution of squares (of a linear layer: with `side` and `size` 1).
 *
 * @param {number} side of its output
 * @param {number} size of its filters
 * @param {number} from channels
 * @param {number} to channels
 */
const layer = (side, size, from, to) => 2 * side ** 2 * size ** 2 * from * to;

/** @param {readonly number[]} layers in the order of the net */
const sumOf = (layers) => ({
  forward: layers.reduce((sum, flops) => sum + flops, 0),
  firstLayer: layers[0] ?? NaN,
});

const lenetArithmetic = sumOf([
  layer(28, 5, 1, 6),
  layer(10, 5, 6, 16),
  layer(1, 1, 400, 120),
  layer(1, 1, 120, 84),
  layer(1, 1, 84, 10),
]);

const digitsArithmetic = sumOf([layer(8, 3, 1, 8), layer(4, 3, 8, 16), layer(1, 1, 64, 10)]);

/** 3 → 16 at 32², then 6, 5 and 5 layers of 16, 32 and 64 channels, two that change them, and the last one, 64 → 10. */
const resnet20 = sumOf([
  layer(32, 3, 3, 16),
  6 * layer(32, 3, 16, 16),
  layer(16, 3, 16, 32),
  5 * layer(16, 3, 32, 32),
  layer(8, 3, 32, 64),
  5 * layer(8, 3, 64, 64),
  layer(1, 1, 64, 10),
]);

/** @param {number} count */
function lenet(count) {
  const shape = [count, 1, 28, 28];
  return {
    model: join(root, 'bench', 'lenet.script.pt'),
    shape,
    images: readMnist(count) ?? makeNoise(shape, ' (no shared data on this machine)'),
    arithmetic: lenetArithmetic,
  };
}

/**
 * Made once by torchvision, which nothing else here needs.
 *
 * @param {Means} means
 * @returns {Promise<Ingredients | string>}
 */
async function resnet18({ python, noTorchvision, signal }) {
  const model = join(cacheFolder, 'resnet18.script.pt');
  const json = `${model}.json`;
  if (!existsSync(model) || !existsSync(json)) {
    if (noTorchvision !== null) return noTorchvision;
    const part = join(cacheFolder, 'resnet18.part.pt');
    mkdirSync(cacheFolder, { recursive: true });
    await runStep(python, [join(root, 'bench', 'make_resnet18.py'), part], signal);
    renameSync(part, model);
    renameSync(`${part}.json`, json);
  }
  const shape = [8, 3, 224, 224];
  return { model, shape, images: makeNoise(shape), arithmetic: JSON.parse(readFileSync(json, 'utf8')) };
}

/**
 * Writes the workload's files.
 *
 * @param {string} name
 * @param {Means} means
 * @returns {Promise<Workload | string>} a string says why it is not to be had on this machine
 */
export async function prepareWorkload(name, means) {
  const made = await makers[name]?.(means);
  if (made === undefined) throw new Error(`no workload is named ${name}`);
  if (typeof made === 'string') return made;
  const folder = join(cacheFolder, name);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'x.bin'), made.images.x);
  writeFileSync(join(folder, 'y.bin'), made.images.y);
  const { model, shape, arithmetic } = made;
  await runStep(process.execPath, [join(root, 'bench', 'tools', 'vectors.mjs'), model, folder], means.signal);
  return { name, model, shape, data: made.images.name, folder, arithmetic };
}
