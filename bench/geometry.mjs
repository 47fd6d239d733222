// What machines and noise do not change of maps and basins: products of a warm start beside cold ones at the same residual,
// and losses a ray at a precision of 1 %.
//   npm run bench:geometry
// LeNet5 and ResNet-20 are left out where their files are not in ../shared/data.
import { runMain, say } from '../scripts/console.mjs';
import { basinVolume, convexityMap, eigenpairs, hessian, randomPlane, Solution } from '../dist/index.js';
import { digits, lenet5, resnet20 } from './nets.mjs';

/**
 * @typedef {import('../dist/index.js').Plane} Plane
 * @typedef {import('./nets.mjs').Net} Net
 */

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
/** Of a large net, one row around the middle at the spacing of 51 points over ±1. */
const fewPoints = { reach: 0.16, points: 9 };
const numCold = 10;
const tolerance = 1e-3;

/**
 * Products of two searches from random vectors, one an end, as peers run them, at some cells of a map.
 *
 * @param {Net} net
 * @param {Plane} plane
 * @param {{ readonly x: Float64Array, readonly y: Float64Array }} map
 * @param {Float64Array} cells
 */
async function countApart({ loss, at }, plane, map, cells) {
  let products = 0;
  for (const cell of cells) {
    const place = [map.x[cell % map.x.length] ?? NaN, map.y[Math.floor(cell / map.x.length)] ?? NaN];
    const theta = await loss.pointAt(
      {
        origin: at.theta,
        directions: plane.axes.map(({ vector }) => vector),
        coefficients: Float64Array.from(place),
        numPoints: 1,
      },
      0,
    );
    const operator = hessian(loss, { at: new Solution(`cell ${cell}`, theta, at.buffers) });
    for (const which of /** @type {const} */ (['largest', 'smallest'])) {
      const pairs = await eigenpairs(operator, { k: 1, which, tolerance, verify: false, seed: 3 });
      products += pairs.numProducts;
      pairs.dispose();
    }
    operator.dispose();
    theta.dispose();
  }
  return products;
}

await runMain(async () => {
  const nets = [await digits(360), await lenet5(64)].filter((net) => net !== null);
  const large = await resnet20(32);
  console.log('\nConvexity maps: Hessian-vector products a point, both ends, residual 1e-3 · max |λ|\n');
  console.log(
    '| net | plane | spacing | products | of one search from random vectors for both ends | of two, one an end |',
  );
  console.log('| --- | --- | --- | --- | --- | --- |');
  /**
   * @param {Net} net
   * @param {number} reach
   * @param {number} points
   * @param {number} rows
   */
  const printMap = async (net, reach, points, rows) => {
    const { title, loss, at } = net;
    const plane = await randomPlane(loss.model, { at, seed: 1 });
    const spacing = (2 * reach) / (points - 1);
    say(`bench: ${title}, spacing ${spacing.toPrecision(2)}`);
    const map = await convexityMap(loss, plane, {
      at,
      range: [-reach, reach],
      yRange: [-spacing, spacing],
      points,
      yPoints: rows,
      tolerance,
      compareCold: numCold,
    });
    const { totalProducts, cold } = /** @type {NonNullable<typeof map.search>} */ (map.search);
    const { cells, share } = /** @type {NonNullable<typeof cold>} */ (cold);
    const warm = cells.reduce((sum, cell) => sum + (map.numProducts?.[cell] ?? NaN), 0);
    const apart = warm / (await countApart(net, plane, map, cells));
    console.log(
      `| ${title} | ±${reach} | ${spacing.toPrecision(2)} | ${(totalProducts / (rows * points)).toFixed(1)} | ` +
        `${(100 * share).toFixed(1)} % | ${(100 * apart).toFixed(1)} % |`,
    );
  };
  for (const net of nets) for (const [reach, points] of maps) await printMap(net, reach, points, 3);
  if (large !== null) await printMap(large, fewPoints.reach, fewPoints.points, 2);
  console.log('\nBasins: losses a ray, precision 1 %, 100 rays\n');
  console.log('| net | rays | losses a ray | most |');
  console.log('| --- | --- | --- | --- |');
  for (const { title, loss, at } of nets) {
    for (const normalization of /** @type {const} */ (['none', 'filter'])) {
      say(`bench: ${title}, rays`);
      const { numEvaluations } = await basinVolume(loss, {
        at,
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
