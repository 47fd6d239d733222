import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import {
  basinDifference,
  basinVolume,
  dataset,
  hessian,
  denseMatrix,
  objective,
  randomDirection,
  Solution,
  type BasinVolume,
  type BasinVolumeOptions,
  type Dataset,
  type Model,
  type Objective,
} from '../../dist/index.js';
import { logGamma, logVolume } from '../../dist/geometry/log-volume.js';
import { Ray } from '../../dist/geometry/ray.js';
import { rejects } from '../support/errors.js';
import { anyData, goldenData, loadFixture } from '../support/fixtures.js';
import { expectNoLiveHandles } from '../support/handles.js';
import { matVec } from '../support/numbers.js';

/** A linear model at its minimum: L = ½(θ − θ*)ᵀA(θ − θ*) with A = (2/N)XᵀX. */
async function regression(scale = 1): Promise<{ model: Model; data: Dataset; matrix: Float64Array }> {
  const model = await loadFixture('linear1');
  using theta = await model.theta();
  const w = await theta.toArray();
  const [samples, n] = [9, w.length];
  const x = Float64Array.from(
    { length: samples * n },
    (_, k) => scale * Math.cos(1 + 3.7 * k + 0.37 * k * k),
  );
  const row = (i: number) => x.subarray(i * n, (i + 1) * n);
  const y = Float64Array.from({ length: samples }, (_, i) => row(i).reduce((s, v, k) => s + v * w[k]!, 0));
  const matrix = Float64Array.from({ length: n * n }, (_, k) => {
    const [i, j] = [Math.floor(k / n), k % n];
    let sum = 0;
    for (let r = 0; r < samples; r++) sum += row(r)[i]! * row(r)[j]!;
    return (2 / samples) * sum;
  });
  const data = dataset({
    inputs: { data: x, shape: [samples, n] },
    targets: { data: y, shape: [samples, 1] },
  });
  return { model, data, matrix };
}

/** uᵀAu of the unit vector along ray i. */
async function curvatureOf(model: Model, matrix: Float64Array, seed: number, i: number): Promise<number> {
  using direction = await randomDirection(model, { normalization: 'none', seed }, i);
  const d = await direction.vector.toArray();
  const norm2 = d.reduce((sum, v) => sum + v * v, 0);
  return d.reduce((sum, v, k) => sum + v * matVec(matrix, d)[k]!, 0) / norm2;
}

function determinant(matrix: Float64Array, n: number): number {
  const a = Float64Array.from(matrix);
  let product = 1;
  for (let p = 0; p < n; p++) {
    product *= a[p * n + p]!;
    for (let i = p + 1; i < n; i++) {
      const factor = a[i * n + p]! / a[p * n + p]!;
      for (let j = p; j < n; j++) a[i * n + j]! -= factor * a[p * n + j]!;
    }
  }
  return product;
}

const meanOf = (values: Float64Array) => values.reduce((sum, v) => sum + v, 0) / values.length;

describe('basin volume', () => {
  expectNoLiveHandles();

  it('radii of a quadratic are √(2c/uᵀAu), with at most 12 losses a ray at 1 %', async () => {
    const { model, data, matrix } = await regression();
    using _ = model;
    using loss = objective(model, data, { loss: 'mse' });
    for (const cutoff of [1e-6, 0.1, 40]) {
      const basin = await basinVolume(loss, { cutoff, rays: 40, seed: 5, maxRadius: 1e4 });
      for (const [i, radius] of basin.radii.entries()) {
        const exact = Math.sqrt((2 * cutoff) / (await curvatureOf(model, matrix, 5, i)));
        expect(radius).to.be.closeTo(exact, 1e-6 * exact);
        expect(basin.low[i]! <= exact && exact <= basin.high[i]!).to.equal(true);
        expect(basin.high[i]! / basin.low[i]!).to.be.at.most(1.01 + 1e-12);
      }
      expect(meanOf(basin.numEvaluations)).to.be.below(6);
      expect(Math.max(...basin.numEvaluations)).to.be.at.most(12);
      expect(basin.numCensored).to.equal(0);
    }
  });

  it('the volume of an ellipsoid, within its interval, and its parts by hand', async () => {
    const { model, data, matrix } = await regression();
    using _ = model;
    using loss = objective(model, data, { loss: 'mse' });
    const c = 0.2;
    const basin = await basinVolume(loss, { cutoff: c, rays: 600, seed: 1, confidence: 0.999 });
    const n = 5;
    // Γ(7/2) = 15√π/8
    const logGamma35 = Math.log((15 * Math.sqrt(Math.PI)) / 8);
    const exact = (n / 2) * Math.log(2 * Math.PI * c) - logGamma35 - 0.5 * Math.log(determinant(matrix, n));
    expect(basin.dimension).to.equal(n);
    expect(basin.logVolume.low).to.be.below(exact);
    expect(basin.logVolume.high).to.be.above(exact);
    expect(basin.logVolume.standardError).to.be.within(1e-3, 0.5);
    const terms = Array.from(basin.radii, (r) => r ** n);
    const sum = (list: number[]) => list.reduce((total, v) => total + v, 0);
    const byHand = (n / 2) * Math.log(Math.PI) - logGamma35 + Math.log(sum(terms) / terms.length);
    expect(basin.logVolume.value).to.be.closeTo(byHand, 1e-12);
    const effective = sum(terms) ** 2 / sum(terms.map((v) => v * v));
    expect(basin.effectiveSampleSize).to.be.closeTo(effective, 1e-9 * effective);
    const without = terms.map((v) => Math.log((sum(terms) - v) / (terms.length - 1)));
    const mean = sum(without) / without.length;
    const variance = ((terms.length - 1) / terms.length) * sum(without.map((v) => (v - mean) ** 2));
    expect(basin.logVolume.standardError).to.be.closeTo(Math.sqrt(variance), 1e-9);
  });

  it('rays of an indefinite quadratic that go down are censored, and count with the largest radius', async () => {
    using model = await loadFixture('quadratic');
    using loss = objective(model, anyData(), { loss: 'model' });
    using operator = hessian(loss);
    const { values } = await denseMatrix(operator);
    using zero = new Solution(
      'zero',
      await model.space.vector(new Float64Array(12)),
      await model.bufferState(),
    );
    const basin = await basinVolume(loss, { at: zero, cutoff: 2, rays: 60, maxRadius: 50, seed: 2 });
    let numCensored = 0;
    for (const [i, radius] of basin.radii.entries()) {
      const curvature = await curvatureOf(model, values, 2, i);
      const exact = curvature > 0 ? Math.sqrt(4 / curvature) : Infinity;
      if (exact > 50) {
        numCensored++;
        expect([radius, basin.low[i], basin.high[i]]).to.deep.equal([50, 50, Infinity]);
      } else expect(radius).to.be.closeTo(exact, 1e-6 * exact);
    }
    expect(numCensored).to.be.within(1, 30);
    expect(basin.numCensored).to.equal(numCensored);
    expect(basin.provenance.point).to.equal('zero');
  });

  it('filter-normalised, on loss and on accuracy: the brackets hold the first crossing', async () => {
    using model = await loadFixture('convbn');
    using loss = objective(model, goldenData('convbn.eval.x', 'convbn.eval.y'));
    const start = await loss.evaluate();
    const cutoffs = { loss: start.loss + 1, accuracy: start.accuracy! / 2 };
    for (const quantity of ['loss', 'accuracy'] as const) {
      const options: BasinVolumeOptions = { normalization: 'filter', cutoff: cutoffs[quantity], quantity };
      const basin = await basinVolume(loss, { ...options, rays: 12, seed: 3, maxRadius: 100 });
      expect(basin.dimension).to.be.below(model.size);
      expect(basin.ignored).to.deep.equal(['bias', 'norm']);
      using theta = await model.theta();
      for (const [i, low] of basin.low.entries()) {
        if (basin.high[i] === Infinity) continue;
        using direction = await randomDirection(model, { normalization: 'filter', seed: 3 }, i);
        const coefficients = Float64Array.of(low, basin.high[i]!);
        const [inside, outside] = await loss.evaluatePoints({
          origin: theta,
          directions: [direction.vector],
          coefficients,
          numPoints: 2,
        });
        const isInside = (value: typeof start) =>
          quantity === 'loss' ? value.loss <= cutoffs.loss : value.accuracy! >= cutoffs.accuracy;
        expect([isInside(inside!), isInside(outside!)]).to.deep.equal([true, false]);
      }
      expect(meanOf(basin.numEvaluations)).to.be.at.most(12);
    }
  });

  it('goes on after an abort as if nothing had been, and keeps rays apart by their numbers', async () => {
    const { model, data } = await regression();
    using _ = model;
    using loss = objective(model, data, { loss: 'mse' });
    const folder = mkdtempSync(join(tmpdir(), 'lossatlas-'));
    const resume = join(folder, 'basin.resume');
    const options = { cutoff: 0.3, rays: 20, seed: 4, raysPerPass: 6, resume };
    try {
      const { resume: _1, ...plain } = options;
      const whole = await basinVolume(loss, plain);
      const stop = new AbortController();
      const onProgress = ({ done }: { done: number }) => {
        if (done >= 12) stop.abort();
      };
      await rejects(
        async () => basinVolume(loss, { ...options, onProgress, signal: stop.signal }),
        'ERR_ABORTED',
      );
      const seen: number[] = [];
      const rest = await basinVolume(loss, { ...options, onProgress: ({ done }) => seen.push(done) });
      expect(seen).to.deep.equal([12, 18, 20]);
      const numbers = ({ radii, low, high, numEvaluations }: BasinVolume) => [
        radii,
        low,
        high,
        numEvaluations,
      ];
      expect(numbers(rest)).to.deep.equal(numbers(whole));
      using other = objective(model, data, { loss: 'mse', seed: 1 });
      for (const run of [
        async () => basinVolume(loss, { ...options, cutoff: 0.4 }),
        async () => basinVolume(loss, { ...options, seed: 5 }),
        // Of dropout.
        async () => basinVolume(other, options),
      ])
        await rejects(run, 'ERR_RESUME');
      const later = await basinVolume(loss, { cutoff: 0.3, rays: 5, seed: 4, firstRay: 15 });
      later.radii.forEach((radius, i) => {
        expect(radius).to.be.closeTo(whole.radii[15 + i]!, 1e-6 * radius);
      });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('weights that are not finite have no basin: the error names them', async () => {
    const { model, data } = await regression(1);
    using _ = model;
    using loss = objective(model, data, { loss: 'mse' });
    using own = await model.theta();
    using vector = await model.vector((await own.toArray()).fill(NaN, 0, 1));
    using buffers = await model.bufferState();
    const error = await rejects(
      async () => basinVolume(loss, { at: new Solution('broken', vector, buffers) }),
      'ERR_INVALID_DATA',
    );
    expect(error.message).to.match(/loss of 'broken' is NaN/);
  });

  it('compares two minima: halving the curvature’s scale moves the log-volume by n log 2', async () => {
    const [a, b] = [await regression(2), await regression(1)];
    using _ = a.model;
    using _1 = b.model;
    const measure = async ({ model, data }: { model: Model; data: Dataset }) => {
      using loss: Objective = objective(model, data, { loss: 'mse' });
      const basin = await basinVolume(loss, { cutoff: 0.3, rays: 50, seed: 1 });
      // Other data is another loss; here that is what is asked about.
      return { ...basin, provenance: { ...basin.provenance, dataHash: '' } };
    };
    const [steep, flat] = [await measure(a), await measure(b)];
    const { logVolume: difference, medianRadiusRatio, isBound } = basinDifference(steep, flat);
    expect(difference.value).to.be.closeTo(5 * Math.log(2), 1e-4);
    expect(difference.standardError).to.be.closeTo(
      Math.hypot(steep.logVolume.standardError, flat.logVolume.standardError),
      1e-12,
    );
    expect(medianRadiusRatio).to.be.closeTo(2, 1e-5);
    expect(isBound).to.equal(false);
    expect(() => basinDifference(steep, { ...flat, cutoff: 0.4 })).to.throw(/cutoff \(0.3 and 0.4\)/);
  });

  it('refuses a model that is beyond the cutoff, and accuracies where there are none', async () => {
    const { model, data } = await regression();
    using _ = model;
    using loss = objective(model, data, { loss: 'mse' });
    await rejects(async () => basinVolume(loss, { cutoff: -1 }), 'ERR_INVALID_OPTION');
    await rejects(async () => basinVolume(loss, { quantity: 'accuracy', cutoff: 0.5 }), 'ERR_INVALID_OPTION');
    using net = await loadFixture('convbn');
    using cross = objective(net, goldenData('convbn.eval.x', 'convbn.eval.y'));
    await rejects(async () => basinVolume(cross, { quantity: 'accuracy' }), 'ERR_INVALID_OPTION');
  });

  it('log Γ, and log-volumes of radii whose powers no double holds', () => {
    let factorial = 0;
    for (let n = 1; n <= 40; n++) {
      expect(logGamma(n)).to.be.closeTo(factorial, 1e-13 * Math.max(1, factorial));
      factorial += Math.log(n);
    }
    expect(logGamma(0.5)).to.be.closeTo(0.5 * Math.log(Math.PI), 1e-14);
    const n = 1e6;
    const { volume, effectiveSampleSize } = logVolume([0.5, 2, 2], n, 0.95);
    const ball = (n / 2) * Math.log(Math.PI) - logGamma(1 + n / 2);
    expect(volume.value).to.be.closeTo(ball + n * Math.log(2) + Math.log(2 / 3), 1e-6);
    expect(effectiveSampleSize).to.be.closeTo(2, 1e-9);
    // Leaving out either of the two that matter: log(1/2) instead of log(2/3); the other: 0.
    const jackknife = [Math.log(1 / 2), Math.log(1 / 2), 0];
    const mean = (2 * jackknife[0]!) / 3;
    const variance = (2 / 3) * jackknife.reduce((sum, v) => sum + (v - mean) ** 2, 0);
    expect(volume.standardError).to.be.closeTo(Math.sqrt(variance), 1e-6);
  });

  it('rays that go down far at first take at most 12 losses too', () => {
    // As those of LeNet5: 300 times the first guess.
    const of = (t: number) => ((t - 20) / 20) ** 4 - 1;
    const ray = new Ray({ guess: 0.17, precision: 0.01, maxRadius: 1000 });
    while (!ray.isDone) {
      const t = ray.next();
      const value = of(t);
      ray.take(t, { isOutside: !(value <= 1), ratio: value });
    }
    expect(ray.radius).to.be.closeTo(20 + 20 * 2 ** 0.25, 0.45);
    expect(ray.numEvaluations).to.be.at.most(12);
  });

  it('rays of losses that are no power of the radius', () => {
    const losses: Record<string, (t: number) => number> = {
      exponential: (t) => Math.expm1(t),
      cliff: (t) => (t > 3.7 ? 1e9 : 0.001 * t),
      explosion: (t) => (t > 0.02 ? NaN : 0),
      plateau: (t) => (t < 50 ? 0 : (t - 50) ** 2),
      valley: (t) => (t - 1) ** 2 - 1,
      steps: (t) => Math.floor(5 * t) / 5,
    };
    const crossings = {
      exponential: Math.log(2),
      cliff: 3.7,
      explosion: 0.02,
      plateau: 51,
      valley: 1 + Math.SQRT2,
      steps: 1.2,
    };
    for (const [name, of] of Object.entries(losses)) {
      for (const guess of [1e-3, 0.1, 1]) {
        const ray = new Ray({ guess, precision: 0.01, maxRadius: 1000 });
        while (!ray.isDone) {
          const t = ray.next();
          const value = of(t);
          ray.take(t, { isOutside: !(value <= 1), ratio: value });
        }
        const exact = crossings[name as keyof typeof crossings];
        expect(ray.low <= exact && exact <= ray.high, `${name} from ${guess}`).to.equal(true);
        expect(ray.radius).to.be.closeTo(exact, 0.0101 * exact);
        expect(ray.numEvaluations, `${name} from ${guess}`).to.be.at.most(30);
      }
    }
  });
});
