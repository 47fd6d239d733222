// What machines and noise do not change of maps and basins: products of a warm start beside cold ones at the same residual,
// and losses a ray at a precision of 1 %.
//   npm run bench:geometry [-- digits lenet5 resnet20]
// LeNet5 and ResNet-20 are left out where their files are not in ../shared/data, and the code of Li et al. where
// LOSSATLAS_BENCH_LI2018 and LOSSATLAS_BENCH_PYTHON name none.
import { parseArgs } from 'node:util';
import { runMain, say } from '../scripts/console.mjs';
import { basinVolume, convexityMap, eigenpairs, hessian, randomPlane, Solution } from '../dist/index.js';
import { readCifar, sharedFile } from './images.mjs';
import { digits, lenet5, resnet20 } from './nets.mjs';
import { publishedSearches } from './published-search.mjs';
import { summarize } from './statistics.mjs';

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
/** Of a large net, two rows around the middle: at the spacing of 51 points over ±1, and at finer ones. */
const fewPoints = 9;
const fewReaches = [0.16, 0.04, 0.01];
const numCold = 10;
const tolerance = 1e-3;

/**
 * Both extreme eigenvectors at a cell of a map by two searches from random vectors, one an end, as peers run them.
 *
 * @param {Net} net
 * @param {Plane} plane
 * @param {{ readonly x: Float64Array, readonly y: Float64Array }} map
 * @param {number} cell
 */
async function searchApart({ loss, at }, plane, map, cell) {
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
  const options = /** @type {const} */ ({ k: 1, tolerance, verify: false, seed: 3 });
  const found = [
    await eigenpairs(operator, { ...options, which: 'largest' }),
    await eigenpairs(operator, { ...options, which: 'smallest' }),
  ];
  operator.dispose();
  theta.dispose();
  return found;
}

/**
 * Products of such searches at some cells, and by how much the eigenvectors there lie along those of a neighbour (the
 * medians of |cosine| of the largest and of the smallest): what a search that starts from them begins with.
 *
 * @param {Net} net
 * @param {Plane} plane
 * @param {{ readonly x: Float64Array, readonly y: Float64Array }} map
 * @param {Float64Array} cells
 */
async function measureApart(net, plane, map, cells) {
  let products = 0;
  /** @type {[number[], number[]]} */
  const cosines = [[], []];
  for (const cell of cells) {
    const neighbour = cell % map.x.length === 0 ? cell + 1 : cell - 1;
    const here = await searchApart(net, plane, map, cell);
    const there = await searchApart(net, plane, map, neighbour);
    for (const end of /** @type {const} */ ([0, 1])) {
      products += here[end]?.numProducts ?? NaN;
      const [a, b] = [here[end]?.vectors[0], there[end]?.vectors[0]];
      if (a !== undefined && b !== undefined) cosines[end].push(Math.abs(await a.dot(b)));
    }
    for (const pairs of [...here, ...there]) pairs.dispose();
  }
  return { products, cosines: cosines.map((list) => summarize([list]).median) };
}

/**
 * The map of ResNet-20 beside the published search.
 *
 * @param {Net} net
 * @param {{ plane: Plane, map: import('../dist/index.js').EigenvalueMap }} done
 */
async function printPublished({ loss, at }, { plane, map }) {
  const file = sharedFile('torchscript/resnet20_cifar10.script.pt');
  const images = readCifar(loss.data.numSamples);
  if (file === null || images === null) return;
  const directions = plane.axes.map(({ vector }) => vector);
  /** @type {Float64Array[]} */
  const points = [];
  for (const y of map.y) {
    for (const x of map.x) {
      const coefficients = Float64Array.of(x, y);
      const theta = await loss.pointAt({ origin: at.theta, directions, coefficients, numPoints: 1 }, 0);
      points.push(await theta.toArray());
      theta.dispose();
    }
  }
  const shape = [loss.data.numSamples, 3, 32, 32];
  const found = publishedSearches(file, loss.model, images, shape, points);
  if (found === null) {
    say(
      'bench: the search of Li et al. is left out: LOSSATLAS_BENCH_LI2018 or LOSSATLAS_BENCH_PYTHON is not set',
    );
    return;
  }
  const products = found.reduce((sum, pair) => sum + pair.products, 0);
  const residuals = found.map(({ residual }) => residual);
  const ours = map.search?.totalProducts ?? NaN;
  const relative = Array.from(map.search?.residuals ?? [], (residual, i) => {
    return residual / Math.max(Math.abs(map.largest[i] ?? NaN), Math.abs(map.smallest[i] ?? NaN));
  });
  console.log(
    `\nAt the points of the first of these maps the code of Li et al. takes ${(products / found.length).toFixed(1)} products a point, to residuals of ` +
      `${summarize([residuals]).median.toExponential(1)} · max |λ| (median): lossatlas takes ${((100 * ours) / products).toFixed(1)} % of them, ` +
      `to ${summarize([relative]).median.toExponential(1)}.`,
  );
}

await runMain(async () => {
  const { positionals } = parseArgs({ allowPositionals: true });
  const isAsked = (/** @type {string} */ name) => positionals.length === 0 || positionals.includes(name);
  const nets = [
    isAsked('digits') ? await digits(360) : null,
    isAsked('lenet5') ? await lenet5(64) : null,
  ].filter((net) => net !== null);
  const large = isAsked('resnet20') ? await resnet20(32) : null;
  console.log('\nConvexity maps: Hessian-vector products a point, both ends, residual 1e-3 · max |λ|\n');
  console.log(
    '| net | plane | spacing | products | of one search from random vectors for both ends | of two, one an end | ' +
      'eigenvectors of neighbours: cosines, largest and smallest |',
  );
  console.log('| --- | --- | --- | --- | --- | --- | --- |');
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
    const { products, cosines } = await measureApart(net, plane, map, cells);
    console.log(
      `| ${title} | ±${reach} | ${spacing.toPrecision(2)} | ${(totalProducts / (rows * points)).toFixed(1)} | ` +
        `${(100 * share).toFixed(1)} % | ${((100 * warm) / products).toFixed(1)} % | ` +
        `${cosines.map((cosine) => cosine.toFixed(2)).join(', ')} |`,
    );
    return { plane, map };
  };
  for (const net of nets) for (const [reach, points] of maps) await printMap(net, reach, points, 3);
  if (large !== null) {
    const done = [];
    for (const reach of fewReaches) done.push(await printMap(large, reach, fewPoints, 2));
    if (done[0] !== undefined) await printPublished(large, done[0]);
  }
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
