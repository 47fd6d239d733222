import { expect } from 'chai';
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
import { expectNoLiveHandles } from '../support/handles.js';
import { fixture, goldenData, loadFixture } from '../support/fixtures.js';
import { goldenFile } from '../support/golden-file.js';
import { relativeError } from '../support/numbers.js';

describe('CUDA against the CPU', function () {
  this.timeout(120_000);
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
});
