// Nets with weights and data, for benchmarks that compare lossatlas with itself.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../scripts/project.mjs';
import {
  dataset,
  loadCifar,
  loadIdx,
  loadModel,
  loadNpz,
  loadSolution,
  objective,
  ownSolution,
} from '../dist/index.js';
import { sharedFile } from './images.mjs';

/**
 * @typedef {import('../dist/index.js').LoadModelOptions} LoadModelOptions
 * @typedef {import('../dist/index.js').Objective} Objective
 * @typedef {import('../dist/index.js').Solution} Solution
 * @typedef {{ title: string, loss: Objective, at: Solution }} Net
 */

/**
 * @param {number} limit
 * @param {'train' | 'test'} [part] of its images
 * @param {LoadModelOptions} [options]
 * @returns {Promise<Net>}
 */
export async function digits(limit, part = 'train', options = {}) {
  const folder = join(root, 'examples', 'digits');
  const model = await loadModel(join(folder, 'digits.script.pt'), options);
  const arrays = { inputs: `x_${part}`, targets: `y_${part}`, scale: 1 / 16, limit };
  return {
    title: `digits, ${limit} images`,
    loss: objective(model, await loadNpz(join(folder, 'digits.npz'), arrays)),
    at: await ownSolution(model),
  };
}

/** @param {number} limit */
async function mnist(limit) {
  const images = sharedFile('mnist/t10k-images-idx3-ubyte.gz');
  const labels = sharedFile('mnist/t10k-labels-idx1-ubyte.gz');
  return images === null || labels === null ? null : loadIdx(images, labels, { limit, scale: 1 / 255 });
}

/**
 * LeNet5 with its trained weights.
 *
 * @param {number} limit
 * @param {LoadModelOptions} [options]
 * @returns {Promise<Net | null>}
 */
export async function lenet5(limit, options = {}) {
  const data = await mnist(limit);
  const weights = sharedFile('checkpoints/advertorch_mnist_lenet5_clntrained.pt');
  if (data === null || weights === null) return null;
  const model = await loadModel(join(root, 'examples', 'checkpoints', 'lenet5.architecture.pt'), options);
  return {
    title: `LeNet5, ${limit} MNIST images`,
    loss: objective(model, data),
    at: await loadSolution(model, weights),
  };
}

/**
 * The LeNet of the protocol, which is not trained.
 *
 * @param {number} limit
 * @returns {Promise<Net | null>}
 */
export async function lenet(limit) {
  const data = await mnist(limit);
  if (data === null) return null;
  const model = await loadModel(join(root, 'bench', 'lenet.script.pt'));
  return {
    title: `LeNet, ${limit} MNIST images`,
    loss: objective(model, data),
    at: await ownSolution(model),
  };
}

/**
 * @param {number} limit
 * @param {'eval' | 'train'} [mode]
 * @param {LoadModelOptions} [options]
 * @returns {Promise<Net | null>}
 */
export async function resnet20(limit, mode = 'eval', options = {}) {
  const images = sharedFile('cifar10/cifar10_jpeg_test_5000.bin');
  const file = sharedFile('torchscript/resnet20_cifar10.script.pt');
  if (images === null || file === null) return null;
  const model = await loadModel(file, options);
  const standardised = { scale: 1 / 255, mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };
  const loss = objective(model, await loadCifar(images, { limit, ...standardised }), { mode });
  return { title: `ResNet-20, ${limit} CIFAR images, ${mode}`, loss, at: await ownSolution(model) };
}

/**
 * The ResNet-18 that the protocol has made, on noise; null before.
 *
 * @returns {Promise<Net | null>}
 */
export async function resnet18() {
  const file = join(root, 'bench', '.cache', 'resnet18.script.pt');
  if (!existsSync(file)) return null;
  const model = await loadModel(file);
  const shape = [8, 3, 224, 224];
  const noise = Float32Array.from({ length: 8 * 3 * 224 * 224 }, (_, i) => 2 * Math.sin(12.9898 * i));
  const data = dataset({ inputs: { data: noise, shape }, targets: [1, 2, 3, 4, 5, 6, 7, 8] });
  return { title: 'ResNet-18, 8 images of 224²', loss: objective(model, data), at: await ownSolution(model) };
}
