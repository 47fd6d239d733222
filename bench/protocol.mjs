// The protocol: which cases stand side by side in its one table, and what of each case a row shows.
import { makeCase } from './cases.mjs';

/**
 * @typedef {import('./cases.mjs').Case} Case
 *
 * @typedef {'G1' | 'G2' | 'G3' | 'G3 bfloat16' | 'H1' | 'H2' | 'H3' | 'A2' | 'A3' | 'A4' | 'A4 time' | 'busy'} RowName
 *
 * @typedef {object} Row
 * @property {RowName} name
 * @property {string} what in words
 * @property {'milliseconds' | 'products' | 'megabytes'} measure
 * @property {Case} case
 * @property {Case | null} idle the same without busy processes beside it
 *
 * @typedef {object} Part
 * @property {string} name
 * @property {readonly Row[]} rows
 */

/**
 * @param {RowName} name
 * @param {string} what
 * @param {Case} benchCase
 * @param {Row['measure']} [measure]
 * @param {Case | null} [idle]
 * @returns {Row}
 */
const row = (name, what, benchCase, measure = 'milliseconds', idle = null) => ({
  name,
  what,
  measure,
  case: benchCase,
  idle,
});

/**
 * @param {RowName} name
 * @param {string} workload
 * @param {import('./cases.mjs').Work} work
 * @param {number} repetitions
 * @param {Partial<Case>} [options]
 */
const named = (name, workload, work, repetitions, options) =>
  makeCase(workload, work, repetitions, { ...options, name });

const product = named('A4', 'resnet20-128', 'hvp', 3, {
  warmup: 1,
  tools: ['ours', 'pyhessian', 'curvlinops', 'lla'],
});
const idle = makeCase('resnet20-128', 'hvp', 5, { name: 'idle', warmup: 1, tools: ['ours'] });
const half = named('G3 bfloat16', 'resnet18-8', 'surface', 1, {
  grid: 5,
  dtype: 'bfloat16',
  tools: ['ours', 'lla'],
});

/** @type {readonly Part[]} */
export const parts = [
  {
    name: 'G1',
    rows: [
      row('G1', 'LeNet, 2048 images, point of a plane', named('G1', 'lenet-2048', 'surface', 1, { grid: 7 })),
    ],
  },
  {
    name: 'G2',
    rows: [
      row(
        'G2',
        'ResNet-20, 128 images, point of a plane',
        named('G2', 'resnet20-128', 'surface', 1, { grid: 5 }),
      ),
    ],
  },
  {
    name: 'G3',
    rows: [
      row(
        'G3',
        'ResNet-18, 8 images of 224², point of a plane',
        named('G3', 'resnet18-8', 'surface', 1, { grid: 5 }),
      ),
      row('G3 bfloat16', 'the same, ours in bfloat16', half),
    ],
  },
  {
    name: 'H1',
    rows: [
      row(
        'H1',
        'LeNet, 2048 images, step of a spectral density of 12',
        named('H1', 'lenet-2048', 'slq', 1, { steps: 12 }),
      ),
    ],
  },
  {
    name: 'H2',
    rows: [
      row(
        'H2',
        'ResNet-20, 128 images, step of a spectral density of 8',
        named('H2', 'resnet20-128', 'slq', 1, { steps: 8 }),
      ),
    ],
  },
  {
    name: 'H3',
    rows: [
      row('H3', 'ResNet-18, 8 images of 224², product', named('H3', 'resnet18-8', 'hvp', 2, { warmup: 1 })),
    ],
  },
  {
    // Of A2 and A3 every repetition draws anew what it starts from.
    name: 'A2',
    rows: [
      row(
        'A2',
        'digits, 360 images, float64: products to the top five eigenpairs, residuals 1e-6 · |λ1|',
        named('A2', 'digits-360', 'eigenpairs', 5, {
          pairs: 5,
          tolerance: 1e-6,
          dtype: 'float64',
          counts: true,
        }),
        'products',
      ),
    ],
  },
  {
    name: 'A3',
    rows: [
      row(
        'A3',
        'digits, 360 images: products to a standard error of 1 % of the trace',
        named('A3', 'digits-360', 'trace', 3, {
          steps: 30,
          tolerance: 0.01,
          warmup: 0,
          counts: true,
        }),
        'products',
      ),
    ],
  },
  {
    name: 'A4',
    rows: [
      row('A4 time', 'ResNet-20, 128 images, product', product),
      row('A4', 'the same, MB at the peak above the loaded model', product, 'megabytes'),
    ],
  },
  {
    name: 'busy',
    rows: [
      row(
        'busy',
        'ResNet-20, 128 images, product beside one busy process',
        { ...idle, name: 'busy', foreign: 1 },
        'milliseconds',
        idle,
      ),
    ],
  },
];

/**
 * What a run of these parts measures, each case once.
 *
 * @param {readonly Part[]} wanted
 * @returns {Case[]}
 */
export function casesOf(wanted) {
  const rows = wanted.flatMap((part) => part.rows);
  return [...new Set(rows.flatMap((each) => (each.idle === null ? [each.case] : [each.idle, each.case])))];
}
