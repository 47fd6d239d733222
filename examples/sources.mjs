// What the examples share: the folders of the command line, and the published files that they read.
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { loadCifar, loadHdf5, loadIdx, loadModel, loadSolution } from '../dist/index.js';

const here = (name) => fileURLToPath(new URL(name, import.meta.url));
const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { only: { type: 'string' }, quick: { type: 'boolean', default: false } },
});
const dataFolder = positionals[0] ?? here('../../shared/data');

/** The one job that was asked for; undefined: all. */
export const only = values.only;
/** With --quick: whatever it takes to try each call; the numbers mean nothing. */
export const isQuick = values.quick;
export const either = (full, quick) => (isQuick ? quick : full);
/** A published file of the data folder. */
export function file(name) {
  const path = join(dataFolder, name);
  if (existsSync(path)) return path;
  process.stderr.write(
    `There is no '${path}'. Give the folder with checkpoints and data as the first argument.\n`,
  );
  process.exit(1);
}

/** Names within the output folder, which is made. */
export function outputFolder(byDefault) {
  const out = positionals[1] ?? byDefault;
  mkdirSync(out, { recursive: true });
  return (name) => join(out, name);
}

export const progress = {
  onProgress: ({ label, done, total }) => {
    if (done === total || process.stderr.isTTY)
      process.stderr.write(`\r${label} ${done}/${total}${done === total ? '\n' : ''}`);
  },
};

const digits = (part, name, limit) =>
  loadIdx(file(`mnist/${part}-images-idx3-ubyte.gz`), file(`mnist/${part}-labels-idx1-ubyte.gz`), {
    limit,
    scale: 1 / 255,
    name,
  });
export const mnist = (limit) => digits('t10k', 'MNIST', limit);
export const mnistTraining = (limit) => digits('train', 'MNIST training', limit);

const uspsDigits = (part, name, limit) =>
  loadHdf5(file('usps/usps.h5'), {
    inputs: `${part}/data`,
    targets: `${part}/target`,
    ...(limit !== undefined && { limit }),
    shape: [1, 16, 16],
    // As MNIST's digits: 20 pixels in a frame of 28.
    resize: [20, 20],
    pad: 4,
    name,
  });
export const usps = (limit) => uspsDigits('test', 'USPS', limit);
export const uspsTraining = (limit) => uspsDigits('train', 'USPS training', limit);

export const cifar = (limit) => cifarAt(undefined, limit);
/** Scaled to another size, for nets of larger images. */
export const cifarAt = (resize, limit) =>
  loadCifar(file('cifar10/cifar10_jpeg_test_5000.bin'), {
    limit,
    ...(resize !== undefined && { resize }),
    scale: 1 / 255,
    mean: [0.485, 0.456, 0.406],
    std: [0.229, 0.224, 0.225],
    name: 'CIFAR-10',
  });

/** advertorch's LeNet5, trained cleanly and adversarially. */
export async function lenet5() {
  const model = await loadModel(here('checkpoints/lenet5.architecture.pt'));
  const load = (kind, label) =>
    loadSolution(model, file(`checkpoints/advertorch_mnist_lenet5_${kind}trained.pt`), { label });
  return { model, clean: await load('cln', 'clean'), adversarial: await load('adv', 'adversarial') };
}
