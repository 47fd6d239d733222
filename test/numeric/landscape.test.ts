import { expect } from 'chai';
import {
  cosine,
  customDirection,
  hessian,
  hessianPlane,
  lossLine,
  lossSurface,
  objective,
  orthogonalize,
  randomDirection,
  randomPlane,
  type Normalization,
} from '../../dist/index.js';
import { rejects } from '../support/errors.js';
import { expectNoLiveHandles } from '../support/handles.js';
import { anyData, goldenData, loadFixture } from '../support/fixtures.js';
import { matVec, relativeError } from '../support/numbers.js';

describe('landscapes', () => {
  expectNoLiveHandles();

  it('of a quadratic are quadratics: L(θ + xd₁ + yd₂) to rounding', async () => {
    using model = await loadFixture('quadratic');
    using loss = objective(model, anyData(), { loss: 'model' });
    using theta = await model.theta();
    const [t, matrix] = [await theta.toArray(), await model.buffer('matrix')];
    using plane = await randomPlane(model, { normalization: 'none', seed: 3 });
    const [d1, d2] = [await plane.axes[0].vector.toArray(), await plane.axes[1].vector.toArray()];
    const surface = await lossSurface(loss, plane, {
      range: [-2, 2],
      points: 7,
      yRange: [-1, 0.5],
      yPoints: 4,
    });
    expect(surface.loss.length).to.equal(28);
    surface.y.forEach((y, j) => {
      surface.x.forEach((x, i) => {
        const point = t.map((value, k) => value + x * d1[k]! + y * d2[k]!);
        const expected = 0.5 * point.reduce((sum, value, k) => sum + value * matVec(matrix, point)[k]!, 0);
        expect(surface.loss[j * 7 + i]).to.be.closeTo(expected, 1e-12 * Math.max(1, Math.abs(expected)));
      });
    });
    expect(surface.accuracy).to.equal(null);
  });

  it('the centre cell is the model itself, bit for bit; other cells are other points', async () => {
    using model = await loadFixture('convbn', { dtype: 'float32' });
    for (const mode of ['eval', 'train'] as const) {
      using loss = objective(model, goldenData('convbn.eval.x', 'convbn.eval.y'), { mode });
      using plane = await randomPlane(model, { seed: 1 });
      const surface = await lossSurface(loss, plane, { points: 9 });
      expect(surface.checks.centerDifference).to.equal(0);
      expect(surface.loss[40]).to.equal(surface.modelLoss);
      expect(new Set(surface.loss).size).to.be.above(70);
      expect(surface.accuracy!.every((a) => a >= 0 && a <= 1)).to.equal(true);
    }
  });

  it('one point alone equals the same point in a grid; batches add up to the whole', async () => {
    using model = await loadFixture('convbn');
    const data = goldenData('convbn.eval.x', 'convbn.eval.y');
    using whole = objective(model, data);
    using parts = objective(model, data, { batchSize: 3 });
    using direction = await randomDirection(model, { seed: 2 });
    const line = await lossLine(whole, direction, { points: 11 });
    const same = await lossLine(parts, direction, { points: 11 });
    expect(relativeError(line.loss, same.loss)).to.be.below(1e-14);
    expect(Array.from(line.accuracy!)).to.deep.equal(Array.from(same.accuracy!));
    const alone = await lossLine(whole, direction, { points: 1, range: [0.4, 0.8] });
    expect(alone.loss[0]).to.equal(line.loss[8]);
  });

  it('keeps and counts non-finite cells', async () => {
    using model = await loadFixture('mlp', { dtype: 'float32' });
    using loss = objective(model, goldenData('mlp.x', 'mlp.y'), { loss: 'mse' });
    await rejects(async () => loss.evaluate(), 'ERR_CRITERION');
    using cross = objective(model, goldenData('mlp.x', 'mlp.y'));
    using direction = await randomDirection(model, { normalization: 'none', ignore: [] });
    const line = await lossLine(cross, direction, { range: [-1e38, 1e38], points: 5 });
    expect(line.checks.numNonFinite).to.be.above(0);
    expect(line.loss.filter((v) => !Number.isFinite(v)).length).to.equal(line.checks.numNonFinite);
    expect(Number.isFinite(line.loss[2])).to.equal(true);
  });

  it('Hessian axes are the eigenvectors; the second difference along them is λ‖d‖²', async () => {
    using model = await loadFixture('convbn');
    using loss = objective(model, goldenData('convbn.eval.x', 'convbn.eval.y'));
    using operator = hessian(loss);
    using plane = await hessianPlane(operator, { normalization: 'none' });
    expect(plane.axes[0].description.eigenvalue).to.be.above(plane.axes[1].description.eigenvalue!);
    expect(Math.abs(await cosine(plane.axes[0].vector, plane.axes[1].vector))).to.be.below(1e-9);
    for (const axis of plane.axes) {
      const h = 1e-4;
      const line = await lossLine(loss, axis, { range: [-h, h], points: 3 });
      const second = (line.loss[0]! - 2 * line.loss[1]! + line.loss[2]!) / h ** 2;
      expect(second).to.be.closeTo(axis.description.eigenvalue!, 1e-3 * axis.description.eigenvalue!);
    }
  });
});

describe('normalisation', () => {
  expectNoLiveHandles();

  // Written from the definitions, over plain arrays.
  const groups = (shape: readonly number[], kind: Normalization): [number, number][] => {
    const numel = shape.reduce((product, dim) => product * dim, 1);
    const count = kind === 'filter' && shape.length > 1 ? shape[0]! : 1;
    return Array.from({ length: count }, (_, g) => [(g * numel) / count, ((g + 1) * numel) / count]);
  };
  const norm = (x: Float64Array, order: number) =>
    order === 1 ? x.reduce((sum, v) => sum + Math.abs(v), 0) : Math.hypot(...x);

  for (const order of [1, 2] as const) {
    for (const kind of ['filter', 'layer', 'model', 'weight', 'none'] as const) {
      for (const ignore of [['bias', 'norm'], []] as const) {
        it(`${kind}, order ${order}, ${ignore.length > 0 ? 'without' : 'with'} bias and norm`, async () => {
          using model = await loadFixture('convbn');
          using theta = await model.theta();
          using raw = await model.randomVector('gaussian', 6);
          const made = await customDirection(raw, { normalization: kind, order, ignore });
          using vector = made.vector;
          const [w, d, got] = [await theta.toArray(), await raw.toArray(), await vector.toArray()];
          const expected = new Float64Array(d.length);
          const skip = (role: string) => (ignore as readonly string[]).includes(role);
          if (kind === 'model') {
            const [a, b] = [Float64Array.from(d), Float64Array.from(w)];
            for (const p of model.parameters) {
              if (!skip(p.role)) continue;
              a.fill(0, p.offset, p.offset + p.numel);
              b.fill(0, p.offset, p.offset + p.numel);
            }
            expected.set(a.map((v) => (v * norm(b, order)) / norm(a, order)));
          } else {
            for (const p of model.parameters) {
              if (skip(p.role)) continue;
              for (const [from, to] of groups(p.shape, kind)) {
                const a = d.subarray(p.offset + from, p.offset + to);
                const b = w.subarray(p.offset + from, p.offset + to);
                const factor = kind === 'none' || kind === 'weight' ? 1 : norm(b, order) / norm(a, order);
                expected.set(
                  a.map((v, i) => (kind === 'weight' ? v * b[i]! : v * factor)),
                  p.offset + from,
                );
              }
            }
          }
          expect(relativeError(got, expected)).to.be.below(1e-13);
          expect(made.description.norm).to.be.closeTo(Math.hypot(...expected), 1e-12 * made.description.norm);
        });
      }
    }
  }

  it('roles: convolution and linear weights, biases, BatchNorm', async () => {
    using model = await loadFixture('convbn');
    const roles = Object.fromEntries(model.parameters.map((p) => [p.name, p.role]));
    expect(roles).to.deep.equal({
      'conv1.weight': 'weight',
      'conv1.bias': 'bias',
      'bn1.weight': 'norm',
      'bn1.bias': 'norm',
      'conv2.weight': 'weight',
      'bn2.weight': 'norm',
      'bn2.bias': 'norm',
      'fc.weight': 'weight',
      'fc.bias': 'bias',
    });
  });

  it('tied weights count once', async () => {
    using model = await loadFixture('tied');
    expect(model.size).to.equal(16);
    expect(model.parameters.length).to.equal(1);
  });

  it('a direction that is zero is refused with the way out', async () => {
    using model = await loadFixture('mlp');
    using zero = await model.vector(new Float64Array(92));
    await rejects(async () => customDirection(zero), 'ERR_DIRECTION', /zero/);
  });
});

describe('random directions', () => {
  expectNoLiveHandles();

  it('the same seed gives the same draws in float32 and float64; other seeds and streams do not', async () => {
    using single = await loadFixture('mlp', { dtype: 'float32' });
    using double = await loadFixture('mlp');
    for (const law of ['gaussian', 'uniform', 'rademacher'] as const) {
      const draws: Float64Array[] = [];
      for (const [model, seed, stream] of [
        [single, 5, 0],
        [double, 5, 0],
        [double, 5, 1],
        [double, 6, 0],
      ] as const) {
        using vector = await model.randomVector(law, seed, stream);
        draws.push(await vector.toArray());
      }
      expect(Array.from(draws[0]!)).to.deep.equal(Array.from(draws[1]!, Math.fround));
      expect(relativeError(draws[2]!, draws[1]!)).to.be.above(0.5);
      expect(relativeError(draws[3]!, draws[1]!)).to.be.above(0.5);
    }
  });

  it('no two of 64 seeds × 16 streams share their draws', async () => {
    using model = await loadFixture('linear1');
    const seen = new Set<string>();
    for (let seed = 0; seed < 64; seed++) {
      for (let stream = 0; stream < 16; stream++) {
        using vector = await model.randomVector('gaussian', seed, stream);
        seen.add((await vector.toArray()).join());
      }
    }
    expect(seen.size).to.equal(64 * 16);
  });

  it('the axes of a random plane are orthogonal and still normalised', async () => {
    using model = await loadFixture('convbn');
    for (const normalization of ['filter', 'layer', 'model', 'none'] as const) {
      using plane = await randomPlane(model, { normalization, seed: 3 });
      expect(Math.abs(await cosine(plane.axes[0].vector, plane.axes[1].vector)), normalization).to.be.below(
        1e-6,
      );
      using again = await customDirection(plane.axes[1].vector, { normalization, ignore: ['bias', 'norm'] });
      const [a, b] = [await again.vector.toArray(), await plane.axes[1].vector.toArray()];
      if (normalization !== 'none') expect(relativeError(a, b), normalization).to.be.below(1e-12);
    }
  });

  it('orthogonalised means orthogonal', async () => {
    using model = await loadFixture('mlp');
    using a = await model.randomVector('uniform', 1);
    using b = await model.randomVector('uniform', 2);
    using c = await orthogonalize(a, b);
    expect(Math.abs(await cosine(c, b))).to.be.below(1e-15);
  });
});
