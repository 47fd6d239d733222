import { expect } from 'chai';
import { readFileSync } from 'node:fs';
import {
  dataset,
  hessian,
  loadModel,
  lossSurface,
  objective,
  randomPlane,
  spectralDensity,
  type Dataset,
} from '../../dist/index.js';
import { expectNoLiveHandles } from '../support/handles.js';
import { sharedFile } from '../support/fixtures.js';

const record = 1 + 3 * 32 * 32;

function cifar(path: string, count: number): Dataset {
  const file = readFileSync(path);
  const pixels = new Uint8Array(count * (record - 1));
  const labels = new Uint8Array(count);
  for (let i = 0; i < count; i++) {
    labels[i] = file[i * record]!;
    pixels.set(file.subarray(i * record + 1, (i + 1) * record), i * (record - 1));
  }
  return dataset(
    { inputs: { data: pixels, shape: [count, 3, 32, 32] }, targets: { data: labels, shape: [count] } },
    { name: 'CIFAR-10', scale: 1 / 255, mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] },
  );
}

describe('real checkpoints and data', function () {
  this.timeout(180_000);
  expectNoLiveHandles();

  for (const form of ['script', 'trace_eval']) {
    it(`ResNet-20 (${form}) on 1000 CIFAR images: cross-entropy 1.03554, accuracy 77.9 %`, async function () {
      const images = sharedFile('cifar10/cifar10_jpeg_test_5000.bin');
      const path = sharedFile(`torchscript/resnet20_cifar10.${form}.pt`);
      if (images === null || path === null) this.skip();
      using model = await loadModel(path);
      expect(model.size).to.equal(269_722);
      for (const batchSize of [1000, 300]) {
        using loss = objective(model, cifar(images, 1000), { batchSize });
        const { loss: value, accuracy } = await loss.evaluate();
        expect(value).to.be.closeTo(1.03554, 1e-4);
        expect(accuracy).to.be.closeTo(0.779, 1e-9);
      }
    });
  }

  it('ResNet-20: a landscape whose centre is its minimum along the axes, and a spectrum mostly positive', async function () {
    const images = sharedFile('cifar10/cifar10_jpeg_test_5000.bin');
    const path = sharedFile('torchscript/resnet20_cifar10.script.pt');
    if (images === null || path === null) this.skip();
    using model = await loadModel(path);
    using loss = objective(model, cifar(images, 64));
    using plane = await randomPlane(model, { seed: 1 });
    const surface = await lossSurface(loss, plane, { points: 5 });
    expect(surface.checks.centerDifference).to.equal(0);
    expect(Math.min(...surface.loss)).to.equal(surface.modelLoss);
    using operator = hessian(loss);
    const spectrum = await spectralDensity(operator, { steps: 20, probes: 1 });
    expect(spectrum.criteria.re.value).to.be.below(0.5);
    expect(spectrum.weights[0]!.reduce((sum, w) => sum + w, 0)).to.be.closeTo(1, 1e-9);
  });
});
