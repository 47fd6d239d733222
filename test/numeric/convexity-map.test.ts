import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import {
  convexityMap,
  customPlane,
  denseEigen,
  denseMatrix,
  hessian,
  objective,
  randomPlane,
} from '../../dist/index.js';
import { serpentine } from '../../dist/geometry/convexity-map.js';
import { rejects } from '../support/errors.js';
import { anyData, goldenData, loadFixture } from '../support/fixtures.js';
import { expectNoLiveHandles } from '../support/handles.js';

describe('convexity map', () => {
  expectNoLiveHandles();

  it('of a quadratic is the same everywhere, and cheaper from the neighbour than from random vectors', async () => {
    using model = await loadFixture('quadratic');
    using loss = objective(model, anyData(), { loss: 'model' });
    using plane = await randomPlane(model, { normalization: 'none', ignore: [], seed: 1 });
    const map = await convexityMap(loss, plane, { points: 4, yPoints: 3, tolerance: 1e-5, compareCold: 3 });
    for (const k of map.smallest.keys()) {
      expect(map.smallest[k]).to.be.closeTo(-3, 1e-6);
      expect(map.largest[k]).to.be.closeTo(10, 1e-6);
    }
    const { cold, residuals, numNotConverged, totalProducts } = map.search!;
    expect([numNotConverged, map.numProducts!.length, cold!.cells.length]).to.deep.equal([0, 12, 3]);
    expect(totalProducts).to.equal(map.numProducts!.reduce((a, b) => a + b));
    expect(Math.max(...residuals)).to.be.below(1e-4);
    expect(cold!.share).to.be.below(1);
    const warm = Array.from(cold!.cells, (cell) => map.numProducts![cell]!);
    const sum = (list: ArrayLike<number>) => Array.from(list).reduce((a, b) => a + b, 0);
    expect(cold!.share).to.equal(sum(warm) / sum(cold!.numProducts));
  });

  it('of conv+BN equals the dense Hessian’s eigenvalues at every point', async () => {
    using model = await loadFixture('convbn');
    for (const mode of ['eval', 'train'] as const) {
      using loss = objective(model, goldenData('convbn.eval.x', 'convbn.eval.y'), { mode });
      using plane = await randomPlane(model, { seed: 2 });
      const map = await convexityMap(loss, plane, { range: [-0.5, 1], points: 3, tolerance: 1e-6 });
      using theta = await model.theta();
      const directions = plane.axes.map(({ vector }) => vector);
      for (const [k, smallest] of map.smallest.entries()) {
        const coefficients = Float64Array.of(map.x[k % 3]!, map.y[Math.floor(k / 3)]!);
        using at = await loss.pointAt({ origin: theta, directions, coefficients, numPoints: 1 }, 0);
        using operator = hessian(loss, { at });
        const { values } = await denseEigen(await denseMatrix(operator));
        const scale = Math.max(-values[0]!, values.at(-1)!);
        expect(smallest, `${mode} ${k}`).to.be.closeTo(values[0]!, 1e-6 * scale);
        expect(map.largest[k], `${mode} ${k}`).to.be.closeTo(values.at(-1)!, 1e-6 * scale);
      }
    }
  });

  it('goes on after an abort bit for bit, from the eigenvectors that were kept', async () => {
    using model = await loadFixture('convbn');
    using loss = objective(model, goldenData('convbn.eval.x', 'convbn.eval.y'));
    using plane = await randomPlane(model, { seed: 2 });
    const folder = mkdtempSync(join(tmpdir(), 'lossatlas-'));
    const resume = join(folder, 'map.resume');
    const options = { points: 3, range: [-0.2, 0.2] } as const;
    try {
      const whole = await convexityMap(loss, plane, options);
      for (const stopAt of [1, 4]) {
        const stop = new AbortController();
        const onProgress = ({ done }: { done: number }) => {
          if (done >= stopAt) stop.abort();
        };
        const part = { ...options, resume, onProgress, signal: stop.signal };
        await rejects(async () => convexityMap(loss, plane, part), 'ERR_ABORTED');
        expect(existsSync(`${resume}.vectors`)).to.equal(true);
      }
      await rejects(async () => convexityMap(loss, plane, { ...options, resume, seed: 1 }), 'ERR_RESUME');
      const seen: number[] = [];
      const onProgress = ({ done }: { done: number }) => seen.push(done);
      const rest = await convexityMap(loss, plane, { ...options, resume, onProgress });
      expect(seen).to.deep.equal([4, 5, 6, 7, 8, 9]);
      for (const key of ['smallest', 'largest', 'numProducts'] as const)
        expect(rest[key]).to.deep.equal(whole[key]);
      expect(rest.search).to.deep.equal(whole.search);
      expect(existsSync(`${resume}.vectors`)).to.equal(false);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('is NaN where the loss is', async () => {
    using model = await loadFixture('mlp', { dtype: 'float32' });
    using loss = objective(model, goldenData('mlp.x', 'mlp.y'));
    using first = await model.randomVector('gaussian', 1, 0);
    using second = await model.randomVector('gaussian', 1, 1);
    using plane = await customPlane(first, second);
    const map = await convexityMap(loss, plane, {
      range: [-1e38, 1e38],
      points: 3,
      yRange: [0, 1],
      yPoints: 1,
    });
    expect(map.smallest[0]).to.satisfy(Number.isNaN);
    expect(map.largest[1]).to.satisfy(Number.isFinite);
    expect(map.search!.numNotConverged).to.be.at.least(2);
  });

  it('walks to and fro', () => {
    expect(serpentine(3, 2)).to.deep.equal([0, 1, 2, 5, 4, 3]);
  });
});
