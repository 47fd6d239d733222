import { expect } from 'chai';
import {
  countEigenvalues,
  dataset,
  eigenpairs,
  hessian,
  denseMatrix,
  objective,
  sharpness,
  Solution,
  spectralDensity,
  type BracketedEstimate,
  type Eigenpairs,
  type Model,
} from '../../dist/index.js';
import { maximizeInBox } from '../../dist/geometry/box-ascent.js';
import { solveSymmetric } from '../../dist/geometry/solve-symmetric.js';
import { rejects } from '../support/errors.js';
import { anyData, goldenData, loadFixture } from '../support/fixtures.js';
import { expectNoLiveHandles } from '../support/handles.js';
import { matVec, relativeError } from '../support/numbers.js';

const dot = (a: Float64Array, b: Float64Array) => a.reduce((sum, value, i) => sum + value * b[i]!, 0);
const norm = (a: Float64Array) => Math.sqrt(dot(a, a));

/** |wx + 1000|, which is linear around the model: its gradient is the mean of the inputs. */
function linear(model: Model) {
  const [samples, n] = [7, model.size];
  const x = Float64Array.from({ length: samples * n }, (_, k) => Math.cos(1 + 3.7 * k + 0.37 * k * k));
  const data = dataset({
    inputs: { data: x, shape: [samples, n] },
    targets: { data: new Float64Array(samples).fill(-1000), shape: [samples, 1] },
  });
  const gradient = Float64Array.from({ length: n }, (_, j) => {
    let sum = 0;
    for (let i = 0; i < samples; i++) sum += x[i * n + j]!;
    return sum / samples;
  });
  return { loss: objective(model, data, { loss: 'l1' }), gradient };
}

describe('sharpness', () => {
  expectNoLiveHandles();

  it('of a linear loss: Keskar’s in the full space and in a random subspace, SAM and ASAM', async () => {
    using model = await loadFixture('linear1');
    const { loss: made, gradient: g } = linear(model);
    using loss = made;
    using vector = await model.theta();
    const theta = await vector.toArray();
    const result = await sharpness(loss, { epsilons: [1e-3, 0.5], subspaceSize: 3, seed: 6 });
    const { modelLoss: L } = result;
    const columns: Float64Array[] = [];
    for (let i = 0; i < 3; i++) {
      using column = await model.randomVector('gaussian', 6, i);
      columns.push(await column.toArray());
    }
    const gram = columns.map((a, i) => Float64Array.from(columns.slice(0, i + 1), (b) => dot(a, b)));
    const coordinates = solveSymmetric(
      gram,
      Float64Array.from(columns, (a) => dot(a, theta)),
    );
    // Aᵀ(Ay − θ) = 0 at the least squares solution.
    const rest = theta.map((v, i) => columns.reduce((sum, a, k) => sum + a[i]! * coordinates[k]!, 0) - v);
    for (const a of columns) expect(Math.abs(dot(a, rest))).to.be.below(1e-12);
    const full = g.reduce((sum, v, i) => sum + Math.abs(v) * (Math.abs(theta[i]!) + 1), 0);
    const inSubspace = columns.reduce(
      (sum, a, k) => sum + Math.abs(dot(a, g)) * (Math.abs(coordinates[k]!) + 1),
      0,
    );
    expect(result.keskar.map(({ epsilon, subspaceSize }) => [epsilon, subspaceSize])).to.deep.equal([
      [1e-3, null],
      [0.5, null],
      [1e-3, 3],
      [0.5, 3],
    ]);
    for (const { epsilon, subspaceSize, value, isStationary, numEvaluations } of result.keskar) {
      const exact = (100 * epsilon * (subspaceSize === null ? full : inSubspace)) / (1 + L);
      expect(value).to.be.closeTo(exact, 1e-9 * exact);
      expect([isStationary, numEvaluations]).to.deep.equal([true, 1]);
    }
    expect(result.sam.value).to.be.closeTo(0.05 * norm(g), 1e-10);
    const scaled = theta.map((v, i) => v * g[i]!);
    expect(result.asam.value).to.be.closeTo(2 * norm(scaled), 1e-10);
  });

  it('of an indefinite quadratic: SAM, ASAM and the averages by hand', async () => {
    using model = await loadFixture('quadratic');
    using loss = objective(model, anyData(), { loss: 'model' });
    using vector = await model.theta();
    const [theta, matrix] = [await vector.toArray(), await model.buffer('matrix')];
    const at = (point: Float64Array) => 0.5 * dot(point, matVec(matrix, point));
    const moved = (d: Float64Array, factor: number) => theta.map((v, i) => v + factor * d[i]!);
    const result = await sharpness(loss, {
      rho: 0.3,
      adaptiveRho: 0.7,
      subspaceSize: 0,
      samples: 11,
      seed: 2,
    });
    const g = matVec(matrix, theta);
    expect(result.gradientNorm).to.be.closeTo(norm(g), 1e-12 * norm(g));
    expect(result.sam.value).to.be.closeTo(at(moved(g, 0.3 / norm(g))) - at(theta), 1e-11);
    const tg = theta.map((v, i) => v * g[i]!);
    const ttg = theta.map((v, i) => v * tg[i]!);
    expect(result.asam.value).to.be.closeTo(at(moved(ttg, 0.7 / norm(tg))) - at(theta), 1e-10);
    expect(result.average.samples.length).to.equal(11);
    for (const [i, rise] of result.average.samples.entries()) {
      using random = await model.randomVector('gaussian', 2, 2 ** 24 + i);
      const u = await random.toArray();
      expect(rise).to.be.closeTo(at(moved(u, 0.3 / norm(u))) - at(theta), 1e-11);
      const tu = theta.map((v, k) => v * u[k]!);
      expect(result.adaptiveAverage.samples[i]).to.be.closeTo(
        at(moved(tu, 0.7 / norm(u))) - at(theta),
        1e-11,
      );
    }
    expect(result.average.value).to.be.closeTo(
      dot(result.average.samples, new Float64Array(11).fill(1)) / 11,
      1e-12,
    );
  });

  it('the average over random directions tends to ρ²·tr A / 2n at a stationary point', async () => {
    using model = await loadFixture('quadratic');
    using loss = objective(model, anyData(), { loss: 'model' });
    using zero = new Solution(
      'zero',
      await model.space.vector(new Float64Array(12)),
      await model.bufferState(),
    );
    const options = { at: zero, rho: 0.4, samples: 400, subspaceSize: 0, confidence: 0.999 };
    const { average, sam } = await sharpness(loss, options);
    const matrix = await model.buffer('matrix');
    const trace = Array.from({ length: 12 }, (_, i) => matrix[13 * i]!).reduce((a, b) => a + b);
    const exact = (0.16 * trace) / 24;
    expect(average.low).to.be.below(exact);
    expect(average.high).to.be.above(exact);
    expect(average.high - average.low).to.be.below(exact);
    // No gradient, no way to go.
    expect(sam.value).to.equal(0);
  });

  it('Keskar’s maximum of a quadratic is the best corner of the box, where the box is small', async () => {
    using model = await loadFixture('quadratic');
    using loss = objective(model, anyData(), { loss: 'model' });
    using vector = await model.theta();
    const [theta, matrix] = [await vector.toArray(), await model.buffer('matrix')];
    const { keskar } = await sharpness(loss, { epsilons: [0.01], subspaceSize: 0 });
    const g = matVec(matrix, theta);
    const bounds = theta.map((v) => 0.01 * (Math.abs(v) + 1));
    let best = -Infinity;
    for (let corner = 0; corner < 4096; corner++) {
      const y = bounds.map((b, i) => ((corner >> i) & 1 ? b : -b));
      best = Math.max(best, dot(g, y) + 0.5 * dot(y, matVec(matrix, y)));
    }
    const L = 0.5 * dot(theta, g);
    expect(keskar[0]!.maxLoss - L).to.be.closeTo(best, 1e-2 * best);
    expect(keskar[0]!.value).to.be.closeTo((100 * (keskar[0]!.maxLoss - L)) / (1 + L), 1e-10);
  });

  it('a maximum inside the box is found, and what is not finite is none', async () => {
    const target = Float64Array.of(0.2, -0.5);
    const value = (y: Float64Array) => 3 - (y[0]! - 0.2) ** 2 - 4 * (y[1]! + 0.5) ** 2;
    const slope = (y: Float64Array) => Float64Array.of(-2 * (y[0]! - 0.2), -8 * (y[1]! + 0.5));
    const zero = new Float64Array(2);
    const problem = {
      bounds: Float64Array.of(1, 2),
      start: { loss: value(zero), gradient: slope(zero) },
      lossAt: async (y: Float64Array) => Promise.resolve(Math.abs(y[0]!) === 1 ? NaN : value(y)),
      gradientAt: async (y: Float64Array) => Promise.resolve(slope(y)),
    };
    const found = await maximizeInBox(problem, 60);
    expect(found.loss).to.be.closeTo(value(target), 1e-3);
    expect((await maximizeInBox(problem, 3)).isStationary).to.equal(false);
  });

  it('conv+BN keeps its statistics, and sharper boxes are higher', async () => {
    using model = await loadFixture('convbn');
    for (const mode of ['eval', 'train'] as const) {
      using loss = objective(model, goldenData('convbn.eval.x', 'convbn.eval.y'), { mode });
      const before = await loss.evaluate();
      const { keskar } = await sharpness(loss, { epsilons: [1e-2, 1e-3], subspaceSize: 10, samples: 3 });
      expect(keskar[0]!.value).to.be.above(keskar[1]!.value);
      expect(keskar.every(({ value }) => value >= 0)).to.equal(true);
      expect(await loss.evaluate()).to.deep.equal(before);
    }
  });

  it('aborts, and refuses what it does not know', async () => {
    using model = await loadFixture('quadratic');
    using loss = objective(model, anyData(), { loss: 'model' });
    const stop = new AbortController();
    stop.abort();
    await rejects(async () => sharpness(loss, { signal: stop.signal }), 'ERR_ABORTED');
    await rejects(async () => sharpness(loss, { epsilons: [0] }), 'ERR_INVALID_OPTION');
    const more = model.size + 1;
    await rejects(async () => sharpness(loss, { subspaceSize: more }), 'ERR_INVALID_OPTION');
    expect(() => countEigenvalues({ thresholds: [1] })).to.throw(/'density' or 'eigenpairs'/);
  });
});

describe('sharpness of what is not finite', () => {
  expectNoLiveHandles();

  it('is an error, not 0', async () => {
    using model = await loadFixture('mlp');
    using loss = objective(model, goldenData('mlp.x', 'mlp.y'));
    using own = await model.theta();
    const theta = await own.toArray();
    theta[3] = NaN;
    using vector = await model.vector(theta);
    using buffers = await model.bufferState();
    const at = new Solution('broken', vector, buffers);
    const error = await rejects(async () => sharpness(loss, { at }), 'ERR_INVALID_DATA');
    expect(error.message).to.contain('broken');
  });

  it('aborts between the vectors of a subspace', async () => {
    using model = await loadFixture('mlp', { dtype: 'float64' });
    using loss = objective(model, goldenData('mlp.x', 'mlp.y'));
    const stop = new AbortController();
    const { signal } = stop;
    let done = 0;
    const onProgress = (progress: { readonly done: number }) => {
      done = progress.done;
      // Two steps along the gradient and one box come before.
      if (done >= 5) stop.abort();
    };
    const options = { epsilons: [1e-3], subspaceSize: 40, signal, onProgress };
    await rejects(async () => sharpness(loss, options), 'ERR_ABORTED');
    expect(done).to.be.within(5, 10);
  });
});

describe('counts of eigenvalues', () => {
  expectNoLiveHandles();

  it('of a known spectrum: full quadrature gives masses in expectation, brackets hold the probes’ own', async () => {
    using model = await loadFixture('quadratic');
    using loss = objective(model, anyData(), { loss: 'model' });
    using operator = hessian(loss);
    // −3, −1, −0.25, 0, 0.01, 0.5, 0.5, 1, 2, 4, 7, 10
    const density = await spectralDensity(operator, { steps: 12, probes: 40, seed: 1 });
    using pairs = await eigenpairs(operator, { k: 6, which: 'both-ends' });
    const thresholds = [-2, 0.25, 3, 5];
    const counts = countEigenvalues({ density, eigenpairs: pairs, thresholds, confidence: 0.999 });
    const exact = [
      [11, 1],
      [7, 5],
      [3, 9],
      [2, 10],
    ];
    counts.forEach(({ above, below, massAbove, massBelow }, i) => {
      for (const [count, mass, truth] of [
        [above!, massAbove!, exact[i]![0]!],
        [below!, massBelow!, exact[i]![1]!],
      ] as [BracketedEstimate, BracketedEstimate, number][]) {
        expect(count.value).to.be.closeTo(12 * mass.value, 1e-12);
        expect(count.low).to.be.at.most(truth);
        expect(count.high).to.be.at.least(truth);
      }
      expect(above!.value + below!.value).to.be.closeTo(12, 1e-9);
    });
    // Top 10, 7, 4; bottom −3, −1, −0.25.
    // What is settled on one side is on the other, of 12.
    expect(counts.map(({ knownAbove, knownBelow }) => [knownAbove, knownBelow])).to.deep.equal([
      [11, 1],
      [null, null],
      [null, null],
      [2, 10],
    ]);
    expect((await denseMatrix(operator)).size).to.equal(12);
  });

  it('what eigenpairs settle, by which end they are of', () => {
    const pairs = (which: Eigenpairs['which'], values: number[], residual = 0) =>
      ({
        kind: 'eigenpairs',
        which,
        values: Float64Array.from(values),
        residuals: new Float64Array(values.length).fill(residual),
      }) as unknown as Eigenpairs;
    const known = (list: Eigenpairs, threshold: number) => {
      const [count] = countEigenvalues({ eigenpairs: list, thresholds: [threshold] });
      expect(count!.above).to.equal(null);
      return [count!.knownAbove, count!.knownBelow];
    };
    expect(known(pairs('largest', [5, 3, 1]), 2)).to.deep.equal([2, null]);
    expect(known(pairs('largest', [5, 3, 1]), 0.5)).to.deep.equal([null, null]);
    expect(known(pairs('smallest', [-5, -3, 1]), 0)).to.deep.equal([null, 2]);
    expect(known(pairs('largest-magnitude', [5, -4, 1]), 2)).to.deep.equal([1, null]);
    expect(known(pairs('largest-magnitude', [5, -4, 1]), -2)).to.deep.equal([null, 1]);
    // A residual that reaches the threshold leaves it open.
    expect(known(pairs('largest', [5, 3, 1], 1.5), 2)).to.deep.equal([null, null]);
  });
});

describe('Cholesky', () => {
  it('solves a positive definite system', () => {
    const rows = [Float64Array.of(4), Float64Array.of(2, 5), Float64Array.of(1, 3, 6)];
    const x = Float64Array.of(1, -2, 3);
    const b = Float64Array.of(4 - 4 + 3, 2 - 10 + 9, 1 - 6 + 18);
    expect(relativeError(solveSymmetric(rows, b), x)).to.be.below(1e-14);
  });
});
