import { expect } from 'chai';
import {
  eigenpairs,
  hessian,
  khCriterion,
  loadModel,
  loadNpz,
  objective,
  renderDensity,
  spectralDensity,
  trace as estimateTrace,
  type CurvatureOperator,
  type LinearOperator,
  type Model,
  type Objective,
} from '../../dist/index.js';
import { meanEstimate } from '../../dist/spectrum/statistics.js';
import { rejects } from '../support/errors.js';
import { expectNoLiveHandles } from '../support/handles.js';
import { anyData, golden, goldenData, loadFixture, projectPath } from '../support/fixtures.js';
import { diagonalOperator, jacobiEigenvalues, matVec, relativeError } from '../support/numbers.js';

class Setting {
  constructor(
    readonly model: Model,
    readonly loss: Objective,
    readonly operator: CurvatureOperator,
  ) {}
  [Symbol.dispose](): void {
    this.operator.dispose();
    this.loss.dispose();
    this.model.dispose();
  }
}

async function quadratic(): Promise<Setting> {
  const model = await loadFixture('quadratic');
  const loss = objective(model, anyData(), { loss: 'model' });
  return new Setting(model, loss, hessian(loss));
}

async function convbn(mode: 'eval' | 'train', dtype: 'float32' | 'float64' = 'float64'): Promise<Setting> {
  const model = await loadFixture('convbn', { dtype });
  const loss = objective(model, goldenData('convbn.eval.x', 'convbn.eval.y'), { mode });
  return new Setting(model, loss, hessian(loss));
}

describe('orthogonalisation by libtorch’s operators, as on a GPU', () => {
  expectNoLiveHandles();

  it('gives the same spectrum but for rounding', async () => {
    using setting = await convbn('eval');
    const options = { steps: 40, probes: 2, seed: 1 };
    const ours = await spectralDensity(setting.operator, options);
    process.env.LOSSATLAS_GRAM_SCHMIDT = 'libtorch';
    try {
      const theirs = await spectralDensity(setting.operator, options);
      expect(
        relativeError(
          theirs.nodes.flatMap((x) => [...x]),
          ours.nodes.flatMap((x) => [...x]),
        ),
      ).to.be.below(1e-10);
    } finally {
      delete process.env.LOSSATLAS_GRAM_SCHMIDT;
    }
  });
});

describe('eigenpairs', () => {
  expectNoLiveHandles();

  it('of a known indefinite quadratic, at every end, with a double eigenvalue', async () => {
    using setting = await quadratic();
    const expected = {
      largest: [10, 7, 4, 2],
      smallest: [-3, -1, -0.25, 0],
      'largest-magnitude': [10, 7, 4, -3],
      'both-ends': [10, 7, -3, -1],
    } as const;
    for (const [which, values] of Object.entries(expected)) {
      using pairs = await eigenpairs(setting.operator, { k: 4, which: which as keyof typeof expected });
      expect(pairs.allConverged).to.equal(true);
      values.forEach((value, i) => {
        expect(pairs.values[i], which).to.be.closeTo(value, 1e-7);
      });
    }
    using all = await eigenpairs(setting.operator, { k: 12, which: 'smallest' });
    golden('quadratic.eigenvalues').forEach((value, i) => {
      expect(all.values[i]).to.be.closeTo(value, 1e-9);
    });
  });

  it('of conv+BN in both modes equal the dense Hessian’s; residuals are what they say', async () => {
    for (const mode of ['eval', 'train'] as const) {
      using setting = await convbn(mode);
      const matrix = golden(`convbn.${mode}.hessian`);
      const exact = jacobiEigenvalues(matrix);
      using pairs = await eigenpairs(setting.operator, { k: 6, which: 'both-ends', seed: 4 });
      expect(pairs.allConverged).to.equal(true);
      const ends = [exact.at(-1)!, exact.at(-2)!, exact.at(-3)!, exact[0]!, exact[1]!, exact[2]!];
      for (const [i, vector] of pairs.vectors.entries()) {
        expect(pairs.values[i], `${mode} ${i}`).to.be.closeTo(ends[i]!, 1e-8 * exact.at(-1)!);
        const v = await vector.toArray();
        const hv = matVec(matrix, v);
        const residual = Math.hypot(...hv.map((value, k) => value - pairs.values[i]! * v[k]!));
        expect(residual).to.be.closeTo(pairs.residuals[i]!, 1e-9);
        expect(Math.hypot(...v)).to.be.closeTo(1, 1e-12);
      }
    }
  });

  it('says so when they did not converge', async () => {
    using setting = await convbn('eval');
    using pairs = await eigenpairs(setting.operator, { k: 3, maxProducts: 6, which: 'smallest' });
    expect(pairs.allConverged).to.equal(false);
    expect(pairs.converged.filter(Boolean).length).to.be.below(3);
    expect(Math.max(...pairs.residuals)).to.be.above(pairs.tolerance);
  });

  it('starts from the vectors of a neighbour: no block of products with each, and fewer than from random vectors', async () => {
    using model = await loadModel(projectPath('examples/digits/digits.script.pt'), { dtype: 'float64' });
    const data = await loadNpz(projectPath('examples/digits/digits.npz'), {
      inputs: 'x_train',
      targets: 'y_train',
      scale: 1 / 16,
      limit: 128,
    });
    using loss = objective(model, data);
    using operator = hessian(loss);
    const options = { k: 4, tolerance: 1e-3, verify: false };
    using cold = await eigenpairs(operator, options);
    using warm = await eigenpairs(operator, { ...options, start: cold.vectors });
    expect(warm.allConverged).to.equal(true);
    expect(warm.numProducts).to.be.below(cold.numProducts);
    warm.values.forEach((value, i) => {
      expect(value).to.be.closeTo(cold.values[i]!, 1e-3 * cold.values[0]!);
    });
  });

  it('restarts where the basis is small, and finds the same pairs with a few more products', async () => {
    using setting = await convbn('eval');
    const exact = jacobiEigenvalues(golden('convbn.eval.hessian'));
    for (const [which, expected] of [
      ['largest', [exact.at(-1)!, exact.at(-2)!, exact.at(-3)!]],
      ['smallest', [exact[0]!, exact[1]!, exact[2]!]],
      ['both-ends', [exact.at(-1)!, exact.at(-2)!, exact[0]!]],
    ] as const) {
      using whole = await eigenpairs(setting.operator, { k: 3, which, seed: 2 });
      expect(whole.numRestarts).to.equal(0);
      for (const basisSize of [16, 8]) {
        using pairs = await eigenpairs(setting.operator, { k: 3, which, seed: 2, basisSize, verify: true });
        expect(pairs.allConverged, `${which} ${basisSize}`).to.equal(true);
        expect(pairs.numRestarts, `${which} ${basisSize}`).to.be.above(0);
        expect(pairs.basisSize).to.equal(basisSize);
        expect(pairs.basisBytes).to.equal(basisSize * 134 * 8);
        expected.forEach((value, i) => {
          expect(pairs.values[i], `${which} ${basisSize} ${i}`).to.be.closeTo(value, 1e-8 * exact.at(-1)!);
        });
        expect(pairs.numProducts).to.be.at.most(3 * whole.numProducts);
      }
    }
  });

  it('in blocks: a double eigenvalue comes twice, from a basis in host memory too', async () => {
    using model = await loadFixture('mlp');
    // 92 entries, the largest three times, the smallest twice.
    const entries = Float64Array.from({ length: 92 }, (_, i) => Math.max(-21, Math.min(67, i - 22)));
    using diagonal = await model.vector(entries);
    for (const basisPlacement of ['device', 'host'] as const) {
      for (const basisSize of [92, 24]) {
        const options = { k: 6, blockSize: 3, basisPlacement, basisSize, seed: 1, verify: true };
        using top = await eigenpairs(diagonalOperator(diagonal), { ...options, which: 'largest' });
        const expected = Array.from(entries)
          .sort((a, b) => b - a)
          .slice(0, 6);
        expect(top.allConverged).to.equal(true);
        top.values.forEach((value, i) => {
          expect(value, `${basisPlacement} ${basisSize} ${i}`).to.be.closeTo(expected[i]!, 1e-7);
        });
        // Orthonormal, the copies of one eigenvalue among themselves too.
        for (const [i, a] of top.vectors.entries()) {
          for (const [j, b] of top.vectors.entries())
            expect(await a.dot(b)).to.be.closeTo(i === j ? 1 : 0, 1e-10);
        }
      }
    }
  });

  it('started from eigenvectors that are not the wanted ones finds the wanted ones', async () => {
    using setting = await convbn('eval');
    using cold = await eigenpairs(setting.operator, { k: 4, which: 'largest', seed: 1 });
    const [first, second, third] = cold.vectors;
    for (const start of [[second!, third!], [first!, third!], [third!]]) {
      for (const tolerance of [1e-3, 1e-8]) {
        using pairs = await eigenpairs(setting.operator, { k: 2, which: 'largest', start, tolerance });
        expect(pairs.values[0]).to.be.closeTo(cold.values[0]!, 1e-2 * cold.values[0]!);
        expect(pairs.values[1]).to.be.closeTo(cold.values[1]!, 1e-2 * cold.values[0]!);
      }
    }
    const zero = await setting.model.vector(new Float64Array(134));
    await rejects(async () => eigenpairs(setting.operator, { start: [zero] }), 'ERR_DIRECTION', /start/);
    zero.dispose();
  });

  it('of low rank: no pair comes twice; as many pairs as there are parameters', async () => {
    using model = await loadFixture('mlp');
    for (const rank of [0, 1, 3, 92]) {
      using diagonal = await model.vector(
        Float64Array.from({ length: 92 }, (_, i) => (i < rank ? i - 1.5 : 0)),
      );
      const operator = diagonalOperator(diagonal);
      for (const k of [6, 92]) {
        using pairs = await eigenpairs(operator, { k, which: 'both-ends', verify: true });
        expect(pairs.vectors.length).to.equal(k);
        const sorted = Array.from(await diagonal.toArray()).sort((a, b) => b - a);
        const expected = [...sorted.slice(0, k / 2), ...sorted.slice(92 - k / 2).reverse()];
        pairs.values.forEach((value, i) => {
          expect(value, `rank ${rank}, k ${k}, ${i}`).to.be.closeTo(expected[i]!, 1e-8);
        });
        for (const [i, a] of pairs.vectors.slice(0, 6).entries())
          for (const [j, b] of pairs.vectors.slice(0, 6).entries())
            expect(await a.dot(b)).to.be.closeTo(i === j ? 1 : 0, 1e-9);
      }
    }
    using digits = await loadModel(projectPath('examples/digits/digits.script.pt'));
    using many = await digits.vector(Float32Array.from({ length: 1922 }, (_, i) => i));
    using top = await eigenpairs(diagonalOperator(many), { k: 310, which: 'largest', tolerance: 1e-2 });
    expect(top.values[0]).to.be.closeTo(1921, 1);
    using few = await eigenpairs(diagonalOperator(many), { k: 2, maxProducts: 2 });
    expect(few.allConverged).to.equal(false);
  });

  it('knows before it starts that a basis does not fit', async () => {
    using setting = await convbn('eval');
    let products = 0;
    const counted: LinearOperator = {
      space: setting.operator.space,
      size: 134,
      label: 'counted',
      apply: async (vectors, signal) => {
        products += vectors.length;
        return setting.operator.apply(vectors, signal);
      },
      provenance: async (startedAt) => setting.operator.provenance(startedAt),
    };
    const row = 134 * 8;
    await rejects(
      async () => eigenpairs(counted, { k: 4, memoryBudget: 5 * row }),
      'ERR_OUT_OF_MEMORY',
      /7 vectors of 134 numbers.*memoryBudget/,
    );
    await rejects(
      async () => eigenpairs(counted, { k: 4, basisSize: 5 }),
      'ERR_INVALID_OPTION',
      /at least 7/,
    );
    await rejects(
      async () => spectralDensity(counted, { steps: 50, memoryBudget: 10 * row }),
      'ERR_OUT_OF_MEMORY',
      /50 vectors/,
    );
    expect(products).to.equal(0);
    using tight = await eigenpairs(counted, { k: 2, memoryBudget: 12 * row });
    expect(tight.basisSize).to.equal(12);
    expect(tight.allConverged).to.equal(true);
  });

  it('same seed: same bits', async () => {
    using setting = await convbn('eval', 'float32');
    using a = await eigenpairs(setting.operator, { k: 3, seed: 9 });
    using b = await eigenpairs(setting.operator, { k: 3, seed: 9 });
    expect(Array.from(a.values)).to.deep.equal(Array.from(b.values));
    expect(Array.from(await a.vectors[2]!.toArray())).to.deep.equal(
      Array.from(await b.vectors[2]!.toArray()),
    );
  });
});

describe('spectral density', () => {
  expectNoLiveHandles();

  it('with m = n steps has the exact spectrum for nodes and the probe’s masses for weights', async () => {
    using setting = await convbn('train');
    const spectrum = await spectralDensity(setting.operator, { steps: 134, probes: 2, seed: 2 });
    const matrix = golden('convbn.train.hessian');
    const exact = jacobiEigenvalues(matrix);
    const scale = exact.at(-1)!;
    for (const [p, nodes] of spectrum.nodes.entries()) {
      // Eigenvalue 0 is multiple here (BatchNorm makes directions flat), so a probe sees it once.
      for (const node of nodes) {
        const distance = Math.min(...exact.map((value) => Math.abs(value - node)));
        if (spectrum.weights[p]![nodes.indexOf(node)]! > 1e-12) expect(distance).to.be.below(1e-9 * scale);
      }
      expect(spectrum.weights[p]!.reduce((sum, w) => sum + w, 0)).to.be.closeTo(1, 1e-12);
      // n Σ w λ = vᵀHv, and the same for two more moments, by dense products.
      using probe = await setting.model.randomVector('rademacher', 2, p);
      const v = await probe.toArray();
      let power = v;
      for (let moment = 1; moment <= 3; moment++) {
        power = matVec(matrix, power);
        const expected = v.reduce((sum, value, i) => sum + value * power[i]!, 0);
        const sum =
          134 * nodes.reduce((total, node, i) => total + node ** moment * spectrum.weights[p]![i]!, 0);
        expect(sum).to.be.closeTo(expected, 1e-10 * 134 * scale ** moment);
      }
    }
  });

  it('has the moments of the exact spectrum, within their intervals, in both modes', async () => {
    for (const mode of ['eval', 'train'] as const) {
      using setting = await convbn(mode);
      const exact = jacobiEigenvalues(golden(`convbn.${mode}.hessian`));
      const { nodes, weights } = await spectralDensity(setting.operator, { steps: 20, probes: 40, seed: 6 });
      for (let moment = 1; moment <= 4; moment++) {
        const samples = nodes.map((list, p) =>
          list.reduce((sum, x, i) => sum + weights[p]![i]! * x ** moment, 0),
        );
        const { value, standardError } = meanEstimate(samples, 0.95);
        const truth = exact.reduce((sum, x) => sum + x ** moment, 0) / exact.length;
        // 40 probes: 3.5 standard errors hold in 999 of 1000 cases; the error is far below the moment itself.
        expect(Math.abs(value - truth), `${mode}, moment ${moment}`).to.be.below(3.5 * standardError);
        const size = exact.reduce((sum, x) => sum + Math.abs(x) ** moment, 0) / exact.length;
        expect(standardError).to.be.below(0.3 * size);
      }
    }
  });

  it('probes side by side give what they give one after the other', async () => {
    using setting = await convbn('eval');
    const options = { steps: 20, probes: 5, seed: 3 };
    const alone = await spectralDensity(setting.operator, { ...options, probesPerPass: 1 });
    const together = await spectralDensity(setting.operator, { ...options, probesPerPass: 3 });
    expect(together.numProducts).to.equal(alone.numProducts);
    for (let p = 0; p < 5; p++) {
      expect(relativeError(together.nodes[p]!, alone.nodes[p]!)).to.be.below(1e-9);
      expect(relativeError(together.weights[p]!, alone.weights[p]!)).to.be.below(1e-6);
    }
    // A graph this small is multiplied in blocks by default; the same bits each time.
    expect(await setting.operator.takesBlocks()).to.equal(true);
    const [a, b] = [
      await spectralDensity(setting.operator, options),
      await spectralDensity(setting.operator, options),
    ];
    expect(a.nodes).to.deep.equal(b.nodes);
  });

  it('ends a probe at an invariant subspace: 12 eigenvalues, one of them double', async () => {
    using setting = await quadratic();
    const spectrum = await spectralDensity(setting.operator, { steps: 100, probes: 3 });
    for (const nodes of spectrum.nodes) {
      expect(nodes.length).to.equal(11);
      expect(nodes[0]).to.be.closeTo(-3, 1e-10);
      expect(nodes[10]).to.be.closeTo(10, 1e-10);
    }
    expect(spectrum.criteria.re.value).to.be.closeTo(0.3, 1e-10);
    expect(spectrum.numProducts).to.equal(33);
  });

  it('criteria equal their formulas on the probe’s exact masses', async () => {
    using setting = await quadratic();
    const spectrum = await spectralDensity(setting.operator, { steps: 12, probes: 4, seed: 8 });
    // The exact masses: squared overlaps of the probe with the eigenvectors, which come here from the library's own
    // eigenpairs and are checked against the matrix above.
    using all = await eigenpairs(setting.operator, { k: 12, which: 'smallest' });
    const kh: Record<number, number> = { 0.5: 0, 1: 0 };
    for (let p = 0; p < 4; p++) {
      using probe = await setting.model.randomVector('rademacher', 8, p);
      const masses = new Map<number, number>();
      for (const [i, vector] of all.vectors.entries()) {
        const key = Math.round(all.values[i]! * 1e6) / 1e6;
        masses.set(key, (masses.get(key) ?? 0) + (await vector.dot(probe)) ** 2 / 12);
      }
      for (const n of [0.5, 1]) {
        let [negative, positive] = [0, 0];
        for (const [value, mass] of masses) {
          if (value < -1e-9) negative += (-value * mass) ** n;
          if (value > 1e-9) positive += (value * mass) ** n;
        }
        kh[n]! += negative / positive / 4;
      }
    }
    expect(spectrum.criteria.kh1.value).to.be.closeTo(kh[1]!, 1e-7);
    expect(spectrum.criteria.kh05.value).to.be.closeTo(kh[0.5]!, 1e-3);
    expect(spectrum.criteria.kh1.low).to.be.below(spectrum.criteria.kh1.value);
    expect(spectrum.criteria.kh1.high).to.be.above(spectrum.criteria.kh1.value);
  });

  it('works on any linear operator', async () => {
    using model = await loadFixture('mlp');
    using diagonal = await model.vector(Float64Array.from({ length: 92 }, (_, i) => i - 30));
    const spectrum = await spectralDensity(diagonalOperator(diagonal), { steps: 92, probes: 1 });
    expect(spectrum.nodes[0]!.length).to.equal(92);
    spectrum.nodes[0]!.forEach((node, i) => {
      expect(node).to.be.closeTo(i - 30, 1e-9);
      expect(spectrum.weights[0]![i]).to.be.closeTo(1 / 92, 1e-9);
    });
    const one = { nodes: spectrum.nodes[0]!, weights: spectrum.weights[0]! };
    expect(khCriterion(one, 1)).to.be.closeTo((30 * 31) / (61 * 62), 1e-9);
  });

  it('renders to a density of integral 1', async () => {
    using setting = await convbn('eval');
    const spectrum = await spectralDensity(setting.operator, { steps: 30, probes: 3 });
    const curve = renderDensity(spectrum);
    const step = curve.x[1]! - curve.x[0]!;
    expect(curve.density.reduce((sum, d) => sum + d * step, 0)).to.be.closeTo(1, 1e-4);
    expect(
      curve.low!.every((low, i) => low <= curve.density[i]! && curve.high![i]! >= curve.density[i]!),
    ).to.equal(true);
  });
});

describe('trace', () => {
  expectNoLiveHandles();

  it('lies within its interval in about 95 % of 200 seeds', async function () {
    this.timeout(120_000);
    using setting = await convbn('eval');
    const matrix = golden('convbn.eval.hessian');
    const exact = Array.from({ length: 134 }, (_, i) => matrix[i * 134 + i]!).reduce((sum, x) => sum + x, 0);
    let inside = 0;
    for (let seed = 0; seed < 200; seed++) {
      const trace = await estimateTrace(setting.operator, { seed, minProbes: 8, maxProbes: 8 });
      if (trace.low <= exact && exact <= trace.high) inside++;
    }
    expect(inside / 200).to.be.within(0.9, 0.985);
  });

  it('the Frobenius norm converges to the dense one', async () => {
    using setting = await convbn('eval');
    const exact = Math.hypot(...golden('convbn.eval.hessian'));
    const trace = await estimateTrace(setting.operator, { minProbes: 400, maxProbes: 400, seed: 1 });
    expect(trace.frobeniusNorm! / exact).to.be.closeTo(1, 0.1);
    expect(trace.samples.length).to.equal(400);
  });

  it('a diagonal matrix is exact with the first probes, and stops there', async () => {
    using model = await loadFixture('mlp');
    using diagonal = await model.vector(Float64Array.from({ length: 92 }, (_, i) => i + 1));
    const trace = await estimateTrace(diagonalOperator(diagonal), { minProbes: 2 });
    expect(trace.value).to.be.closeTo((92 * 93) / 2, 1e-9);
    expect(trace.numProducts).to.equal(2);
    expect(trace.converged).to.equal(true);
  });
});

describe('float32 against float64', () => {
  expectNoLiveHandles();
  it('eigenvalues and trace agree to float32 accuracy', async () => {
    using single = await convbn('eval', 'float32');
    using double = await convbn('eval');
    using a = await eigenpairs(single.operator, { k: 3 });
    using b = await eigenpairs(double.operator, { k: 3 });
    expect(relativeError(a.values, b.values)).to.be.below(1e-4);
    const traces = await Promise.all(
      [single, double].map(async (s) => estimateTrace(s.operator, { seed: 3 })),
    );
    expect(traces[0]!.value).to.be.closeTo(traces[1]!.value, 1e-4 * Math.abs(traces[1]!.value));
  });
});
