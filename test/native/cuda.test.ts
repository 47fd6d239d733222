import { expect } from 'chai';
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  dataset,
  eigenpairs,
  hessian,
  loadModel,
  lossSurface,
  numCudaDevices,
  objective,
  randomPlane,
  spectralDensity,
} from '../../dist/index.js';
import { callSync } from '../../dist/native/call.js';
import { expectNoLiveHandles } from '../support/handles.js';
import { fixture, goldenData, loadFixture } from '../support/fixtures.js';
import { goldenFile } from '../support/golden-file.js';
import { relativeError } from '../support/numbers.js';

/** Whether this process records CUDA graphs: once for all, so that the tests run a second time in another one. */
const records = process.env.LOSSATLAS_CUDA_GRAPHS === '1';

describe('CUDA against the CPU', function () {
  this.timeout(600_000);
  before(function () {
    if (numCudaDevices() > 0) return;
    process.stdout.write('      (skipped: no GPU, or a libtorch without CUDA)\n');
    this.skip();
  });
  expectNoLiveHandles();

  for (const mode of ['eval', 'train'] as const) {
    it(`same directions, losses, gradients, spectra in ${mode} mode`, async () => {
      const results = [];
      for (const device of ['cpu', 'cuda']) {
        using model = await loadFixture('convbn', { device });
        using loss = objective(model, goldenData('convbn.eval.x', 'convbn.eval.y'), { mode, batchSize: 5 });
        using operator = hessian(loss);
        using plane = await randomPlane(model, { seed: 1 });
        const { gradient } = await loss.gradient();
        using g = gradient;
        using pairs = await eigenpairs(operator, { k: 3 });
        results.push({
          device: model.device,
          direction: await plane.axes[1].vector.toArray(),
          surface: (await lossSurface(loss, plane, { points: 5 })).loss,
          gradient: await g.toArray(),
          values: pairs.values,
          nodes: (await spectralDensity(operator, { steps: 10, probes: 1 })).nodes[0]!,
        });
      }
      const [cpu, cuda] = [results[0]!, results[1]!];
      expect(cuda.device).to.equal('cuda:0');
      for (const key of ['direction', 'surface', 'gradient', 'values', 'nodes'] as const) {
        expect(relativeError(cuda[key], cpu[key]), key).to.be.below(1e-9);
      }
    });
  }

  it('exported programs and half precision', async () => {
    const images = goldenFile('exported/exported.npz');
    const data = dataset({ inputs: images.array('images'), targets: images.array('y') });
    for (const [name, tolerance] of [
      ['convbn_train.pt2', 1e-5],
      ['convbn_bfloat16.pt2', 0.05],
      ['rnn.pt2', 1e-5],
    ] as const) {
      const products: Float64Array[] = [];
      for (const device of ['cpu', 'cuda']) {
        using model = await loadModel(fixture(`exported/${name}`), { device });
        const samples =
          name === 'rnn.pt2' ? { inputs: images.array('tokens'), targets: images.array('y') } : null;
        using loss = objective(model, samples === null ? data : dataset(samples));
        using operator = hessian(loss);
        using v = await model.randomVector('rademacher', 1);
        const [product] = await operator.apply([v]);
        using out = product!;
        products.push(await out.toArray());
      }
      expect(relativeError(products[1]!, products[0]!), name).to.be.below(tolerance);
    }
  });

  it('grids in tf32', async () => {
    const results = [];
    for (const precision of [undefined, 'tf32'] as const) {
      using model = await loadFixture('convbn', { device: 'cuda', dtype: 'float32' });
      using loss = objective(model, goldenData('convbn.eval.x', 'convbn.eval.y'));
      using plane = await randomPlane(model, { seed: 1 });
      results.push(
        await lossSurface(loss, plane, { points: 9, ...(precision === undefined ? {} : { precision }) }),
      );
    }
    const [full, reduced] = [results[0]!, results[1]!];
    expect(relativeError(reduced.loss, full.loss)).to.be.below(1e-2);
    expect(reduced.precision?.kind).to.equal('tf32');
  });

  it('blocks of vectors, single vectors and many points', async () => {
    const results = [];
    for (const device of ['cpu', 'cuda']) {
      using model = await loadFixture('convbn', { device });
      using loss = objective(model, goldenData('convbn.eval.x', 'convbn.eval.y'), { batchSize: 5 });
      using operator = hessian(loss);
      using plane = await randomPlane(model, { seed: 2 });
      const products: number[] = [];
      for (const count of [1, 1, 3, 1, 3, 3, 1, 3, 1, 3]) {
        const vectors = await Promise.all(
          Array.from({ length: count }, (_, i) => model.randomVector('rademacher', products.length + i)),
        );
        for (const product of await operator.apply(vectors)) {
          products.push(...(await product.toArray()));
          product.dispose();
        }
        for (const vector of vectors) vector.dispose();
      }
      results.push({ products, surface: (await lossSurface(loss, plane, { points: 11 })).loss });
    }
    expect(relativeError(results[1]!.products, results[0]!.products)).to.be.below(1e-9);
    expect(relativeError(results[1]!.surface, results[0]!.surface)).to.be.below(1e-9);
  });

  it('all of this recorded as CUDA graphs', function () {
    const { hasCudaRecorder, numCudaRecordings } = callSync((native) => native.info());
    if (!hasCudaRecorder) this.skip();
    if (records) {
      // Of products, steps of bases and points.
      expect(numCudaRecordings).to.be.at.least(10);
      return;
    }
    const require = createRequire(import.meta.url);
    const mocha = join(dirname(require.resolve('mocha/package.json')), 'bin', 'mocha.js');
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      ['--expose-gc', mocha, fileURLToPath(import.meta.url)],
      { encoding: 'utf8', env: { ...process.env, LOSSATLAS_CUDA_GRAPHS: '1' }, timeout: 500_000 },
    );
    expect(status, stdout + stderr).to.equal(0);
  });
});
