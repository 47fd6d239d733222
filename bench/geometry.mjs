// What machines and noise do not change of maps and basins: products of a warm start beside a cold one's at the same residual,
// and losses a ray at a precision of 1 %.
//   npm run bench:geometry
// LeNet5 is left out where its files are not in ../shared/data.
import { join } from 'node:path';
import { runMain, say } from '../scripts/console.mjs';
import { root } from '../scripts/project.mjs';
import {
  basinVolume,
  convexityMap,
  loadIdx,
  loadModel,
  loadNpz,
  loadSolution,
  objective,
  randomPlane,
} from '../dist/index.js';
import { sharedFile } from './images.mjs';

/**
 * @typedef {import('../dist/index.js').Objective} Objective
 * @typedef {import('../dist/index.js').Solution} Solution
 * @typedef {{ title: string, loss: Objective, at: { at?: Solution } }} Net
 */

/** @returns {Promise<Net>} */
async function digits() {
  const folder = join(root, 'examples', 'digits');
  const model = await loadModel(join(folder, 'digits.script.pt'));
  const arrays = { inputs: 'x_train', targets: 'y_train', scale: 1 / 16, limit: 360 };
  return {
    title: 'digits, 360 images',
    loss: objective(model, await loadNpz(join(folder, 'digits.npz'), arrays)),
    at: {},
  };
}

/** @returns {Promise<Net | null>} */
async function lenet5() {
  const images = sharedFile('mnist/t10k-images-idx3-ubyte.gz');
  const labels = sharedFile('mnist/t10k-labels-idx1-ubyte.gz');
  const weights = sharedFile('checkpoints/advertorch_mnist_lenet5_clntrained.pt');
  if (images === null || labels === null || weights === null) return null;
  const model = await loadModel(join(root, 'examples', 'checkpoints', 'lenet5.architecture.pt'));
  const loss = objective(model, await loadIdx(images, labels, { limit: 64, scale: 1 / 255 }));
  return { title: 'LeNet5, 64 MNIST images', loss, at: { at: await loadSolution(model, weights) } };
}

/**
 * Extent of the plane to either side, and points along an axis of its middle three rows; 51 over ±1 are those of the
 * surfaces and maps of Li et al. 2018.
 */
const maps = /** @type {const} */ ([
  [1, 21],
  [1, 51],
  [0.3, 11],
  [0.3, 21],
  [0.3, 41],
]);
const numCold = 10;

await runMain(async () => {
  const nets = [await digits(), await lenet5()].filter((net) => net !== null);
  console.log('\nConvexity maps: Hessian-vector products a point, both ends, residual 1e-3 · max |λ|\n');
  console.log('| net | plane | spacing | products | of a warm start, as a share of a cold one’s |');
  console.log('| --- | --- | --- | --- | --- |');
  for (const { title, loss, at } of nets) {
    const plane = await randomPlane(loss.model, { ...at, seed: 1 });
    for (const [reach, points] of maps) {
      const spacing = (2 * reach) / (points - 1);
      say(`bench: ${title}, spacing ${spacing.toPrecision(2)}`);
      const map = await convexityMap(loss, plane, {
        ...at,
        range: [-reach, reach],
        yRange: [-spacing, spacing],
        points,
        yPoints: 3,
        compareCold: numCold,
      });
      const { totalProducts, cold } = /** @type {NonNullable<typeof map.search>} */ (map.search);
      const mean = totalProducts / (3 * points);
      const share = 100 * /** @type {NonNullable<typeof cold>} */ (cold).share;
      console.log(
        `| ${title} | ±${reach} | ${spacing.toPrecision(2)} | ${mean.toFixed(1)} | ${share.toFixed(1)} % |`,
      );
    }
  }
  console.log('\nBasins: losses a ray, precision 1 %, 100 rays\n');
  console.log('| net | rays | losses a ray | most |');
  console.log('| --- | --- | --- | --- |');
  for (const { title, loss, at } of nets) {
    for (const normalization of /** @type {const} */ (['none', 'filter'])) {
      say(`bench: ${title}, rays`);
      const { numEvaluations } = await basinVolume(loss, {
        ...at,
        cutoff: 0.5,
        rays: 100,
        normalization,
        precision: 0.01,
      });
      const mean = numEvaluations.reduce((sum, n) => sum + n, 0) / numEvaluations.length;
      const most = Math.max(...numEvaluations);
      console.log(
        `| ${title} | ${normalization === 'none' ? 'Euclidean' : 'filter-normalised'} | ${mean.toFixed(1)} | ${most} |`,
      );
    }
  }
  return 0;
});
