// A model, a batch and vectors over the model's parameters, as raw files that every tool reads alike.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../scripts/project.mjs';
import { cacheFolder } from './cache.mjs';
import { makeNoise, readCifar, readMnist, sharedFile } from './images.mjs';
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
 */

/** @type {Readonly<Record<string, () => Omit<Workload, 'folder' | 'name' | 'data'> & { images: import('./images.mjs').Images } | null>>} */
const makers = {
  'lenet-256': () => lenet(256),
  'lenet-2048': () => lenet(2048),
  'resnet20-128': () => {
    const model = sharedFile('torchscript/resnet20_cifar10.script.pt');
    const images = readCifar(128);
    if (model === null || images === null) return null;
    return { model, shape: [128, 3, 32, 32], images, arithmetic: resnet20 };
  },
};

/** 2·(28²·6·25 + 10²·16·150 + 400·120 + 120·84 + 84·10) */
const lenetArithmetic = { forward: 833_040, firstLayer: 235_200 };

/** 3 → 16 at 32², then 6, 5 and 5 layers of 16, 32 and 64 channels, two that change them, and the last one, 64 → 10. */
const resnet20 = (() => {
  const layer = (/** @type {number} */ side, /** @type {number} */ from, /** @type {number} */ to) =>
    2 * 9 * side ** 2 * from * to;
  const firstLayer = layer(32, 3, 16);
  const others =
    6 * layer(32, 16, 16) +
    layer(16, 16, 32) +
    5 * layer(16, 32, 32) +
    layer(8, 32, 64) +
    5 * layer(8, 64, 64);
  return { forward: firstLayer + others + 2 * 64 * 10, firstLayer };
})();

/** @param {number} count */
function lenet(count) {
  const shape = [count, 1, 28, 28];
  return {
    model: join(root, 'bench', 'lenet.script.pt'),
    shape,
    images: readMnist(count) ?? makeNoise(shape),
    arithmetic: lenetArithmetic,
  };
}

/**
 * Writes the workload's files.
 *
 * @param {string} name
 * @param {AbortSignal} signal
 * @returns {Promise<Workload | null>} null where its files are not on this machine
 */
export async function prepareWorkload(name, signal) {
  const made = makers[name]?.();
  if (!made) return null;
  const folder = join(cacheFolder, name);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'x.bin'), made.images.x);
  writeFileSync(join(folder, 'y.bin'), made.images.y);
  await runStep(process.execPath, [join(root, 'bench', 'tools', 'vectors.mjs'), made.model, folder], signal);
  const { model, shape, arithmetic } = made;
  return { name, model, shape, data: made.images.name, folder, arithmetic };
}
