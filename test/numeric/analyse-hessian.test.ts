import { expect } from 'chai';
import {
  analyseHessian,
  combine,
  denseEigen,
  denseMatrix,
  eigenpairs,
  hessian,
  loadModel,
  loadNpz,
  objective,
  pyhessianEigenpairs,
  spectralDensity,
  trace,
  type AnalyseHessianOptions,
  type HessianAnalysis,
  type LinearOperator,
  type Progress,
  type SpectralDensity,
} from '../../dist/index.js';
import { rejects } from '../support/errors.js';
import { anyData, golden, goldenData, goldenNets, loadFixture, projectPath } from '../support/fixtures.js';
import { expectNoLiveHandles } from '../support/handles.js';
import { denseOperator, diagonalOperator, jacobiEigenvalues, matVec } from '../support/numbers.js';

const sum = (values: Iterable<number>) => Array.from(values).reduce((total, x) => total + x, 0);
const dot = (a: Float64Array, b: Float64Array) => a.reduce((total, x, i) => total + x * b[i]!, 0);

function traceOf(matrix: Float64Array): number {
  const n = Math.round(Math.sqrt(matrix.length));
  return sum(Array.from({ length: n }, (_, i) => matrix[i * n + i]!));
}

/** An operator that counts its products. */
class Counted implements LinearOperator {
  products = 0;
  /** Vectors of each call. */
  readonly calls: number[] = [];
  readonly label = 'counted';
  constructor(
    readonly inner: LinearOperator,
    readonly isBatched = false,
  ) {}
  get space(): LinearOperator['space'] {
    return this.inner.space;
  }
  get size(): number {
    return this.inner.size;
  }
  async takesBlocks(): Promise<boolean> {
    return Promise.resolve(this.isBatched);
  }
  async apply(...args: Parameters<LinearOperator['apply']>): ReturnType<LinearOperator['apply']> {
    this.products += args[0].length;
    this.calls.push(args[0].length);
    return this.inner.apply(...args);
  }
  async provenance(startedAt: number): ReturnType<LinearOperator['provenance']> {
    return this.inner.provenance(startedAt);
  }
}

/** All but when and how long. */
function values({ provenance: _, ...others }: SpectralDensity): Omit<SpectralDensity, 'provenance'> {
  return others;
}

function expectCounts(analysis: HessianAnalysis, operator: Counted): void {
  const { density, eigenpairs: pairs, trace: estimate, numProducts } = analysis;
  expect(numProducts).to.equal(operator.products);
  expect(density.numProducts + pairs.numProducts + estimate.numProducts).to.equal(numProducts);
}

describe('analyseHessian: density', () => {
  expectNoLiveHandles();

  it('is that of spectralDensity, bit for bit', async () => {
    for (const dtype of ['float64', 'float32'] as const) {
      using model = await loadFixture('convbn', { dtype });
      using loss = objective(model, goldenData('convbn.eval.x', 'convbn.eval.y'));
      using operator = hessian(loss);
      for (const options of [
        { steps: 20, probes: 5, seed: 3 },
        { steps: 20, probes: 5, seed: 3, probesPerPass: 1 },
        // The last pass has one probe.
        { steps: 33, probes: 7, seed: 4, probesPerPass: 3 },
        { steps: 1, probes: 6, seed: 5 },
        { steps: 134, probes: 2, seed: 6 },
        { steps: 40, probes: 1, seed: 7, confidence: 0.8, tailThreshold: 0.1 },
      ]) {
        using analysis = await analyseHessian(operator, { ...options, k: 3, which: 'both-ends' });
        expect(values(analysis.density)).to.deep.equal(values(await spectralDensity(operator, options)));
      }
    }
  });

  it('also where probes end in an invariant subspace', async () => {
    using model = await loadFixture('quadratic');
    using loss = objective(model, anyData(), { loss: 'model' });
    using operator = hessian(loss);
    using analysis = await analyseHessian(operator, { probes: 5, k: 12, which: 'smallest', seed: 2 });
    const expected = await spectralDensity(operator, { probes: 5, seed: 2 });
    expect(values(analysis.density)).to.deep.equal(values(expected));
    // The probe has one copy of the double eigenvalue; the search finds the other.
    golden('quadratic.eigenvalues').forEach((value, i) => {
      expect(analysis.eigenpairs.values[i]).to.be.closeTo(value, 1e-9);
    });
    expect(analysis.trace.value).to.be.closeTo(sum(golden('quadratic.eigenvalues')), 1e-9);
  });
});

describe('analyseHessian: eigenpairs', () => {
  expectNoLiveHandles();

  it('are those of the dense Hessian, and cost nothing where the probe has them', async () => {
    using model = await loadFixture('convbn');
    for (const mode of ['eval', 'train'] as const) {
      const matrix = golden(`convbn.${mode}.hessian`);
      const exact = jacobiEigenvalues(matrix);
      const ends = [exact.at(-1)!, exact.at(-2)!, exact.at(-3)!, exact[0]!, exact[1]!, exact[2]!];
      for (const steps of [80, 12, 2]) {
        const operator = new Counted(denseOperator(model.space, matrix));
        const options = { steps, probes: 6, k: 6, which: 'both-ends', seed: 4 } as const;
        using analysis = await analyseHessian(operator, options);
        expectCounts(analysis, operator);
        const pairs = analysis.eigenpairs;
        expect(pairs.allConverged, `${mode} ${steps}`).to.equal(true);
        expect(pairs.numProducts === 0, `${mode} ${steps}`).to.equal(steps === 80);
        for (const [i, vector] of pairs.vectors.entries()) {
          expect(pairs.values[i], `${mode} ${steps} ${i}`).to.be.closeTo(ends[i]!, 1e-8 * exact.at(-1)!);
          const v = await vector.toArray();
          const residual = Math.hypot(...matVec(matrix, v).map((x, j) => x - pairs.values[i]! * v[j]!));
          expect(residual).to.be.closeTo(pairs.residuals[i]!, 1e-9);
        }
        // What the probe has is not made again.
        using alone = await eigenpairs(operator, { k: 6, which: 'both-ends', seed: 4 });
        expect(pairs.numProducts).to.be.below(alone.numProducts - Math.min(steps, 20) + 5);
      }
    }
  });

  it('go on with thick restarts where the memory is short', async () => {
    using model = await loadFixture('convbn');
    const matrix = golden('convbn.eval.hessian');
    const exact = jacobiEigenvalues(matrix);
    const row = 134 * 8;
    const operator = new Counted(denseOperator(model.space, matrix));
    const options = { steps: 12, probes: 5, k: 3, which: 'largest', seed: 1 } as const;
    using analysis = await analyseHessian(operator, { ...options, memoryBudget: 26 * row });
    expectCounts(analysis, operator);
    expect(analysis.eigenpairs.basisSize).to.equal(14);
    expect(analysis.eigenpairs.basisBytes).to.equal(14 * row);
    expect(analysis.eigenpairs.numRestarts).to.be.above(0);
    expect(analysis.eigenpairs.allConverged).to.equal(true);
    for (let i = 0; i < 3; i++)
      expect(analysis.eigenpairs.values[i]).to.be.closeTo(exact.at(-1 - i)!, 1e-8 * exact.at(-1)!);
    expect(values(analysis.density)).to.deep.equal(
      values(await spectralDensity(operator, { steps: 12, probes: 5, seed: 1 })),
    );
    const { value, standardError } = analysis.trace;
    expect(Math.abs(value - traceOf(matrix))).to.be.below(4 * standardError);
    operator.products = 0;
    await rejects(
      async () => analyseHessian(operator, { ...options, memoryBudget: 24 * row }),
      'ERR_OUT_OF_MEMORY',
      /25 vectors/,
    );
    expect(operator.products).to.equal(0);
    // A single probe needs no second basis.
    using single = await analyseHessian(operator, { ...options, probes: 1, memoryBudget: 13 * row });
    expect(single.eigenpairs.basisSize).to.equal(13);
  });

  it('say so where they may not go on', async () => {
    using model = await loadFixture('convbn');
    const operator = new Counted(denseOperator(model.space, golden('convbn.eval.hessian')));
    const options = { steps: 8, probes: 5, k: 4, which: 'smallest', seed: 1, maxProducts: 0 } as const;
    using analysis = await analyseHessian(operator, options);
    expectCounts(analysis, operator);
    expect(analysis.numProducts).to.equal(40);
    expect(analysis.eigenpairs.allConverged).to.equal(false);
    expect(analysis.eigenpairs.values.length).to.equal(4);
    using verified = await analyseHessian(operator, { ...options, verify: true });
    expect(verified.eigenpairs.numProducts).to.equal(4);
    verified.eigenpairs.residuals.forEach((residual, i) => {
      expect(residual).to.be.closeTo(analysis.eigenpairs.residuals[i]!, 1e-9);
    });
    // Of rank 1 a probe has two pairs; more are looked for all the same.
    using diagonal = await model.vector(Float64Array.from({ length: 134 }, (_, i) => (i === 5 ? 3 : 0)));
    using few = await analyseHessian(diagonalOperator(diagonal), { ...options, k: 3 });
    expect(few.density.nodes[0]!.length).to.equal(2);
    [0, 0, 3].forEach((value, i) => {
      expect(few.eigenpairs.values[i]).to.be.closeTo(value, 1e-9);
    });
  });
});

/** An orthonormal basis of the Krylov space of `count` vectors, in plain float64. */
function krylovBasis(matrix: Float64Array, start: Float64Array, count: number): Float64Array[] {
  const basis: Float64Array[] = [];
  let next = start;
  while (basis.length < count) {
    for (let pass = 0; pass < 2; pass++)
      for (const q of basis) {
        const overlap = dot(q, next);
        next = next.map((x, i) => x - overlap * q[i]!);
      }
    const norm = Math.hypot(...next);
    basis.push(next.map((x) => x / norm));
    next = matVec(matrix, basis.at(-1)!);
  }
  return basis;
}

describe('analyseHessian: trace', () => {
  expectNoLiveHandles();

  it('of each probe is tr QᵀAQ + vᵀPAPv, Q of the first probe, without a product', async () => {
    for (const [net, file] of goldenNets) {
      using model = await loadFixture(file);
      const matrix = golden(`${net}.hessian`);
      const operator = new Counted(denseOperator(model.space, matrix), true);
      const options = { steps: 6, probes: 7, k: 1, maxProducts: 0, seed: 5, probesPerPass: 3 };
      using analysis = await analyseHessian(operator, options);
      expectCounts(analysis, operator);
      expect(analysis.numProducts).to.equal(42);
      expect(analysis.trace.method).to.equal('deflated');
      expect(analysis.trace.samples.length).to.equal(6);
      const probe = async (stream: number) => {
        using vector = await model.randomVector('rademacher', 5, stream);
        return await vector.toArray();
      };
      const q = krylovBasis(matrix, await probe(0), 6);
      const inside = sum(q.map((row) => dot(row, matVec(matrix, row))));
      for (let i = 0; i < 6; i++) {
        const v = await probe(i + 1);
        const rest = q.reduce((left, row) => {
          const overlap = dot(row, v);
          return left.map((x, j) => x - overlap * row[j]!);
        }, v);
        const expected = inside + dot(rest, matVec(matrix, rest));
        expect(analysis.trace.samples[i], `${net} ${i}`).to.be.closeTo(
          expected,
          1e-9 * Math.hypot(...matrix),
        );
      }
      expect(sum(analysis.trace.perParameter.map(({ value }) => value))).to.be.closeTo(
        analysis.trace.value,
        1e-9 * Math.hypot(...matrix),
      );
    }
  });

  it('is unbiased, and its 95 % interval covers, block by block too', async function () {
    this.timeout(240_000);
    const numSeeds = 200;
    let [inside, runs, blocksInside, blockRuns] = [0, 0, 0, 0];
    for (const [net, file] of goldenNets) {
      using model = await loadFixture(file);
      const matrix = golden(`${net}.hessian`);
      const n = model.size;
      const operator = denseOperator(model.space, matrix);
      const exact = traceOf(matrix);
      const blocks = model.parameters.map(({ offset, numel }) =>
        sum(Array.from({ length: numel }, (_, i) => matrix[(offset + i) * (n + 1)]!)),
      );
      const errors: number[] = [];
      for (let seed = 0; seed < numSeeds; seed++) {
        // 4 samples: from probes, and with one probe all by products of their own.
        const options: AnalyseHessianOptions = {
          steps: 5,
          probes: [1, 5, 9][seed % 3]!,
          k: 1,
          maxProducts: 0,
          seed,
        };
        using analysis = await analyseHessian(operator, options);
        const { value, low, high, perParameter } = analysis.trace;
        runs++;
        if (low <= exact && exact <= high) inside++;
        errors.push(value - exact);
        for (const [b, block] of perParameter.entries()) {
          const width = 1e-9 * Math.abs(blocks[b]!);
          blockRuns++;
          if (block.low - width <= blocks[b]! && blocks[b]! <= block.high + width) blocksInside++;
        }
      }
      const mean = sum(errors) / numSeeds;
      const scatter = Math.sqrt(sum(errors.map((x) => (x - mean) ** 2)) / (numSeeds - 1) / numSeeds);
      expect(Math.abs(mean), `${net}: bias`).to.be.below(3.5 * scatter);
    }

    expect(inside / runs, 'trace').to.be.within(0.92, 0.99);
    expect(blocksInside / blockRuns, 'blocks').to.be.within(0.9, 0.99);
  });

  it('goes on with a product a probe until the error that was asked for', async () => {
    using model = await loadFixture('convbn');
    const matrix = golden('convbn.eval.hessian');
    const operator = new Counted(denseOperator(model.space, matrix));
    const options = { steps: 6, probes: 5, k: 1, maxProducts: 0, seed: 3 };
    using free = await analyseHessian(operator, options);
    expect(free.trace.numProducts).to.equal(0);
    expect(free.trace.converged).to.equal(free.trace.standardError <= 0.05 * Math.abs(free.trace.value));
    operator.products = 0;
    using precise = await analyseHessian(operator, { ...options, relativeError: 0.1, maxTraceProbes: 2000 });
    expectCounts(precise, operator);
    const { converged, standardError, value, samples, numProducts } = precise.trace;
    expect(converged).to.equal(true);
    expect(standardError).to.be.at.most(0.1 * Math.abs(value));
    expect(samples.length).to.equal(4 + numProducts);
    expect(numProducts).to.be.above(0);
    expect(samples.subarray(0, 4)).to.deep.equal(free.trace.samples);
    expect(Math.abs(value - traceOf(matrix))).to.be.below(4 * standardError);
    using stopped = await analyseHessian(operator, { ...options, relativeError: 1e-9, maxTraceProbes: 9 });
    expect(stopped.trace.converged).to.equal(false);
    expect(stopped.trace.samples.length).to.equal(9);
    // Fewer than five probes: the missing samples cost a product each.
    operator.products = 0;
    using few = await analyseHessian(operator, { ...options, probes: 3 });
    expectCounts(few, operator);
    expect(few.trace.numProducts).to.equal(2);
    expect(few.trace.samples.length).to.equal(4);
  });

  it('is exact where the first probe sees the whole space', async () => {
    using model = await loadFixture('mlp');
    const entries = Float64Array.from({ length: 92 }, (_, i) => i - 30);
    using diagonal = await model.vector(entries);
    using analysis = await analyseHessian(diagonalOperator(diagonal), {
      steps: 92,
      probes: 5,
      k: 92,
      which: 'largest',
    });
    expect(analysis.trace.value).to.be.closeTo(sum(entries), 1e-9);
    expect(analysis.trace.standardError).to.be.below(1e-9);
    expect(analysis.eigenpairs.numProducts).to.equal(0);
    analysis.eigenpairs.values.forEach((value, i) => {
      expect(value).to.be.closeTo(61 - i, 1e-9);
    });
  });
});

describe('products of a trained net', () => {
  expectNoLiveHandles();

  it('five eigenpairs to 1e-6 take a fifth of power iteration’s products and less', async () => {
    using model = await loadModel(projectPath('examples/digits/digits.script.pt'), { dtype: 'float64' });
    const inputs = { inputs: 'x_train', targets: 'y_train', scale: 1 / 16, limit: 100 };
    using loss = objective(model, await loadNpz(projectPath('examples/digits/digits.npz'), inputs));
    using net = hessian(loss);
    // A Rayleigh quotient is as exact as the square of its residual.
    const rule = { tolerance: 1e-12, maxIterations: 2000 };
    using theirs = await pyhessianEigenpairs(net, { k: 5, seed: 1, ...rule });
    expect(theirs.stopped).to.deep.equal(Array(5).fill(true));
    const residuals: number[] = [];
    for (const [i, v] of theirs.vectors.entries()) {
      const [product] = await net.apply([v]);
      using own = product!;
      using rest = await combine([own, v], [1, -theirs.values[i]!]);
      residuals.push((await rest.norm()) / (await v.norm()));
    }
    using ours = await eigenpairs(net, { k: 5, tolerance: 1e-6, verify: false, seed: 1 });
    expect(ours.allConverged).to.equal(true);
    expect(Math.max(...residuals)).to.be.above(1e-6 * theirs.values[0]!);
    expect(theirs.numProducts / ours.numProducts).to.be.above(5);
    // And none where a probe of a density has them.
    using analysis = await analyseHessian(net, { steps: 40, probes: 1, k: 5, tolerance: 1e-6, seed: 1 });
    expect(analysis.eigenpairs.numProducts).to.equal(0);
    analysis.eigenpairs.values.forEach((value, i) => {
      expect(value).to.be.closeTo(ours.values[i]!, 1e-9 * ours.values[0]!);
    });
  });

  it('the trace to 1 % takes a twentieth of Hutchinson’s products and less, its top five eigenpairs included', async function () {
    this.timeout(300_000);
    using model = await loadModel(projectPath('examples/digits/digits.script.pt'), { dtype: 'float64' });
    const inputs = { inputs: 'x_train', targets: 'y_train', scale: 1 / 16, limit: 100 };
    using loss = objective(model, await loadNpz(projectPath('examples/digits/digits.npz'), inputs));
    using net = hessian(loss);
    const whole = await denseMatrix(net);
    const { values: matrix, size } = whole;
    const exact = traceOf(matrix);
    const squares = matrix.reduce((total, x) => total + x * x, 0);
    const diagonal2 = sum(Array.from({ length: size }, (_, i) => matrix[i * (size + 1)]! ** 2));
    const hutchinson = (2 * (squares - diagonal2)) / (0.01 * exact) ** 2;
    const options = { probes: 1, seed: 1, k: 5, relativeError: 0.01, maxTraceProbes: 1000 };
    const operator = new Counted(net);
    using analysis = await analyseHessian(operator, {
      ...options,
      steps: 30,
      which: 'largest',
      tolerance: 1e-6,
    });
    expectCounts(analysis, operator);
    expect(analysis.trace.converged).to.equal(true);
    expect(exact).to.be.within(analysis.trace.low, analysis.trace.high);
    expect(hutchinson / analysis.numProducts).to.be.above(20);
    const eigen = (await denseEigen(whole)).values;
    for (let i = 0; i < 5; i++) expect(analysis.eigenpairs.values[i]).to.be.closeTo(eigen.at(-1 - i)!, 1e-6);
  });
});

describe('analyseHessian: running', () => {
  expectNoLiveHandles();

  it('same seed, same bits; one frozen result', async () => {
    using model = await loadFixture('convbn', { dtype: 'float32' });
    using loss = objective(model, goldenData('convbn.eval.x', 'convbn.eval.y'));
    using operator = hessian(loss);
    const options = { steps: 10, probes: 6, k: 3, relativeError: 0.1, seed: 9 };
    using a = await analyseHessian(operator, options);
    using b = await analyseHessian(operator, options);
    expect(a.trace.samples).to.deep.equal(b.trace.samples);
    expect(a.eigenpairs.values).to.deep.equal(b.eigenpairs.values);
    for (const part of [a, a.density, a.eigenpairs, a.trace]) {
      expect(Object.isFrozen(part)).to.equal(true);
      expect(part.seed).to.equal(9);
      expect(part.provenance).to.equal(a.provenance);
    }
    expect(a.provenance.operator).to.equal('Hessian');
  });

  it('in float32 equals float64 as far as float32 goes', async () => {
    const results: HessianAnalysis[] = [];
    for (const dtype of ['float32', 'float64'] as const) {
      using model = await loadFixture('convbn', { dtype });
      using loss = objective(model, goldenData('convbn.eval.x', 'convbn.eval.y'));
      using operator = hessian(loss);
      using analysis = await analyseHessian(operator, { steps: 4, probes: 8, k: 1, maxProducts: 0, seed: 2 });
      results.push(analysis);
    }
    const [single, double] = results.map(({ trace: estimate }) => estimate);
    single!.samples.forEach((sample, i) => {
      expect(sample).to.be.closeTo(double!.samples[i]!, 1e-4 * Math.abs(double!.value));
    });
    expect(single!.standardError).to.be.closeTo(double!.standardError, 1e-3 * double!.standardError);
  });

  it('tells of its progress, and stops between products', async () => {
    using model = await loadFixture('convbn');
    const inner = denseOperator(model.space, golden('convbn.eval.hessian'));
    const said: Progress[] = [];
    const options = {
      steps: 8,
      probes: 5,
      k: 4,
      relativeError: 0.05,
      maxTraceProbes: 200,
      verify: true,
      seed: 1,
    };
    using analysis = await analyseHessian(inner, {
      ...options,
      onProgress: (progress) => said.push(progress),
    });
    const done = said.map((progress) => progress.done);
    expect(done).to.deep.equal([...done].sort((x, y) => x - y));
    expect(
      said.every((progress) => progress.label === 'hessian analysis' && progress.done <= progress.total),
    ).to.equal(true);
    expect(said.at(-1)!.done).to.equal(analysis.numProducts);
    expect(said.at(-1)!.total).to.equal(analysis.numProducts);
    for (const stopAt of [1, 9, 20, 40, 43, analysis.numProducts - 1]) {
      const operator = new Counted(inner);
      const controller = new AbortController();
      const onProgress = ({ done: count }: Progress) => {
        if (count === stopAt) controller.abort();
      };
      await analyseHessian(operator, { ...options, signal: controller.signal, onProgress }).then(
        () => expect.fail('was not stopped'),
        (error: unknown) => {
          expect((error as Error).name).to.equal('AbortError');
        },
      );
      expect(operator.products).to.equal(stopAt);
    }
  });

  it('lets go of everything where a product fails', async () => {
    using model = await loadFixture('convbn');
    const inner = denseOperator(model.space, golden('convbn.eval.hessian'));
    const options = {
      steps: 6,
      probes: 6,
      probesPerPass: 2,
      k: 4,
      relativeError: 0.05,
      verify: true,
      seed: 1,
    };
    using whole = await analyseHessian(inner, options);
    for (let failAt = 1; failAt <= whole.numProducts; failAt += 5) {
      const operator = new Counted(inner);
      const failing: LinearOperator = {
        space: operator.space,
        size: operator.size,
        label: 'failing',
        apply: async (vectors, signal) => {
          if (operator.products + vectors.length >= failAt) throw new RangeError('failed');
          return operator.apply(vectors, signal);
        },
        provenance: async (startedAt) => inner.provenance(startedAt),
      };
      await analyseHessian(failing, options).then(
        () => expect.fail('did not fail'),
        (error: unknown) => {
          expect(error).to.be.instanceOf(RangeError);
        },
      );
    }
    using infinite = await model.vector(Float64Array.from({ length: 134 }, (_, i) => (i === 3 ? NaN : 1)));
    await rejects(async () => analyseHessian(diagonalOperator(infinite), options), 'ERR_INVALID_DATA');
  });

  it('checks its options by name', async () => {
    using model = await loadFixture('mlp');
    using diagonal = await model.vector(new Float64Array(92));
    const operator = diagonalOperator(diagonal);
    const wrong = (options: object) => async () => analyseHessian(operator, options);
    await rejects(
      wrong({ probe: 3 }),
      'ERR_INVALID_OPTION',
      /analyseHessian: unknown option 'probe'.*'probes'/,
    );
    await rejects(wrong({ k: 0 }), 'ERR_INVALID_OPTION', /'k'/);
    await rejects(wrong({ which: 'top' }), 'ERR_INVALID_OPTION', /'which'/);
    await rejects(wrong({ relativeError: 0 }), 'ERR_INVALID_OPTION', /'relativeError'/);
    await rejects(wrong({ maxTraceProbes: 50 }), 'ERR_INVALID_OPTION', /'maxTraceProbes'.*relativeError/);
    await rejects(wrong({ basisSize: 50 }), 'ERR_INVALID_OPTION', /unknown option 'basisSize'/);
    await rejects(async () => analyseHessian({} as LinearOperator), 'ERR_INVALID_OPTION', /operator/);
    // A matrix of zeros has everything at 0.
    using zero = await analyseHessian(operator, { k: 2 });
    expect(zero.trace.value).to.equal(0);
    expect(Array.from(zero.eigenpairs.values)).to.deep.equal([0, 0]);
  });
});

describe('analyseHessian and trace', () => {
  expectNoLiveHandles();

  it('agree on a deflation by the same basis', async () => {
    using model = await loadFixture('convbn');
    const matrix = golden('convbn.eval.hessian');
    const operator = denseOperator(model.space, matrix);
    using analysis = await analyseHessian(operator, { steps: 6, probes: 41, k: 1, maxProducts: 0, seed: 1 });
    const other = await trace(operator, {
      method: 'deflated',
      lanczosSteps: 6,
      minProbes: 40,
      maxProbes: 40,
      seed: 2,
    });
    const spread = Math.hypot(analysis.trace.standardError, other.standardError);
    expect(Math.abs(analysis.trace.value - other.value)).to.be.below(3.5 * spread);
    expect(analysis.trace.standardError / other.standardError).to.be.within(0.5, 2);
  });
});
