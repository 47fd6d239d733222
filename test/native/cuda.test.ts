import { expect } from 'chai';
import {
  eigenpairs,
  hessian,
  lossSurface,
  numCudaDevices,
  objective,
  randomPlane,
  spectralDensity,
} from '../../dist/index.js';
import { expectNoLiveHandles } from '../support/handles.js';
import { goldenData, loadFixture } from '../support/fixtures.js';
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
});
