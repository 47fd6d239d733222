// A model, a batch and vectors over the model's parameters, as raw files that every tool reads alike.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../scripts/project.mjs';
import { cacheFolder } from './cache.mjs';
import { makeNoise, readCifar, readMnist, sharedFile } from './images.mjs';
import { runStep } from './processes.mjs';

/**
 * @typedef {object} Workload
 * @property {string} name
 * @property {string} model TorchScript file
 * @property {readonly number[]} shape of the batch
 * @property {string} data
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
    return model === null || images === null ? null : { model, shape: [128, 3, 32, 32], images };
  },
};

/** @param {number} count */
function lenet(count) {
  const shape = [count, 1, 28, 28];
  return {
    model: join(root, 'bench', 'lenet.script.pt'),
    shape,
    images: readMnist(count) ?? makeNoise(shape),
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
  return { name, model: made.model, shape: made.shape, data: made.images.name, folder };
}
