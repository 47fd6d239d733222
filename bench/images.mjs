// Images of the shared real data as float32, and seeded ones for where it is absent.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { unzipSync } from 'fflate';
import { root } from '../scripts/project.mjs';

/**
 * @typedef {object} Images
 * @property {string} name
 * @property {Float32Array} x
 * @property {BigInt64Array} y
 */

const sharedData = join(root, '..', 'shared', 'data');

/**
 * @param {string} name
 * @returns {string | null} its path where it is there
 */
export function sharedFile(name) {
  const path = join(sharedData, name);
  return existsSync(path) ? path : null;
}

/**
 * The first images of MNIST's test set, scaled to [0, 1].
 *
 * @param {number} count
 * @returns {Images | null}
 */
export function readMnist(count) {
  const images = sharedFile('mnist/t10k-images-idx3-ubyte.gz');
  const labels = sharedFile('mnist/t10k-labels-idx1-ubyte.gz');
  if (images === null || labels === null) return null;
  // IDX: a header of 4 bytes a dimension and 4 before, then bytes.
  const pixels = gunzipSync(readFileSync(images)).subarray(16, 16 + count * 28 * 28);
  const classes = gunzipSync(readFileSync(labels)).subarray(8, 8 + count);
  return {
    name: `MNIST, the first ${count} test images`,
    x: Float32Array.from(pixels, (byte) => byte / 255),
    y: BigInt64Array.from(classes, BigInt),
  };
}

const cifarMean = [0.485, 0.456, 0.406];
const cifarStd = [0.229, 0.224, 0.225];

/**
 * The first images of CIFAR-10's test set, standardised as the shared ResNets want them.
 *
 * @param {number} count
 * @returns {Images | null}
 */
export function readCifar(count) {
  const path = sharedFile('cifar10/cifar10_jpeg_test_5000.bin');
  if (path === null) return null;
  const bytes = readFileSync(path);
  const plane = 32 * 32;
  const x = new Float32Array(count * 3 * plane);
  const y = new BigInt64Array(count);
  for (let i = 0; i < count; i++) {
    // A record: the label, then the channels.
    const record = bytes.subarray(i * (3 * plane + 1), (i + 1) * (3 * plane + 1));
    y[i] = BigInt(record[0] ?? 0);
    for (let k = 0; k < 3 * plane; k++) {
      const channel = Math.floor(k / plane);
      x[i * 3 * plane + k] =
        ((record[k + 1] ?? 0) / 255 - (cifarMean[channel] ?? 0)) / (cifarStd[channel] ?? 1);
    }
  }
  return { name: `CIFAR-10 (JPEG), the first ${count} test images`, x, y };
}

/**
 * The first test images of the example model, scaled to [0, 1].
 *
 * @param {number} count
 * @returns {Images}
 */
export function readDigits(count) {
  const arrays = unzipSync(readFileSync(join(root, 'examples', 'digits', 'digits.npz')));
  const bytes = (/** @type {string} */ name) => {
    const array = arrays[`${name}.npy`] ?? new Uint8Array();
    // NPY 1.0: the length of the header stands in bytes 8 and 9.
    return array.subarray(10 + (array[8] ?? 0) + 256 * (array[9] ?? 0));
  };
  return {
    name: `the first ${count} test images of the example model`,
    x: Float32Array.from(bytes('x_test').subarray(0, count * 64), (byte) => byte / 16),
    y: BigInt64Array.from(bytes('y_test').subarray(0, count), BigInt),
  };
}

/**
 * Uniform noise with uniform labels: the work is the same as on images.
 *
 * @param {readonly number[]} shape
 * @param {string} [why]
 * @returns {Images}
 */
export function makeNoise(shape, why = '') {
  const random = mulberry32(1);
  const count = shape[0] ?? 0;
  const size = shape.reduce((product, dim) => product * dim, 1);
  return {
    name: `${count} images of seeded noise${why}`,
    x: Float32Array.from({ length: size }, random),
    y: BigInt64Array.from({ length: count }, () => BigInt(Math.floor(random() * 10))),
  };
}

/**
 * A small seeded generator on [0, 1) (T. Ettinger).
 *
 * @param {number} seed
 */
function mulberry32(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
