import { expect } from 'chai';
import {
  checkOperator,
  dataset,
  denseEigen,
  denseMatrix,
  empiricalFisher,
  gaussNewton,
  hessian,
  loadModel,
  monteCarloFisher,
  objective,
  parameterBlocks,
  scaled,
  shifted,
  type CurvatureOperator,
  type LinearOperator,
  type LossName,
  type Objective,
} from '../../dist/index.js';
import { rejects } from '../support/errors.js';
import { anyData, golden, goldenArray, goldenData, loadFixture, projectPath } from '../support/fixtures.js';
import { goldenFile } from '../support/golden-file.js';
import { expectNoLiveHandles } from '../support/handles.js';
import { dense, diagonalOperator, jacobiEigenvalues, matVec, relativeError } from '../support/numbers.js';

const goldenCurvature = goldenFile('curvature.npz');
const curvature = (name: string): Float64Array => goldenCurvature.get(name);

async function applyTo(operator: LinearOperator, values: Float64Array): Promise<Float64Array> {
  using vector = await operator.space.vector(values);
  const [product] = await operator.apply([vector]);
  using out = product!;
  return await out.toArray();
}

/** The operator's products with the four vectors of the golden file. */
async function expectProducts(operator: LinearOperator, name: string, tolerance: number): Promise<void> {
  const n = operator.size;
  const [v, expected] = [curvature(`${name}.v`), curvature(`${name}.products`)];
  for (let i = 0; i < 4; i++) {
    const product = await applyTo(operator, v.slice(i * n, (i + 1) * n));
    expect(relativeError(product, expected.subarray(i * n, (i + 1) * n)), `${name} ${i}`).to.be.below(
      tolerance,
    );
  }
}

describe('Gauss–Newton and Fisher against PyTorch’s Jacobians', () => {
  expectNoLiveHandles();
  const cases: [name: string, model: string, mode: 'eval' | 'train'][] = [
    ['mlp', 'mlp', 'eval'],
    ['convbn.eval', 'convbn', 'eval'],
    ['convbn.train', 'convbn', 'train'],
    ['attention', 'attention', 'eval'],
    ['lstm', 'lstm', 'eval'],
  ];
  for (const [name, file, mode] of cases) {
    for (const [dtype, tolerance] of [
      ['float64', 1e-10],
      ['float32', 1e-5],
    ] as const) {
      it(`${name}, ${dtype}`, async () => {
        using model = await loadFixture(file, { dtype });
        const source = name.replace('.train', '.eval');
        using loss = objective(model, goldenData(`${source}.x`, `${source}.y`), { mode });
        for (const batched of [false, true]) {
          using ggn = gaussNewton(loss, { batched });
          await expectProducts(ggn, `${name}.ggn`, tolerance);
          using fisher = empiricalFisher(loss, { batched });
          await expectProducts(fisher, `${name}.fisher`, tolerance);
        }
      });
    }
  }

  it('mse, bce and ignored targets, in batches of unequal size', async () => {
    using model = await loadFixture('mlp');
    const z = golden('mlp.z');
    const wide = (data: Float64Array) => ({ data, shape: [20, 4] });
    const settings: [string, Parameters<typeof dataset>[0]['targets'], LossName][] = [
      ['mse', wide(z), 'mse'],
      ['bce', wide(z.map((value) => (value > 0 ? 1 : 0))), 'bce-with-logits'],
      ['ignored', Array.from(golden('mlp.y'), (label) => (label === 2 ? -100 : label)), 'cross-entropy'],
    ];
    for (const [name, targets, lossName] of settings) {
      for (const batchSize of [20, 7]) {
        const data = dataset({ inputs: goldenArray('mlp.x'), targets: targets! });
        using loss = objective(model, data, { loss: lossName, batchSize });
        using ggn = gaussNewton(loss);
        await expectProducts(ggn, `mlp.${name}.ggn`, 1e-10);
        using fisher = empiricalFisher(loss);
        await expectProducts(fisher, `mlp.${name}.fisher`, 1e-10);
      }
    }
  });

  it('several vectors at once equal one after the other', async () => {
    using model = await loadFixture('convbn');
    using loss = objective(model, goldenData('convbn.eval.x', 'convbn.eval.y'));
    const probes = await Promise.all([0, 1, 2].map(async (s) => model.randomVector('gaussian', 3, s)));
    for (const make of [hessian, gaussNewton, empiricalFisher, monteCarloFisher]) {
      using loop = make(loss);
      using block = make(loss, { batched: true });
      const [a, b] = [await loop.apply(probes), await block.apply(probes)];
      for (const [i, product] of a.entries()) {
        expect(relativeError(await b[i]!.toArray(), await product.toArray())).to.be.below(1e-12);
        product.dispose();
        b[i]!.dispose();
      }
    }
    for (const probe of probes) probe.dispose();
  });

  it('the Monte-Carlo Fisher’s mean is the Gauss–Newton matrix, for every likelihood', async function () {
    this.timeout(60_000);
    using model = await loadFixture('mlp');
    const z = golden('mlp.z');
    const wide = (data: Float64Array) => ({ data, shape: [20, 4] });
    const settings: [string, Parameters<typeof dataset>[0]['targets'], LossName][] = [
      ['mlp.ggn', Array.from(golden('mlp.y')), 'cross-entropy'],
      ['mlp.mse.ggn', wide(z), 'mse'],
      ['mlp.bce.ggn', wide(z.map((value) => (value > 0 ? 1 : 0))), 'bce-with-logits'],
      [
        'mlp.ignored.ggn',
        Array.from(golden('mlp.y'), (label) => (label === 2 ? -100 : label)),
        'cross-entropy',
      ],
    ];
    for (const [name, targets, lossName] of settings) {
      const data = dataset({ inputs: goldenArray('mlp.x'), targets: targets! });
      using loss = objective(model, data, { loss: lossName });
      // The error falls as 1/√samples: 0.27 to 0.4 at 100.
      using few = monteCarloFisher(loss, { samples: 100, seed: 1 });
      using many = monteCarloFisher(loss, { samples: 10_000, seed: 1 });
      const v = curvature(`${name}.v`).slice(0, 92);
      const expected = curvature(`${name}.products`).subarray(0, 92);
      const [rough, fine] = [await applyTo(few, v), await applyTo(many, v)];
      expect(relativeError(fine, expected), name).to.be.below(0.05);
      expect(relativeError(fine, expected)).to.be.below(relativeError(rough, expected));
      using again = monteCarloFisher(loss, { samples: 100, seed: 1 });
      expect(Array.from(await applyTo(again, v))).to.deep.equal(Array.from(rough));
    }
  });

  it('nll on log-probabilities is cross-entropy on logits; other outputs are refused', async () => {
    using model = await loadFixture('mlp');
    using loss = objective(model, goldenData('mlp.x', 'mlp.y'), { loss: 'nll' });
    using operator = gaussNewton(loss);
    using v = await model.randomVector('gaussian', 1);
    await rejects(async () => operator.apply([v]), 'ERR_CRITERION', /log-probabilities.*log_softmax/);
  });

  it('refuses a model that returns its loss, and a Fisher without a likelihood', async () => {
    using quadratic = await loadFixture('quadratic');
    using own = objective(quadratic, anyData(), { loss: 'model' });
    using v = await quadratic.randomVector('gaussian', 1);
    for (const make of [gaussNewton, empiricalFisher, monteCarloFisher]) {
      using operator = make(own);
      await rejects(async () => operator.apply([v]), 'ERR_CRITERION', /no output z/);
    }
    using model = await loadFixture('mlp');
    const targets = { data: golden('mlp.z'), shape: [20, 4] };
    using l1 = objective(model, dataset({ inputs: goldenArray('mlp.x'), targets }), { loss: 'l1' });
    using fisher = monteCarloFisher(l1);
    using w = await model.randomVector('gaussian', 1);
    await rejects(async () => fisher.apply([w]), 'ERR_CRITERION', /negative log-likelihoods/);
    // L1 is piecewise linear in z.
    using ggn = gaussNewton(l1);
    expect(Math.max(...(await applyTo(ggn, await w.toArray())))).to.equal(0);
  });
});

describe('self-check of operators', () => {
  expectNoLiveHandles();

  it('finds nothing wrong with Hessians, Gauss–Newton and Fisher, in both modes and dtypes', async () => {
    for (const dtype of ['float64', 'float32'] as const) {
      using model = await loadFixture('convbn', { dtype });
      for (const mode of ['eval', 'train'] as const) {
        using loss = objective(model, goldenData('convbn.eval.x', 'convbn.eval.y'), { mode });
        for (const make of [hessian, gaussNewton, empiricalFisher, monteCarloFisher]) {
          using operator = make(loss, { weightDecay: 0.01 });
          const check = await checkOperator(operator);
          expect(check.ok, `${operator.label} ${mode} ${dtype}: ${check.notes.join()}`).to.equal(true);
          expect(check.asymmetry).to.be.below(dtype === 'float64' ? 1e-14 : 1e-5);
          expect(check.variation).to.equal(0);
          if (make === hessian) {
            expect(check.curvature!.agrees).to.equal(true);
            if (dtype === 'float64') {
              const { difference, quadraticForm } = check.curvature!;
              expect(difference).to.be.closeTo(quadraticForm, 1e-6 * Math.max(1, Math.abs(quadraticForm)));
            }
          } else expect(check.curvature).to.equal(null);
          const named = check.notes.filter((note) => note.includes('aten::batch_norm in train mode'));
          expect(named.length).to.equal(mode === 'train' ? 1 : 0);
        }
      }
    }
  });

  it('of a block of parameters at another point, too', async () => {
    using model = await loadFixture('mlp');
    using loss = objective(model, goldenData('mlp.x', 'mlp.y'));
    using at = await model.randomVector('gaussian', 3);
    using operator = hessian(loss, { at, parameters: ['first.*'] });
    const { ok, curvature } = await checkOperator(operator);
    expect(ok).to.equal(true);
    expect(curvature!.difference).to.be.closeTo(curvature!.quadraticForm, 1e-7);
  });

  it('names dropout, noise in the forward pass, and asymmetry', async () => {
    using dropout = await loadFixture('dropout');
    using train = objective(dropout, goldenData('mlp.x', 'mlp.y'), { mode: 'train' });
    using masked = hessian(train);
    const fixed = await checkOperator(masked);
    expect(fixed.ok).to.equal(true);
    expect(fixed.notes.join()).to.match(/aten::dropout.* in train mode.*masks.*seed/);

    using noisy = await loadFixture('noisy');
    using loss = objective(noisy, goldenData('mlp.x', 'mlp.y'));
    using operator = hessian(loss);
    const check = await checkOperator(operator);
    expect(check.isRepeatable).to.equal(false);
    expect(check.isSymmetric).to.equal(true);
    expect(check.ok).to.equal(false);
    expect(check.notes.join()).to.match(/Not repeatable.*random numbers \(aten::randn_like\)/);

    using model = await loadFixture('mlp');
    using sum = await model.vector(new Float64Array(92).fill(1));
    using left = await model.vector(Float64Array.from({ length: 92 }, (_, i) => i));
    // Rank one, but not symmetric: v ↦ left·(sum·v).
    const skew: LinearOperator = {
      ...diagonalOperator(sum),
      apply: async (vectors) => Promise.all(vectors.map(async (v) => left.scale(await sum.dot(v)))),
    };
    const wrong = await checkOperator(skew);
    expect(wrong.isSymmetric).to.equal(false);

    // A skew part of one per cent in many dimensions, by neighbours: (Av)ᵢ = i·vᵢ/n ± 0.01·v of the neighbour.
    using lenet = await loadModel(projectPath('bench/lenet.script.pt'));
    const n = lenet.size;
    using ramp = await lenet.vector(Float32Array.from({ length: n }, (_, i) => i / n));
    const slightly = async (share: number): Promise<number> => {
      const operator: LinearOperator = {
        ...diagonalOperator(ramp),
        apply: async (vectors) =>
          Promise.all(
            vectors.map(async (v) => {
              const x = await v.toArray();
              return lenet.vector(
                Float32Array.from(
                  x,
                  (value, i) => (i / n) * value + share * (i % 2 === 0 ? (x[i + 1] ?? 0) : -x[i - 1]!),
                ),
              );
            }),
          ),
      };
      const { asymmetry, isSymmetric } = await checkOperator(operator);
      expect(isSymmetric).to.equal(share === 0);
      return asymmetry;
    };
    // ‖A − Aᵀ‖ / ‖A‖ = 2·0.01 / √(1/3)
    expect(await slightly(0.01)).to.be.within(0.3 * 0.0346, 2 * 0.0346);
    expect(await slightly(0)).to.be.below(1e-5);

    // Through shifts and scales too.
    const shift = shifted(scaled(masked, 2), 1);
    const through = await checkOperator(shift);
    expect(through.notes.join()).to.match(/dropout/);
    expect(through.curvature!.agrees).to.equal(true);
    expect(wrong.notes.join()).to.match(/Not symmetric/);
  });
});

describe('dense matrix', () => {
  expectNoLiveHandles();

  it('is the Hessian of PyTorch, with its eigenvalues', async () => {
    using model = await loadFixture('convbn');
    using loss = objective(model, goldenData('convbn.eval.x', 'convbn.eval.y'));
    using operator = hessian(loss, { batched: true });
    const matrix = await denseMatrix(operator);
    expect(relativeError(matrix.values, golden('convbn.eval.hessian'))).to.be.below(1e-10);
    expect(matrix.asymmetry).to.be.below(1e-14);
    const { values } = await denseEigen(matrix);
    const exact = jacobiEigenvalues(golden('convbn.eval.hessian'));
    values.forEach((value, i) => {
      expect(value).to.be.closeTo(exact[i]!, 1e-12);
    });
  });

  it('is refused beyond 4096 parameters, with what to do', async () => {
    using model = await loadModel(projectPath('bench/lenet.script.pt'));
    using loss = objective(model, anyData());
    using operator = hessian(loss);
    await rejects(async () => denseMatrix(operator), 'ERR_INVALID_OPTION', /up to 4096.*'parameters'/);
  });
});

describe('operators of a part, shifted, scaled, with weight decay', () => {
  expectNoLiveHandles();
  const settings = async (): Promise<{ loss: Objective; matrix: Float64Array; dispose: () => void }> => {
    const model = await loadFixture('convbn');
    const loss = objective(model, goldenData('convbn.eval.x', 'convbn.eval.y'), { batchSize: 4 });
    return {
      loss,
      matrix: golden('convbn.eval.hessian'),
      dispose: () => {
        loss.dispose();
        model.dispose();
      },
    };
  };

  it('the block of some parameters is that block of the dense Hessian', async () => {
    const { loss, matrix, dispose } = await settings();
    try {
      const { parameters } = loss.model;
      for (const { name, parameters: names } of [
        { name: 'patterns', parameters: ['conv*.weight', 'fc.bias'] },
        ...parameterBlocks(loss.model, 'module'),
        ...parameterBlocks(loss.model, 'parameter').slice(0, 3),
      ]) {
        using operator: CurvatureOperator = hessian(loss, { parameters: names });
        const chosen = parameters.filter((p) =>
          names.some((n) => (n === 'conv*.weight' ? /^conv.*\.weight$/.test(p.name) : n === p.name)),
        );
        const entries = chosen.flatMap((p) => Array.from({ length: p.numel }, (_, i) => p.offset + i));
        expect(operator.size, name).to.equal(entries.length);
        const expected = Float64Array.from(entries.flatMap((i) => entries.map((j) => matrix[i * 134 + j]!)));
        expect(relativeError(await dense(operator), expected), name).to.be.below(1e-10);
      }
    } finally {
      dispose();
    }
  });

  it('vectors of a part are restricted and embedded', async () => {
    const { loss, dispose } = await settings();
    try {
      using operator = hessian(loss, { parameters: ['fc.*'] });
      using part = await operator.space.randomVector('gaussian', 1);
      using whole = await operator.space.embed(part);
      using back = await operator.space.restrict(whole);
      expect(whole.size).to.equal(134);
      expect(Array.from(await back.toArray())).to.deep.equal(Array.from(await part.toArray()));
      expect(await whole.norm()).to.be.closeTo(await part.norm(), 1e-12);
      await rejects(async () => operator.apply([whole]), 'ERR_LAYOUT_MISMATCH', /fc\.weight/);
      await rejects(async () => loss.evaluate(part), 'ERR_LAYOUT_MISMATCH', /conv1/);
    } finally {
      dispose();
    }
  });

  it('blocks by module hold every parameter once', async () => {
    using model = await loadFixture('convbn');
    expect(parameterBlocks(model).map(({ name }) => name)).to.deep.equal([
      'conv1',
      'bn1',
      'conv2',
      'bn2',
      'fc',
    ]);
    const all = parameterBlocks(model).flatMap(({ parameters }) => parameters);
    expect(all).to.deep.equal(model.parameters.map(({ name }) => name));
    using loss = objective(model, anyData());
    expect(() => hessian(loss, { parameters: ['layer9.*'] })).to.throw(/fits no parameter/);
  });

  it('weight decay adds λ·v; shifts and scales add up', async () => {
    const { loss, matrix, dispose } = await settings();
    try {
      using plain = hessian(loss);
      using decayed = hessian(loss, { weightDecay: 5e-4 });
      using v = await loss.model.randomVector('gaussian', 2);
      const values = await v.toArray();
      const hv = matVec(matrix, values);
      const close = async (operator: LinearOperator, expected: Float64Array) => {
        expect(relativeError(await applyTo(operator, values), expected), operator.label).to.be.below(1e-10);
      };
      await close(
        decayed,
        hv.map((x, i) => x + 5e-4 * values[i]!),
      );
      await close(
        shifted(plain, -2),
        hv.map((x, i) => x - 2 * values[i]!),
      );
      await close(
        scaled(shifted(plain, 1), 3),
        hv.map((x, i) => 3 * (x + values[i]!)),
      );
      expect(decayed.label).to.equal('Hessian + 0.0005·I');
      expect((await scaled(shifted(plain, 1), 3).provenance(0)).operator).to.equal('3·(Hessian + 1·I)');
    } finally {
      dispose();
    }
  });
});
