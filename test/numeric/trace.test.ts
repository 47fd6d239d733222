import { expect } from 'chai';
import {
  analyseHessian,
  dataset,
  diagonal,
  eigenpairs,
  empiricalFisher,
  frobeniusNorm,
  gaussNewton,
  hessian,
  loadCifar,
  loadModel,
  objective,
  shifted,
  trace,
  type CurvatureOperator,
  type LinearOperator,
  type LossName,
  type Model,
  type Objective,
  type TraceEstimate,
  type TraceOptions,
} from '../../dist/index.js';
import { rejects } from '../support/errors.js';
import {
  anyData,
  golden,
  goldenArray,
  goldenData,
  goldenNets,
  loadFixture,
  sharedFile,
} from '../support/fixtures.js';
import { goldenFile } from '../support/golden-file.js';
import { expectNoLiveHandles } from '../support/handles.js';
import { denseOperator, diagonalOperator, relativeError } from '../support/numbers.js';

const affine = goldenFile('affine.npz');
const curvature = goldenFile('curvature.npz');

const sum = (values: ArrayLike<number>) => Array.from(values).reduce((total, x) => total + x, 0);

function diagonalOf(matrix: Float64Array): Float64Array {
  const n = Math.round(Math.sqrt(matrix.length));
  return Float64Array.from({ length: n }, (_, i) => matrix[i * n + i]!);
}

/** Sums of a vector over each parameter. */
function blockSums({ space }: LinearOperator, values: Float64Array): number[] {
  return space.parameters.map(({ offset, numel }) => sum(values.subarray(offset, offset + numel)));
}

class Affine {
  constructor(
    readonly model: Model,
    readonly loss: Objective,
    readonly hessian: CurvatureOperator,
  ) {}
  static async load(name: string, options: Parameters<typeof objective>[2] = {}): Promise<Affine> {
    const model = await loadFixture(`affine_${name}`);
    const shape = { residual: [8, 2, 4, 4], scaled: [12, 5] }[name] ?? [12, 4];
    const data = dataset({
      inputs: { data: affine.get(`${name}.x`), shape },
      targets: Array.from(affine.get(`${name}.y`)),
    });
    const loss = objective(model, data, options);
    return new Affine(model, loss, hessian(loss));
  }
  [Symbol.dispose](): void {
    this.hessian.dispose();
    this.loss.dispose();
    this.model.dispose();
  }
}

describe('coverage of the 95 % interval', () => {
  expectNoLiveHandles();
  // Short: 100 seeds on dense matrices. The long run (300 seeds, net by net) is in the doc comments of the estimators.
  const numSeeds = 100;
  const methods: [string, TraceOptions][] = [
    ['hutchinson', {}],
    ['hutch++', { method: 'hutch++', sketchSize: 6 }],
    ['deflated by Lanczos', { method: 'deflated', lanczosSteps: 8 }],
    ['xtrace', { method: 'xtrace' }],
  ];
  for (const [name, options] of methods) {
    it(`${name}, with 4 to 16 probes`, async function () {
      this.timeout(120_000);
      let [inside, blocksInside, runs, blockRuns] = [0, 0, 0, 0];
      for (const [net, file] of goldenNets) {
        using model = await loadFixture(file);
        const matrix = golden(`${net}.hessian`);
        const operator = denseOperator(model.space, matrix);
        const exact = diagonalOf(matrix);
        const blocks = blockSums(operator, exact);
        for (let seed = 0; seed < numSeeds; seed++) {
          const probes = [4, 8, 16][seed % 3]!;
          const result = await trace(operator, { ...options, seed, minProbes: probes, maxProbes: probes });
          expect(result.samples.length).to.equal(probes);
          runs++;
          if (result.low <= sum(exact) && sum(exact) <= result.high) inside++;
          for (const [b, { low, high }] of result.perParameter.entries()) {
            const width = 1e-9 * Math.abs(blocks[b]!);
            blockRuns++;
            if (low - width <= blocks[b]! && blocks[b]! <= high + width) blocksInside++;
          }
        }
      }
      expect(inside / runs, 'trace').to.be.within(0.92, 0.99);
      expect(blocksInside / blockRuns, 'blocks').to.be.within(0.9, 0.99);
    });
  }

  it('gradient and Frobenius norm, with 4 to 16 probes', async function () {
    this.timeout(120_000);
    let [inside, insideNorm, blocksInside, runs, blockRuns] = [0, 0, 0, 0, 0];
    for (const [net, file] of goldenNets) {
      using model = await loadFixture(file);
      const data = net.replace('.train', '.eval');
      using loss = objective(model, goldenData(`${data}.x`, `${data}.y`), {
        mode: net.endsWith('.train') ? 'train' : 'eval',
      });
      using ggn = gaussNewton(loss);
      const entries = curvature.get(`${net}.ggn.diagonal`);
      const exact = sum(entries);
      const blocks = blockSums(ggn, entries);
      const matrix = golden(`${net}.hessian`);
      const norm = Math.hypot(...matrix);
      for (let seed = 0; seed < numSeeds; seed++) {
        const probes = [4, 8, 16][seed % 3]!;
        const budget = { seed, minProbes: probes, maxProbes: probes };
        const result = await trace(ggn, { method: 'gradient', ...budget });
        if (result.low <= exact && exact <= result.high) inside++;
        for (const [b, { low, high }] of result.perParameter.entries()) {
          // The bias before BatchNorm in train mode has no curvature but rounding's.
          const width = 1e-12 * exact;
          blockRuns++;
          if (low - width <= blocks[b]! && blocks[b]! <= high + width) blocksInside++;
        }
        const frobenius = await frobeniusNorm(denseOperator(model.space, matrix), budget);
        if (frobenius.low <= norm && norm <= frobenius.high) insideNorm++;
        runs++;
      }
    }
    expect(inside / runs).to.be.within(0.9, 0.98);
    expect(blocksInside / blockRuns).to.be.within(0.9, 0.98);
    expect(insideNorm / runs).to.be.within(0.9, 0.98);
  });
});

describe('trace, method by method', () => {
  expectNoLiveHandles();

  it('blocks add up to the trace, and stop rule and budget are said', async () => {
    using model = await loadFixture('convbn');
    const operator = denseOperator(model.space, golden('convbn.eval.hessian'));
    for (const method of ['hutchinson', 'hutch++', 'deflated', 'xtrace'] as const) {
      const loose = await trace(operator, { method, relativeError: 0.5, seed: 2 });
      expect(loose.converged, method).to.equal(true);
      expect(loose.standardError).to.be.at.most(0.5 * Math.abs(loose.value));
      const tight = await trace(operator, { method, relativeError: 1e-9, maxProbes: 12, seed: 2 });
      expect(tight.converged, method).to.equal(false);
      for (const result of [loose, tight]) {
        expect(result.method).to.equal(method);
        expect(sum(result.perParameter.map(({ value }) => value))).to.be.closeTo(result.value, 1e-12);
        expect(sum(result.samples) / result.samples.length).to.be.closeTo(result.value, 1e-12);
        expect(result.perParameter.map(({ name }) => name)).to.deep.equal(
          model.parameters.map(({ name }) => name),
        );
      }
    }
  });

  it('deflation: products are counted; a kept Krylov basis costs none', async () => {
    using model = await loadFixture('convbn');
    const matrix = golden('convbn.eval.hessian');
    const operator = denseOperator(model.space, matrix);
    const exact = sum(diagonalOf(matrix));
    const budget = { method: 'deflated', minProbes: 5, maxProbes: 5, seed: 3 } as const;
    const lanczos = await trace(operator, { ...budget, lanczosSteps: 12 });
    expect(lanczos.numProducts).to.equal(17);
    using pairs = await eigenpairs(operator, { k: 6, which: 'both-ends' });
    expect(pairs.basis).to.equal(null);
    const byPairs = await trace(operator, { ...budget, basis: pairs });
    expect(byPairs.numProducts).to.equal(11);
    using kept = await eigenpairs(operator, { k: 6, which: 'both-ends', keepBasis: true });
    const byBasis = await trace(operator, { ...budget, basis: kept });
    expect(byBasis.numProducts).to.equal(5);
    expect(byBasis.standardError).to.be.below(byPairs.standardError);
    for (const result of [lanczos, byPairs, byBasis])
      expect(Math.abs(result.value - exact)).to.be.below(4 * result.standardError);
    // After thick restarts too, and where the basis was full; of another operator the vectors are multiplied.
    using restarted = await eigenpairs(operator, { k: 4, basisSize: 14, keepBasis: true });
    expect(restarted.numRestarts).to.be.above(0);
    const byRestarted = await trace(operator, { ...budget, basis: restarted });
    expect(Math.abs(byRestarted.value - exact)).to.be.below(4 * byRestarted.standardError);
    expect((await trace(shifted(operator, 1), { ...budget, basis: kept })).numProducts).to.equal(11);
    // The whole space: exact, block by block.
    using all = await eigenpairs(operator, { k: 134, keepBasis: true, verify: false });
    const whole = await trace(operator, { ...budget, basis: all });
    expect(whole.value).to.be.closeTo(exact, 1e-9);
    blockSums(operator, diagonalOf(matrix)).forEach((block, b) => {
      expect(whole.perParameter[b]!.value).to.be.closeTo(block, 1e-9);
    });
  });

  it('xtrace and hutch++ are exact where the range is found', async () => {
    using model = await loadFixture('mlp');
    const values = Float64Array.from({ length: 92 }, (_, i) => (i % 13 === 0 ? i - 30 : 0));
    using vector = await model.vector(values);
    const operator = diagonalOperator(vector);
    const x = await trace(operator, { method: 'xtrace', minProbes: 20 });
    expect(x.value).to.be.closeTo(sum(values), 1e-9);
    expect(x.standardError).to.equal(0);
    expect(x.converged).to.equal(true);
    const h = await trace(operator, { method: 'hutch++', sketchSize: 12 });
    expect(h.value).to.be.closeTo(sum(values), 1e-9);
    for (const result of [x, h]) {
      blockSums(operator, values).forEach((block, b) => {
        expect(result.perParameter[b]!.value).to.be.closeTo(block, 1e-9);
      });
    }
  });

  it('options of another method, and nonsense, are refused', async () => {
    using model = await loadFixture('mlp');
    using vector = await model.vector(new Float64Array(92));
    const operator = diagonalOperator(vector);
    const bad: [object, RegExp][] = [
      [{ sketchSize: 3 }, /unknown option 'sketchSize'/],
      [{ method: 'xtrace', lanczosSteps: 3 }, /unknown option/],
      [{ method: 'hutch' }, /one of 'hutchinson'/],
      [{ method: 'deflated', basis: [] }, /eigenpairs/],
      [{ method: 'gradient' }, /hessian\(\) and gaussNewton\(\)/],
    ];
    for (const [options, message] of bad)
      await rejects(async () => trace(operator, options), 'ERR_INVALID_OPTION', message);
  });
});

describe('trace by gradients alone', () => {
  expectNoLiveHandles();

  it('of Gauss–Newton matrices equals the dense ones: exactly over all outputs', async () => {
    for (const [net, file] of goldenNets) {
      using model = await loadFixture(file);
      const data = net.replace('.train', '.eval');
      using loss = objective(model, goldenData(`${data}.x`, `${data}.y`), {
        mode: net.endsWith('.train') ? 'train' : 'eval',
      });
      using ggn = gaussNewton(loss, { weightDecay: 0.5 });
      const exact = await trace(ggn, { method: 'gradient', exact: true });
      const expected = curvature.get(`${net}.ggn.diagonal`).map((x) => x + 0.5);
      expect(exact.value / sum(expected)).to.be.closeTo(1, 1e-12);
      expect(exact.standardError).to.equal(0);
      blockSums(ggn, expected).forEach((block, b) => {
        expect(exact.perParameter[b]!.value).to.be.closeTo(block, 1e-12 * sum(expected));
      });
    }
  });

  it('mse, bce and ignored targets, in batches of unequal size', async () => {
    using model = await loadFixture('mlp');
    const z = golden('mlp.z');
    const wide = (values: Float64Array) => ({ data: values, shape: [20, 4] });
    const settings: [string, Parameters<typeof dataset>[0]['targets'], LossName][] = [
      ['mlp', Array.from(golden('mlp.y')), 'cross-entropy'],
      ['mlp.mse', wide(z), 'mse'],
      ['mlp.bce', wide(z.map((value) => (value > 0 ? 1 : 0))), 'bce-with-logits'],
      ['mlp.ignored', Array.from(golden('mlp.y'), (label) => (label === 2 ? -100 : label)), 'cross-entropy'],
    ];
    for (const [name, targets, lossName] of settings) {
      const data = dataset({ inputs: goldenArray('mlp.x'), targets: targets! });
      using loss = objective(model, data, { loss: lossName, batchSize: 7 });
      using ggn = gaussNewton(loss);
      const exact = await trace(ggn, { method: 'gradient', exact: true });
      const expected = sum(curvature.get(`${name}.ggn.diagonal`));
      expect(exact.value / expected, name).to.be.closeTo(1, 1e-12);
      const random = await trace(ggn, { method: 'gradient', minProbes: 200, maxProbes: 200, seed: 1 });
      expect(Math.abs(random.value - expected)).to.be.below(4 * random.standardError);
    }
  });

  it('of Hessians where every parameter enters affinely: ReLU, max-pooling, BatchNorm; products of different ones', async () => {
    for (const name of ['residual', 'scaled', 'squeezed']) {
      // One sample at a time, but for the last, which takes one for no batch.
      using net = await Affine.load(name, name === 'squeezed' ? {} : { batchSize: 5 });
      const exact = await trace(net.hessian, { method: 'gradient', exact: true });
      const expected = affine.get(`${name}.hessian`);
      expect(exact.value / sum(expected)).to.be.closeTo(1, 1e-12);
      blockSums(net.hessian, expected).forEach((block, b) => {
        expect(exact.perParameter[b]!.value).to.be.closeTo(block, 1e-12 * sum(expected));
      });
      const random = await trace(net.hessian, { method: 'gradient', relativeError: 0.1, maxProbes: 400 });
      expect(random.converged).to.equal(true);
      expect(Math.abs(random.value - exact.value)).to.be.below(4 * random.standardError);
    }
  });

  it('is the trace of an analysis where it is asked for, which is otherwise the same', async () => {
    using net = await Affine.load('residual');
    const options = { steps: 12, probes: 3, k: 2, seed: 3 };
    using analysis = await analyseHessian(net.hessian, { ...options, exactTrace: true });
    using usual = await analyseHessian(net.hessian, options);
    const alone = await trace(net.hessian, { method: 'gradient', exact: true });
    const expected = sum(affine.get('residual.hessian'));
    expect(analysis.trace.value / expected).to.be.closeTo(1, 1e-12);
    expect(analysis.trace).to.deep.include({
      method: 'gradient',
      value: alone.value,
      standardError: 0,
      converged: true,
    });
    expect([usual.trace.method, usual.trace.standardError > 0]).to.deep.equal(['deflated', true]);
    expect(analysis.density.nodes).to.deep.equal(usual.density.nodes);
    expect(analysis.eigenpairs.values).to.deep.equal(usual.eigenpairs.values);
    // Backward passes are no products.
    expect(analysis.numProducts).to.equal(usual.numProducts - usual.trace.numProducts);
    await rejects(
      async () => analyseHessian(net.hessian, { exactTrace: true, relativeError: 0.1 }),
      'ERR_INVALID_OPTION',
      /'relativeError' must be absent with option 'exactTrace'/,
    );
    // Before anything else is done.
    using model = await loadFixture('mlp');
    using loss = objective(model, goldenData('mlp.x', 'mlp.y'));
    using operator = hessian(loss);
    const seen: string[] = [];
    const onProgress = ({ label }: { label: string }) => seen.push(label);
    await rejects(async () => analyseHessian(operator, { exactTrace: true, onProgress }), 'ERR_NOT_AFFINE');
    expect(seen).to.not.include('hessian analysis');
  });

  it('is refused for other networks, by the name of what stands against it', async () => {
    const refuse = async (operator: CurvatureOperator, message: RegExp) =>
      rejects(async () => trace(operator, { method: 'gradient' }), 'ERR_NOT_AFFINE', message);
    const cases: [name: string, data: string, message: RegExp][] = [
      ['mlp', 'mlp', /'Tanh'.*'first\.weight'/],
      ['convbn', 'convbn.eval', /'Gelu'.*'conv1\.weight'/],
      ['attention', 'attention', /'(ScaledDotProduct|Bmm|Softmax).*'qkv/],
      ['lstm', 'lstm', /'(Sigmoid|Tanh|Mkldnn|Split|Mul).*rnn/],
    ];
    for (const [file, data, message] of cases) {
      using model = await loadFixture(file);
      using loss = objective(model, goldenData(`${data}.x`, `${data}.y`));
      using operator = hessian(loss);
      await refuse(operator, message);
    }
    using tied = await Affine.load('tied');
    await refuse(tied.hessian, /'Mm'.*both depend on 'first\.weight'/);
    using inPlace = await Affine.load('in_place');
    await refuse(inPlace.hessian, /'Tanh'/);
    using train = await Affine.load('residual', { mode: 'train' });
    await refuse(train.hessian, /'NativeBatchNorm'.*'conv1\.weight'.*mode 'eval'/);
  });

  it('is proven for a block whose parameters enter affinely, though others do not', async () => {
    using model = await loadFixture('attention');
    using loss = objective(model, goldenData('attention.x', 'attention.y'));
    using head = hessian(loss, { parameters: ['out.*'] });
    const exact = await trace(head, { method: 'gradient', exact: true });
    const entries = diagonalOf(golden('attention.hessian')).slice(-15);
    expect(exact.value / sum(entries)).to.be.closeTo(1, 1e-12);
  });

  it('is refused for other matrices and losses', async () => {
    using net = await Affine.load('residual');
    using fisher = empiricalFisher(net.loss);
    await rejects(
      async () => trace(fisher, { method: 'gradient' }),
      'ERR_INVALID_OPTION',
      /empirical Fisher/,
    );
    using model = await loadFixture('quadratic');
    using loss = objective(model, anyData(), { loss: 'model' });
    using operator = hessian(loss);
    await rejects(async () => trace(operator, { method: 'gradient' }), 'ERR_CRITERION');
  });

  it('of a real ResNet-20 is proven, and agrees with Hutchinson’s', async function () {
    this.timeout(300_000);
    const path = sharedFile('torchscript/resnet20_cifar10.script.pt');
    const images = sharedFile('cifar10/cifar10_jpeg_test_5000.bin');
    if (path === null || images === null) this.skip();
    using model = await loadModel(path);
    const [mean, std] = [
      [0.485, 0.456, 0.406],
      [0.229, 0.224, 0.225],
    ];
    const data = await loadCifar(images, { limit: 32, scale: 1 / 255, mean, std });
    using loss = objective(model, data);
    using operator = hessian(loss);
    const gradient = await trace(operator, { method: 'gradient', relativeError: 0.03, seed: 1 });
    const products = await trace(operator, { relativeError: 0.1, maxProbes: 30, seed: 2 });
    const error = Math.hypot(gradient.standardError, products.standardError);
    expect(Math.abs(gradient.value - products.value)).to.be.below(4 * error);
  });
});

describe('diagonal', () => {
  expectNoLiveHandles();

  it('of a dense matrix, with the standard error of every entry', async () => {
    using model = await loadFixture('convbn');
    const matrix = golden('convbn.eval.hessian');
    const exact = diagonalOf(matrix);
    using result = await diagonal(denseOperator(model.space, matrix), { probes: 400, seed: 1 });
    const values = await result.values.toArray();
    const errors = await result.standardErrors.toArray();
    expect(relativeError(values, exact)).to.be.within(0.5 * result.relativeError, 1.5 * result.relativeError);
    expect(result.trace).to.be.closeTo(sum(values), 1e-12);
    // Row by row √((‖Aᵢ‖² − Aᵢᵢ²)/K).
    exact.forEach((entry, i) => {
      const row = Math.hypot(...matrix.subarray(i * 134, (i + 1) * 134));
      const expected = Math.sqrt((row ** 2 - entry ** 2) / 400);
      expect(errors[i]).to.be.closeTo(expected, 0.25 * expected + 1e-15);
      expect(Math.abs(values[i]! - entry)).to.be.below(5 * expected + 1e-15);
    });
    expect(result.numProducts).to.equal(400);
    expect(result.converged).to.equal(true);
  });

  it('stops at the error asked for; a diagonal matrix has none', async () => {
    using model = await loadFixture('mlp');
    using vector = await model.vector(Float64Array.from({ length: 92 }, (_, i) => i - 40));
    using result = await diagonal(diagonalOperator(vector), { relativeError: 0.01 });
    expect(result.numProducts).to.equal(10);
    expect(result.relativeError).to.equal(0);
    expect(Array.from(await result.values.toArray())).to.deep.equal(Array.from(await vector.toArray()));
    const dense = denseOperator(model.space, golden('mlp.hessian'));
    using rough = await diagonal(dense, { probes: 12, relativeError: 1e-6 });
    expect(rough.converged).to.equal(false);
  });
});

describe('abort and progress', () => {
  expectNoLiveHandles();

  it('end every estimator between two products, and count to the end', async () => {
    using net = await Affine.load('residual');
    const runs: ((options: TraceOptions) => Promise<unknown>)[] = [
      ...(['hutchinson', 'hutch++', 'deflated', 'xtrace', 'gradient'] as const).map(
        (method) => async (options: TraceOptions) => trace(net.hessian, { method, ...options }),
      ),
      async (options) => frobeniusNorm(net.hessian, options),
      async (options) => {
        using result = await diagonal(net.hessian, options);
        return result.trace;
      },
    ];
    for (const run of runs) {
      const controller = new AbortController();
      const onProgress = ({ done }: { done: number }) => {
        if (done === 3) controller.abort();
      };
      await rejects(async () => run({ signal: controller.signal, onProgress }), 'ERR_ABORTED');
      let last: { done: number; total: number } | undefined;
      await run({ onProgress: (progress) => (last = progress) });
      expect(last!.done).to.equal(last!.total);
    }
  });

  it('the same seed gives the same bits', async () => {
    using net = await Affine.load('residual');
    for (const method of ['hutch++', 'deflated', 'xtrace', 'gradient'] as const) {
      const results: TraceEstimate[] = [];
      for (let i = 0; i < 2; i++) results.push(await trace(net.hessian, { method, seed: 5 }));
      expect(results[0]!.value).to.equal(results[1]!.value);
      expect(results[0]!.standardError).to.equal(results[1]!.standardError);
    }
  });
});
