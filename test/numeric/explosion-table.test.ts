import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import {
  customPlane,
  denseEigen,
  denseMatrix,
  explosionTable,
  hessian,
  llaSurface,
  lossSurface,
  objective,
} from '../../dist/index.js';
import { rejects } from '../support/errors.js';
import { goldenData, loadFixture } from '../support/fixtures.js';
import { expectNoLiveHandles } from '../support/handles.js';

const data = () => goldenData('convbn.eval.x', 'convbn.eval.y');

describe('tables of value explosion', () => {
  expectNoLiveHandles();

  it('each row is the surface of its mode, axes and normalisation', async () => {
    using model = await loadFixture('convbn');
    using trained = objective(model, data(), { mode: 'train' });
    using evaluated = objective(model, data());
    const { rows } = await explosionTable([trained, evaluated], { points: 3, distance: 0.5, seed: 2 });
    expect(rows).to.have.length(16);
    expect(rows.slice(0, 4).map(({ normalization }) => normalization)).to.deep.equal([
      'weight',
      'filter',
      'layer',
      'model',
    ]);
    using first = await model.randomVector('gaussian', 2, 0);
    using second = await model.randomVector('gaussian', 2, 1);
    for (const [k, { mode, axes, normalization, surface }] of rows.entries()) {
      expect([mode, axes]).to.deep.equal([k < 8 ? 'train' : 'eval', k % 8 < 4 ? 'random' : 'hessian']);
      expect(surface.provenance!.mode).to.equal(mode);
      if (axes === 'hessian') continue;
      using plane = await customPlane(first, second, { normalization, ignore: [], orthogonal: false });
      const goal = mode === 'train' ? trained : evaluated;
      const direct = await lossSurface(goal, plane, { range: [-0.5, 0.5], points: 3 });
      expect(surface.loss).to.deep.equal(direct.loss);
      expect(surface.explosion).to.deep.equal(direct.explosion);
    }
    // The Hessian's axes are eigenvectors of the mode's own Hessian, in the order of their eigenvalues.
    for (const [goal, row] of [
      [trained, rows[4]!],
      [evaluated, rows[12]!],
    ] as const) {
      using operator = hessian(goal);
      const { values } = await denseEigen(await denseMatrix(operator));
      const scale = values.at(-1)!;
      const [one, two] = row.surface.axes.map(({ eigenvalue }) => eigenvalue!);
      expect(one).to.be.closeTo(values.at(-1)!, 1e-6 * scale);
      expect(two).to.be.closeTo(values.at(-2)!, 1e-6 * scale);
    }
  });

  it('by the recipe of LLA each row is its surface', async () => {
    using model = await loadFixture('convbn');
    using evaluated = objective(model, data());
    const { rows } = await explosionTable([evaluated], { points: 4, recipe: 'lla', seed: 3 });
    for (const { normalization, surface } of rows.slice(0, 4)) {
      const direct = await llaSurface(evaluated, { steps: 4, distance: 1, normalization, seed: 3 });
      expect(surface.loss).to.deep.equal(direct.loss);
      expect(surface.recipe.name).to.equal('lla');
    }
  });

  it('goes on with finished points', async () => {
    using model = await loadFixture('convbn');
    using evaluated = objective(model, data());
    const folder = mkdtempSync(join(tmpdir(), 'lossatlas-explosion-'));
    try {
      const options = { points: 3, seed: 1, resume: join(folder, 'part') };
      const whole = await explosionTable([evaluated], { points: 3, seed: 1 });
      let numPoints = 0;
      const stop = new AbortController();
      const onProgress = ({ label }: { label: string }) => {
        if (label === 'loss surface' && ++numPoints === 5) stop.abort();
      };
      await rejects(
        async () => explosionTable([evaluated], { ...options, signal: stop.signal, onProgress }),
        'ERR_ABORTED',
        /abort/i,
      );
      expect(readdirSync(folder)).to.not.have.length(0);
      const resumed = await explosionTable([evaluated], options);
      for (const [k, { surface }] of resumed.rows.entries())
        expect(surface.loss).to.deep.equal(whole.rows[k]!.surface.loss);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('refuses objectives of one mode twice, and of different data', async () => {
    using model = await loadFixture('convbn');
    using one = objective(model, data());
    using two = objective(model, data());
    using other = objective(model, data().slice(0, 3), { mode: 'train' });
    await rejects(async () => explosionTable([one, two]), 'ERR_INVALID_OPTION', /each of another mode/);
    await rejects(async () => explosionTable([]), 'ERR_INVALID_OPTION', /a list of Objectives/);
    await rejects(
      async () => explosionTable([one, other]),
      'ERR_INVALID_OPTION',
      /of one model and data set/,
    );
  });
});
