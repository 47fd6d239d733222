import { expect } from 'chai';
import { dataset, hessian, objective, type LossName } from '../../dist/index.js';
import { rejects } from '../support/errors.js';
import { expectNoLiveHandles } from '../support/handles.js';
import { anyData, golden, goldenArray, goldenData, loadFixture } from '../support/fixtures.js';
import { dense, matVec, relativeError } from '../support/numbers.js';

/** Fixed inputs from a linear congruence: closed forms need no library at all. */
function inputs(rows: number, columns: number): Float64Array {
  let state = 12345;
  return Float64Array.from({ length: rows * columns }, () => {
    state = (state * 1103515245 + 12345) % 2147483648;
    return (state / 2147483648) * 2 - 1;
  });
}

describe('Hessian against closed forms', () => {
  expectNoLiveHandles();
  const rows = 9;
  const d = 5;
  const x = inputs(rows, d);
  const row = (i: number) => x.subarray(i * d, (i + 1) * d);

  it('linear regression: (2/N) XᵀX', async () => {
    using model = await loadFixture('linear1');
    const data = dataset({
      inputs: { data: x, shape: [rows, d] },
      targets: { data: inputs(rows, 1), shape: [rows, 1] },
    });
    using loss = objective(model, data, { loss: 'mse' });
    using operator = hessian(loss);
    const expected = new Float64Array(d * d);
    for (let i = 0; i < rows; i++) {
      for (let a = 0; a < d; a++)
        for (let b = 0; b < d; b++) expected[a * d + b]! += (2 / rows) * row(i)[a]! * row(i)[b]!;
    }
    expect(relativeError(await dense(operator), expected)).to.be.below(1e-13);
  });

  it('logistic regression: (1/N) Xᵀ diag(s(1 − s)) X', async () => {
    using model = await loadFixture('linear1');
    using theta = await model.theta();
    const w = await theta.toArray();
    const data = dataset({
      inputs: { data: x, shape: [rows, d] },
      targets: { data: Float64Array.from({ length: rows }, (_, i) => i % 2), shape: [rows, 1] },
    });
    using loss = objective(model, data, { loss: 'bce-with-logits' });
    using operator = hessian(loss);
    const expected = new Float64Array(d * d);
    for (let i = 0; i < rows; i++) {
      const logit = row(i).reduce((sum, v, k) => sum + v * w[k]!, 0);
      const s = 1 / (1 + Math.exp(-logit));
      for (let a = 0; a < d; a++) {
        for (let b = 0; b < d; b++) expected[a * d + b]! += (s * (1 - s) * row(i)[a]! * row(i)[b]!) / rows;
      }
    }
    expect(relativeError(await dense(operator), expected)).to.be.below(1e-13);
  });

  it('softmax regression: mean of (diag p − ppᵀ) ⊗ xxᵀ, over batches of unequal size too', async () => {
    using model = await loadFixture('linear3');
    using theta = await model.theta();
    const w = await theta.toArray();
    const data = dataset({
      inputs: { data: x, shape: [rows, d] },
      targets: Array.from({ length: rows }, (_, i) => i % 3),
    });
    const n = 3 * d;
    const expected = new Float64Array(n * n);
    for (let i = 0; i < rows; i++) {
      const logits = [0, 1, 2].map((c) => row(i).reduce((sum, v, k) => sum + v * w[c * d + k]!, 0));
      const total = logits.reduce((sum, l) => sum + Math.exp(l), 0);
      const p = logits.map((l) => Math.exp(l) / total);
      for (let a = 0; a < n; a++) {
        for (let b = 0; b < n; b++) {
          const [ca, cb] = [Math.floor(a / d), Math.floor(b / d)];
          const outer = row(i)[a % d]! * row(i)[b % d]!;
          expected[a * n + b]! += (((ca === cb ? p[ca]! : 0) - p[ca]! * p[cb]!) * outer) / rows;
        }
      }
    }
    for (const batchSize of [rows, 4]) {
      using loss = objective(model, data, { batchSize });
      using operator = hessian(loss);
      expect(relativeError(await dense(operator), expected), `batch size ${batchSize}`).to.be.below(1e-13);
    }
  });

  it('an indefinite quadratic: A itself, at any point', async () => {
    using model = await loadFixture('quadratic');
    using loss = objective(model, anyData(), { loss: 'model' });
    using elsewhere = await model.randomVector('gaussian', 7);
    using operator = hessian(loss, { at: elsewhere });
    expect(relativeError(await dense(operator), await model.buffer('matrix'))).to.be.below(1e-14);
  });
});

describe('Hessian against dense float64 Hessians of PyTorch', () => {
  expectNoLiveHandles();
  const cases: {
    name: string;
    model: string;
    data: string;
    targets: string;
    loss?: LossName;
    mode?: 'eval' | 'train';
    inputs?: string[];
  }[] = [
    { name: 'MLP', model: 'mlp', data: 'mlp', targets: 'y' },
    { name: 'conv+BN in eval mode', model: 'convbn', data: 'convbn.eval', targets: 'y' },
    { name: 'conv+BN in train mode', model: 'convbn', data: 'convbn.train', targets: 'y', mode: 'train' },
    { name: 'conv+BN traced in eval mode', model: 'convbn_traced_eval', data: 'convbn.eval', targets: 'y' },
    {
      name: 'conv+BN traced in train mode',
      model: 'convbn_traced_train',
      data: 'convbn.train',
      targets: 'y',
      mode: 'train',
    },
    { name: 'tied weights', model: 'tied', data: 'tied', targets: 'z', loss: 'mse' },
    { name: 'scaled-dot-product attention', model: 'attention', data: 'attention', targets: 'y' },
    {
      name: 'scripted TransformerEncoderLayer and MultiheadAttention',
      model: 'encoder',
      data: 'encoder',
      targets: 'y',
    },
    { name: 'scripted LSTM', model: 'lstm', data: 'lstm', targets: 'y' },
    { name: 'scripted GRU', model: 'gru', data: 'gru', targets: 'y' },
    {
      name: 'two inputs, tuple output',
      model: 'two_inputs',
      data: 'two_inputs',
      targets: 'y',
      inputs: ['x', 'ids'],
    },
  ];
  for (const c of cases) {
    const source = c.data.replace('.train', '.eval');
    const data = dataset({
      inputs: (c.inputs ?? ['x']).map((name) => goldenArray(`${source}.${name}`)),
      targets: goldenArray(`${source}.${c.targets}`),
    });
    for (const [dtype, tolerance] of [
      ['float64', 1e-10],
      ['float32', 1e-5],
    ] as const) {
      it(`${c.name}, ${dtype}: loss, gradient, products, a block of products`, async () => {
        using model = await loadFixture(c.model, { dtype });
        using loss = objective(model, data, { loss: c.loss ?? 'cross-entropy', mode: c.mode ?? 'eval' });
        const expectedLoss = golden(`${c.data}.loss`)[0]!;
        expect((await loss.evaluate()).loss).to.be.closeTo(
          expectedLoss,
          tolerance * Math.max(1, expectedLoss),
        );
        const { gradient } = await loss.gradient();
        using g = gradient;
        expect(relativeError(await g.toArray(), golden(`${c.data}.gradient`))).to.be.below(tolerance);

        const matrix = golden(`${c.data}.hessian`);
        const probes = await Promise.all(
          [0, 1, 2].map(async (stream) => model.randomVector('gaussian', 3, stream)),
        );
        for (const batched of [false, true]) {
          using operator = hessian(loss, { batched });
          const products = await operator.apply(probes);
          for (const [i, product] of products.entries()) {
            const expected = matVec(matrix, await probes[i]!.toArray());
            expect(relativeError(await product.toArray(), expected), batched ? 'vmap' : 'loop').to.be.below(
              tolerance,
            );
            product.dispose();
          }
        }
        for (const probe of probes) probe.dispose();
      });
    }
  }

  it('recomputed under a memory budget equals retained', async () => {
    using model = await loadFixture('convbn');
    using loss = objective(model, goldenData('convbn.eval.x', 'convbn.eval.y'), { batchSize: 3 });
    using retained = hessian(loss);
    using recomputed = hessian(loss, { memoryBudget: 1 });
    using v = await model.randomVector('rademacher', 1);
    for (let repeat = 0; repeat < 2; repeat++) {
      const [a] = await retained.apply([v]);
      const [b] = await recomputed.apply([v]);
      using left = a!;
      using right = b!;
      expect(Array.from(await left.toArray())).to.deep.equal(Array.from(await right.toArray()));
      expect(
        relativeError(await left.toArray(), matVec(golden('convbn.eval.hessian'), await v.toArray())),
      ).to.be.below(1e-10);
    }
    expect(retained.retainedBytes).to.be.above(0);
    expect(recomputed.retainedBytes).to.equal(0);
  });

  it('finite differences of the gradient: MLP, and conv+BN in both modes', async () => {
    for (const [name, mode] of [
      ['mlp', 'eval'],
      ['convbn', 'eval'],
      ['convbn', 'train'],
    ] as const) {
      using model = await loadFixture(name);
      const source = name === 'mlp' ? 'mlp' : 'convbn.eval';
      using loss = objective(model, goldenData(`${source}.x`, `${source}.y`), { mode });
      using operator = hessian(loss);
      using theta = await model.theta();
      using v = await model.randomVector('gaussian', 5);
      const [product] = await operator.apply([v]);
      using hv = product!;
      // Near ReLU kinks only a small step is right; float64 allows it.
      const h = 1e-6;
      const [t, d] = [await theta.toArray(), await v.toArray()];
      const side = async (sign: number) => {
        using point = await model.vector(t.map((value, i) => value + sign * h * d[i]!));
        const { gradient } = await loss.gradient(point);
        using g = gradient;
        return await g.toArray();
      };
      const [plus, minus] = [await side(1), await side(-1)];
      const difference = plus.map((value, i) => (value - minus[i]!) / (2 * h));
      expect(relativeError(difference, await hv.toArray()), `${name} ${mode}`).to.be.below(1e-6);
    }
  });
});

describe('scripted attention of PyTorch', () => {
  expectNoLiveHandles();
  it('runs in train mode too: dropout of the seed, other masks for other seeds', async () => {
    using model = await loadFixture('encoder');
    expect(model.fixedMode).to.equal(null);
    const data = goldenData('encoder.x', 'encoder.y');
    const lossOf = async (mode: 'eval' | 'train', seed: number) => {
      using loss = objective(model, data, { mode, seed });
      return (await loss.evaluate()).loss;
    };
    expect(await lossOf('eval', 1)).to.equal(await lossOf('eval', 2));
    expect(await lossOf('train', 1)).to.equal(await lossOf('train', 1));
    expect(await lossOf('train', 1)).to.not.equal(await lossOf('train', 2));
    expect(await lossOf('train', 1)).to.not.equal(await lossOf('eval', 1));
  });
});

describe('models with several outputs', () => {
  expectNoLiveHandles();
  it('the loss of the chosen one, in a dictionary or a list, equals PyTorch’s', async () => {
    for (const [file, output] of [
      ['dict_output', 'logits'],
      ['list_output', 1],
    ] as const) {
      using model = await loadFixture(file);
      const data = goldenData('outputs.x', 'outputs.y');
      using loss = objective(model, data, { output });
      expect((await loss.evaluate()).loss).to.be.closeTo(golden('outputs.loss')[0]!, 1e-12);
      using operator = hessian(loss);
      expect(relativeError(await dense(operator), golden('outputs.hessian'))).to.be.below(1e-10);
      expect((await operator.provenance(0)).options.output).to.equal(String(output));
    }
  });

  it('a choice that is not there is refused, with what there is', async () => {
    using dict = await loadFixture('dict_output');
    const data = goldenData('outputs.x', 'outputs.y');
    using none = objective(dict, data);
    await rejects(async () => none.evaluate(), 'ERR_FORWARD', /dictionary with 'hidden', 'logits'.*'output'/);
    using wrong = objective(dict, data, { output: 'logit' });
    await rejects(async () => wrong.evaluate(), 'ERR_FORWARD', /no output 'logit'/);
    using list = await loadFixture('list_output');
    using far = objective(list, data, { output: 2 });
    await rejects(async () => far.evaluate(), 'ERR_FORWARD', /list of 2; there is no output 2/);
    using mlp = await loadFixture('mlp');
    using tensor = objective(mlp, goldenData('mlp.x', 'mlp.y'), { output: 0 });
    await rejects(async () => tensor.evaluate(), 'ERR_FORWARD', /a tensor \[20, 4\]/);
  });
});

describe('losses against PyTorch', () => {
  expectNoLiveHandles();
  it('cross-entropy with smoothing, ignored and soft targets, MSE, L1, Huber, BCE, NLL', async () => {
    using model = await loadFixture('mlp');
    const inputs = goldenArray('mlp.x');
    const z = golden('mlp.z');
    const y = golden('mlp.y');
    const wide = (data: Float64Array) => ({ data, shape: [20, 4] });
    const softmax = Float64Array.from(z, (value, i) => {
      const start = 4 * Math.floor(i / 4);
      const total = z.subarray(start, start + 4).reduce((sum, v) => sum + Math.exp(v), 0);
      return Math.exp(value) / total;
    });
    const labels = Array.from(y);
    const settings = [
      [labels, { labelSmoothing: 0.1 }],
      [labels.map((label) => (label === 2 ? -100 : label)), {}],
      [wide(z), { loss: 'mse' }],
      [wide(z), { loss: 'l1' }],
      [wide(z), { loss: 'huber', delta: 0.5 }],
      [wide(z.map((value) => (value > 0 ? 1 : 0))), { loss: 'bce-with-logits' }],
      [labels, { loss: 'nll' }],
      [wide(softmax), {}],
    ] as const;
    const expected = golden('mlp.losses');
    for (const [i, [targets, options]] of settings.entries()) {
      for (const batchSize of [20, 7]) {
        using loss = objective(model, dataset({ inputs, targets }), { ...options, batchSize });
        expect((await loss.evaluate()).loss, JSON.stringify(options)).to.be.closeTo(expected[i]!, 1e-12);
      }
    }
  });
});
