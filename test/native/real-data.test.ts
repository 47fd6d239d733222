import { expect } from 'chai';
import {
  hessian,
  loadCifar,
  loadHdf5,
  loadIdx,
  loadModel,
  loadSolution,
  lossSurface,
  objective,
  randomPlane,
  randomSolution,
  spectralDensity,
  type Dataset,
  type LoadHdf5Options,
  type LoadSolutionOptions,
  type NdArray,
} from '../../dist/index.js';
import { expectNoLiveHandles } from '../support/handles.js';
import { projectPath, sharedFile } from '../support/fixtures.js';
import { relativeError } from '../support/numbers.js';

const cifar = async (path: string, count: number): Promise<Dataset> =>
  loadCifar(path, {
    limit: count,
    scale: 1 / 255,
    mean: [0.485, 0.456, 0.406],
    std: [0.229, 0.224, 0.225],
  });

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
        using loss = objective(model, await cifar(images, 1000), { batchSize });
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
    using loss = objective(model, await cifar(images, 64));
    using plane = await randomPlane(model, { seed: 1 });
    const surface = await lossSurface(loss, plane, { points: 5 });
    expect(surface.checks.centerDifference).to.equal(0);
    expect(Math.min(...surface.loss)).to.equal(surface.modelLoss);
    using operator = hessian(loss);
    const spectrum = await spectralDensity(operator, { steps: 20, probes: 1 });
    expect(spectrum.criteria.re.value).to.be.below(0.5);
    expect(spectrum.weights[0]!.reduce((sum, w) => sum + w, 0)).to.be.closeTo(1, 1e-9);
  });

  it('ResNet-20: Winograd’s filtering of its convolutions rounds otherwise, and does nothing else', async function () {
    const images = sharedFile('cifar10/cifar10_jpeg_test_5000.bin');
    const path = sharedFile('torchscript/resnet20_cifar10.script.pt');
    // The kernels are for x86-64.
    if (images === null || path === null || process.arch !== 'x64') this.skip();
    using model = await loadModel(path);
    using loss = objective(model, await cifar(images, 64));
    using plane = await randomPlane(model, { seed: 1 });
    // One graph, so that no ReLU falls to another side of zero.
    using operator = hessian(loss);
    const v = plane.axes[0].vector;
    const measure = async () => {
      const surface = await lossSurface(loss, plane, { points: 3 });
      const [product] = await operator.apply([v]);
      const values = await product!.toArray();
      product!.dispose();
      return { losses: surface.loss, product: values };
    };
    const filtered = await measure();
    process.env.LOSSATLAS_WINOGRAD = 'libtorch';
    try {
      const plain = await measure();
      expect(relativeError(filtered.product, plain.product)).to.be.within(1e-8, 1e-5);
      expect(relativeError(filtered.losses, plain.losses)).to.be.within(1e-10, 1e-6);
    } finally {
      delete process.env.LOSSATLAS_WINOGRAD;
    }
  });

  it('ResNet-20: layers that stand still have the same bits, kept or computed at every point', async function () {
    const images = sharedFile('cifar10/cifar10_jpeg_test_5000.bin');
    const path = sharedFile('torchscript/resnet20_cifar10.script.pt');
    if (images === null || path === null) this.skip();
    using model = await loadModel(path);
    using loss = objective(model, await cifar(images, 64));
    using plane = await randomPlane(model, {
      seed: 1,
      freeze: ['conv1.*', 'bn1.*', 'layer1.*', 'layer2.0.*'],
    });
    const losses = async () => (await lossSurface(loss, plane, { points: 3 })).loss;
    process.env.LOSSATLAS_POINTS = 'libtorch';
    try {
      const kept = await losses();
      process.env.LOSSATLAS_FROZEN_PREFIX = 'libtorch';
      expect(await losses()).to.deep.equal(kept);
    } finally {
      delete process.env.LOSSATLAS_POINTS;
      delete process.env.LOSSATLAS_FROZEN_PREFIX;
    }
  });
});

/** Samples by label. */
function countLabels({ targets }: Dataset): number[] {
  const counts = new Array<number>(10).fill(0);
  for (const label of targets!.data) counts[Number(label)]!++;
  return counts;
}

const sum = ({ data }: NdArray): number =>
  Array.from(data, Number).reduce((total, value) => total + value, 0);

// Numbers of NumPy and h5py.
/** Numbers of the manifest, which an independent forward pass computed. */
describe('published checkpoints through our own loaders give the published numbers', function () {
  this.timeout(180_000);
  expectNoLiveHandles();

  const architecture = (name: string) => projectPath(`examples/checkpoints/${name}.architecture.pt`);
  const digits = async (name: 'mnist' | 'usps'): Promise<Dataset | null> => {
    if (name === 'usps') {
      const path = sharedFile('usps/usps.h5');
      const options: LoadHdf5Options = {
        inputs: 'test/data',
        targets: 'test/target',
        shape: [1, 16, 16],
        resize: [20, 20],
        pad: 4,
      };
      return path === null ? null : loadHdf5(path, options);
    }
    const [images, labels] = ['images-idx3', 'labels-idx1'].map((part) =>
      sharedFile(`mnist/t10k-${part}-ubyte.gz`),
    );
    return images == null || labels == null ? null : loadIdx(images, labels, { scale: 1 / 255 });
  };
  const cases: [
    checkpoint: string,
    net: string,
    data: 'mnist' | 'usps',
    loss: number | null,
    accuracy: number,
    options?: LoadSolutionOptions,
  ][] = [
    ['advertorch_mnist_lenet5_clntrained.pt', 'lenet5', 'mnist', 0.0326, 0.9889],
    ['advertorch_mnist_lenet5_clntrained.pt', 'lenet5', 'usps', null, 0.9332],
    ['advertorch_mnist_lenet5_advtrained.pt', 'lenet5', 'mnist', 0.0413, 0.9864],
    ['advertorch_mnist_lenet5_advtrained.pt', 'lenet5', 'usps', null, 0.871],
    ['convexadv_mnist.pth', 'convex', 'mnist', 0.0558, 0.982],
    ['convexadv_mnist.pth', 'convex', 'usps', null, 0.8605],
    ['convexadv_mnist_small_0_3.pth', 'convex', 'mnist', null, 0.8523, { key: 'state_dict[0]' }],
  ];
  for (const [checkpoint, net, name, loss, accuracy, options = {}] of cases) {
    it(`${checkpoint} on ${name}: ${(100 * accuracy).toFixed(2)} %`, async function () {
      const path = sharedFile(`checkpoints/${checkpoint}`);
      const data = await digits(name);
      if (path === null || data === null) return this.skip();
      using model = await loadModel(architecture(net));
      using solution = await loadSolution(model, path, options);
      using goal = objective(model, data, { batchSize: 1000 });
      const found = await goal.evaluate(solution.theta, undefined, solution.buffers);
      expect(found.accuracy).to.be.closeTo(accuracy, 5e-5);
      if (loss !== null) expect(found.loss).to.be.closeTo(loss, 5e-5);
    });
  }

  const nets: [
    checkpoint: string,
    model: string,
    net: string,
    loss: number,
    accuracy: number,
    mean: number[],
    std: number[],
  ][] = [
    [
      'akamaster_resnet20-12fca82f.th',
      'torchscript/resnet20_cifar10.pt2',
      '',
      1.03554,
      0.779,
      [0.485, 0.456, 0.406],
      [0.229, 0.224, 0.225],
    ],
    [
      'akamaster_resnet56-4bfd9763.th',
      'torchscript/resnet56_cifar10.script.pt',
      '',
      1.05491,
      0.819,
      [0.485, 0.456, 0.406],
      [0.229, 0.224, 0.225],
    ],
    ['captum_cifar_torchvision.pt', '', 'captum', 1.1821, 0.596, [0.5, 0.5, 0.5], [0.5, 0.5, 0.5]],
  ];
  for (const [checkpoint, file, net, loss, accuracy, mean, std] of nets) {
    it(`${checkpoint} on 1000 CIFAR images: ${loss}, ${(100 * accuracy).toFixed(1)} %`, async function () {
      const path = sharedFile(`checkpoints/${checkpoint}`);
      const images = sharedFile('cifar10/cifar10_jpeg_test_5000.bin');
      const modelPath = net === '' ? sharedFile(file) : architecture(net);
      if (path === null || images === null || modelPath === null) return this.skip();
      using model = await loadModel(modelPath);
      // Another point than the file's own.
      using random = await randomSolution(model, { seed: 1 });
      using solution = await loadSolution(model, path);
      const data = await loadCifar(images, { limit: 1000, scale: 1 / 255, mean, std });
      using goal = objective(model, data, { batchSize: 250 });
      const found = await goal.evaluate(solution.theta, undefined, solution.buffers);
      expect(found.loss).to.be.closeTo(loss, 1e-4);
      expect(found.accuracy).to.be.closeTo(accuracy, 1e-9);
      expect((await goal.evaluate(random.theta)).loss).to.be.above(1.5);
    });
  }
});

describe('real data sets', function () {
  this.timeout(60_000);

  it("MNIST's test set", async function () {
    const images = sharedFile('mnist/t10k-images-idx3-ubyte.gz');
    const labels = sharedFile('mnist/t10k-labels-idx1-ubyte.gz');
    if (images === null || labels === null) this.skip();
    const data = await loadIdx(images, labels);
    expect(data.inputs[0]!.shape).to.deep.equal([10_000, 1, 28, 28]);
    expect([...data.targets!.data.subarray(0, 10)]).to.deep.equal([7, 2, 1, 0, 4, 1, 4, 9, 5, 9]);
    expect(countLabels(data)).to.deep.equal([980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]);
    expect(sum(data.inputs[0]!)).to.equal(264_923_200);
    const small = await loadIdx(images, labels, { perClass: 50, resize: [16, 16], scale: 1 / 255 });
    expect(countLabels(small)).to.deep.equal(new Array(10).fill(50));
    expect(small.inputs[0]!.shape).to.deep.equal([500, 1, 16, 16]);
  });

  it('5000 images of CIFAR-10, 500 of each class', async function () {
    const path = sharedFile('cifar10/cifar10_jpeg_test_5000.bin');
    if (path === null) this.skip();
    const data = await loadCifar(path);
    expect(data.inputs[0]!.shape).to.deep.equal([5000, 3, 32, 32]);
    expect(countLabels(data)).to.deep.equal(new Array(10).fill(500));
    expect([...data.targets!.data.subarray(0, 8)]).to.deep.equal([4, 2, 0, 9, 6, 6, 2, 1]);
    expect(sum(data.inputs[0]!)).to.equal(1_880_135_554);
    const last = await loadCifar(path, { indices: [4999] });
    expect([...last.inputs[0]!.data.subarray(0, 3)]).to.deep.equal([254, 252, 251]);
  });

  it('USPS: 7291 and 2007 samples, in chunks', async function () {
    const path = sharedFile('usps/usps.h5');
    if (path === null) this.skip();
    const load = async (part: string, options = {}) =>
      loadHdf5(path, { inputs: `${part}/data`, targets: `${part}/target`, shape: [1, 16, 16], ...options });
    const train = await load('train');
    expect(train.inputs[0]!.shape).to.deep.equal([7291, 1, 16, 16]);
    expect([...train.targets!.data.subarray(0, 5)]).to.deep.equal([6, 5, 4, 7, 3]);
    expect(countLabels(train)).to.deep.equal([1194, 1005, 731, 658, 652, 556, 664, 645, 542, 644]);
    expect(sum(train.inputs[0]!)).to.be.closeTo(474_987.141581595, 1e-6);
    const test = await load('test');
    expect(test.numSamples).to.equal(2007);
    expect([...test.targets!.data.subarray(0, 5)]).to.deep.equal([9, 6, 3, 6, 6]);
    expect(countLabels(test)).to.deep.equal([359, 264, 198, 166, 200, 160, 170, 147, 166, 177]);
    expect(sum(test.inputs[0]!)).to.be.closeTo(137_495.421028733, 1e-6);
    const last = await load('test', { indices: [2006] });
    expect(sum(last.inputs[0]!)).to.be.closeTo(48.37799996137619, 1e-9);
  });
});
