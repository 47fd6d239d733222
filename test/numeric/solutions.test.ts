import { expect } from 'chai';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  adamPlane,
  allModes,
  combine,
  cosine,
  customDirection,
  dataset,
  gradientDirection,
  hessian,
  hessianPlane,
  interpolate,
  landscapeAtlas,
  loadMetric,
  loadModel,
  loadMoments,
  loadPlane,
  loadSolution,
  loadVector,
  lossLine,
  lossSurface,
  objective,
  ownSolution,
  projectTrajectory,
  randomPlane,
  savePlane,
  saveVector,
  subspace,
  Solution,
  threePointPlane,
  trajectoryPlane,
  type Model,
} from '../../dist/index.js';
import { rejects } from '../support/errors.js';
import { anyData, fixture, goldenData, loadFixture } from '../support/fixtures.js';
import { goldenFile } from '../support/golden-file.js';
import { expectNoLiveHandles } from '../support/handles.js';
import { dense, matVec, relativeError } from '../support/numbers.js';

const golden = goldenFile('landscapes.npz');
const data = goldenData('convbn.eval.x', 'convbn.eval.y');
const column = (name: string, index: number, width: number) =>
  golden.get(name).filter((_, i) => i % width === index);

async function shifted(model: Model, label: string, change: (i: number) => number): Promise<Solution> {
  using theta = await model.theta();
  const values = (await theta.toArray()).map((value, i) => value + change(i));
  return new Solution(label, await model.vector(values), await model.bufferState());
}

describe('points between solutions', () => {
  expectNoLiveHandles();

  it('interpolation with running statistics equals PyTorch', async () => {
    using model = await loadFixture('convbn');
    using from = await ownSolution(model);
    using to = await loadSolution(model, fixture('convbn_adam.pt'));
    using loss = objective(model, data);
    const line = await interpolate(loss, from, to, { points: 9 });
    expect(relativeError(line.loss, column('interpolation', 0, 2))).to.be.below(1e-12);
    expect(Array.from(line.accuracy!)).to.deep.equal(Array.from(column('interpolation', 1, 2)));
    expect(line.solutions.map((s) => [s.label, s.coordinates[0]])).to.deep.equal([
      ['convbn.pt', 0],
      ['convbn_adam.pt', 1],
    ]);
    expect(line.checks.centerDifference).to.equal(0);
    const kept = await interpolate(loss, from, to, { points: 9, states: false });
    expect(relativeError(kept.loss, line.loss)).to.be.above(1e-3);
    expect(kept.loss[2]).to.equal(line.loss[2]);
  });

  it('a surface at another solution has that solution at its centre', async () => {
    using model = await loadFixture('convbn');
    using there = await loadSolution(model, fixture('convbn_adam.pt'));
    using loss = objective(model, data);
    using plane = await randomPlane(model, { seed: 1, at: there });
    const surface = await lossSurface(loss, plane, { points: 3, at: there });
    expect(surface.loss[4]).to.be.closeTo(column('interpolation', 0, 2)[6]!, 1e-12);
    expect(surface.provenance.point).to.equal('convbn_adam.pt');
    // The reference of the norms is that solution.
    expect(plane.axes[0].description.relativeNorm).to.be.within(0.5, 1);
  });

  it('the plane through three solutions passes through them, running statistics included', async () => {
    using model = await loadFixture('convbn');
    using a = await ownSolution(model, 'a');
    using b = await loadSolution(model, fixture('convbn_adam.pt'), { label: 'b' });
    using c = await shifted(model, 'c', (i) => Math.sin(i));
    using loss = objective(model, data);
    using plane = await threePointPlane(a, b, c);
    const [d1, d2] = plane.axes;
    expect(await d1.vector.norm()).to.be.closeTo(1, 1e-12);
    expect(await d2.vector.norm()).to.be.closeTo(1, 1e-12);
    expect(Math.abs(await cosine(d1.vector, d2.vector))).to.be.below(1e-13);
    for (const [i, solution] of [a, b, c].entries()) {
      const [x, y] = plane.solutions[i]!.coordinates as unknown as [number, number];
      using point = await combine([a.theta, d1.vector, d2.vector], [1, x, y]);
      expect(relativeError(await point.toArray(), await solution.theta.toArray())).to.be.below(1e-13);
      const near = 1e-9;
      const surface = await lossSurface(loss, plane, {
        range: [x - near, x + near],
        yRange: [y - near, y + near],
        points: 3,
      });
      const there = await loss.evaluate(solution.theta, undefined, solution.buffers);
      expect(surface.loss[4]).to.be.closeTo(there.loss, 1e-11);
    }
    await rejects(async () => threePointPlane(a, b, a), 'ERR_DIRECTION', /line/);
    using half = new Solution(
      'half',
      await combine([a.theta, b.theta], [0.5, 0.5]),
      await model.bufferState(),
    );
    await rejects(async () => threePointPlane(a, b, half), 'ERR_DIRECTION', /line/);
  });

  it('a path in a plane is found by its principal components, with nothing left over', async () => {
    using model = await loadFixture('quadratic');
    using loss = objective(model, anyData(), { loss: 'model' });
    const [u, v] = [(i: number) => (i === 0 ? 1 : 0), (i: number) => (i === 1 ? 1 : 0)];
    const coordinates = [
      [3, 1],
      [2, -1],
      [1, 0.5],
      [0, 0],
    ] as const;
    const path: Solution[] = [];
    for (const [x, y] of coordinates) path.push(await shifted(model, `${x}`, (i) => x * u(i) + y * v(i)));
    using plane = await trajectoryPlane(path);
    const track = await projectTrajectory(loss, plane, path);
    // Σ‖θᵢ − θ_N‖² = 10 + 5 + 1.25, whatever the axes; all of it lies on the plane.
    expect(plane.explainedVariance![0]! + plane.explainedVariance![1]!).to.be.closeTo(1, 1e-12);
    const gram = [
      [9 + 4 + 1, 3 - 2 + 0.5],
      [3 - 2 + 0.5, 1 + 1 + 0.25],
    ] as const;
    const mean = (gram[0][0] + gram[1][1]) / 2;
    const top = mean + Math.hypot((gram[0][0] - gram[1][1]) / 2, gram[0][1]);
    expect(plane.explainedVariance![0]).to.be.closeTo(top / (2 * mean), 1e-12);
    coordinates.forEach(([x, y], i) => {
      expect(Math.hypot(track.x[i]!, track.y[i]!)).to.be.closeTo(Math.hypot(x, y), 1e-12);
      expect(track.distance[i]).to.be.below(1e-12);
      expect(track.projectedLoss[i]).to.be.closeTo(track.loss[i]!, 1e-11);
    });
    // Off the plane the distance is what is missing.
    using off = await shifted(model, 'off', (i) => (i === 5 ? 2 : 0));
    const far = await projectTrajectory(loss, plane, [off]);
    expect(far.distance[0]).to.be.closeTo(2, 1e-12);
    await rejects(async () => trajectoryPlane(path.slice(0, 2)), 'ERR_INVALID_OPTION', /three/);
    await rejects(async () => trajectoryPlane([path[0]!, path[3]!, path[3]!]), 'ERR_DIRECTION', /line/);
    for (const solution of path) solution.dispose();
  });

  it("Adam's moments come from the optimizer's state, and its equation equals PyTorch", async () => {
    using model = await loadFixture('convbn');
    using moments = await loadMoments(model, fixture('convbn_adam.pt'));
    expect(relativeError(await moments.expAvg.toArray(), golden.get('adam.m1'))).to.be.below(1e-15);
    expect(relativeError(await moments.expAvgSq.toArray(), golden.get('adam.m2'))).to.be.below(1e-15);
    using loss = objective(model, data);
    using plane = await adamPlane(moments, { update: 'adam' });
    const surface = await lossSurface(loss, plane, { range: [-0.02, 0.02], yRange: [0.1, 2.1], points: 3 });
    expect(relativeError(surface.loss, golden.get('adam'))).to.be.below(1e-12);
    expect(surface.update).to.equal('adam');
    await rejects(async () => lossSurface(loss, plane, { yRange: [-1, 1] }), 'ERR_INVALID_OPTION', /above 0/);
    using random = await model.randomVector('gaussian', 1);
    await rejects(
      async () => adamPlane({ expAvg: moments.expAvg, expAvgSq: random }, { update: 'adam' }),
      'ERR_DIRECTION',
      /negative/,
    );
    await rejects(async () => loadMoments(model, fixture('convbn_state_dict.pt')), 'ERR_CHECKPOINT');
  });

  it('the gradient as a direction is the gradient', async () => {
    using model = await loadFixture('convbn');
    using loss = objective(model, data);
    using direction = await gradientDirection(loss);
    const { gradient } = await loss.gradient();
    using expected = gradient;
    expect(relativeError(await direction.vector.toArray(), await expected.toArray())).to.equal(0);
    const line = await lossLine(loss, direction, { range: [-1e-5, 1e-5], points: 3 });
    const slope = (line.loss[2]! - line.loss[0]!) / 2e-5;
    expect(slope).to.be.closeTo((await expected.norm()) ** 2, 1e-6 * slope);
  });
});

describe('what is recorded at a point', () => {
  expectNoLiveHandles();

  for (const mode of ['eval', 'train'] as const) {
    it(`loss, gradient norm, top-k and TorchScript metrics in ${mode} mode equal PyTorch`, async () => {
      using model = await loadFixture('convbn');
      using margin = await loadMetric(fixture('margin.pt'), model);
      using confidence = await loadMetric(fixture('mean_confidence.pt'), model, { name: 'confidence' });
      using loss = objective(model, data, { mode, metrics: ['top-2', margin, confidence] });
      using vector = await model.vector(golden.get('direction'));
      using direction = await customDirection(vector);
      const options = { range: [-0.2, 0.2], points: 5, gradientNorm: true } as const;
      const line = await lossLine(loss, direction, options);
      const values = [
        line.loss,
        line.gradientNorm!,
        ...['top-2', 'margin', 'confidence'].map((n) => line.metrics[n]!),
      ];
      values.forEach((actual, i) => {
        expect(relativeError(actual, column(`line.${mode}`, i, 5)), `column ${i}`).to.be.below(1e-11);
      });
      const plain = await lossLine(loss, direction, { range: [-0.2, 0.2], points: 5 });
      expect(plain.gradientNorm).to.equal(null);
      expect(relativeError(plain.loss, line.loss)).to.be.below(1e-14);
      expect(relativeError(plain.metrics.margin!, line.metrics.margin!)).to.be.below(1e-14);
    });
  }

  it('metrics add up over batches', async () => {
    using model = await loadFixture('convbn');
    using confidence = await loadMetric(fixture('mean_confidence.pt'), model);
    using whole = objective(model, data, { metrics: ['top-1', 'error', confidence] });
    using parts = objective(model, data, { metrics: ['top-1', 'error', confidence], batchSize: 3 });
    const [a, b] = [await whole.evaluate(), await parts.evaluate()];
    expect(a.metrics.mean_confidence).to.be.closeTo(b.metrics.mean_confidence!, 1e-14);
    expect(a.metrics['top-1']).to.equal(a.accuracy);
    expect(b.metrics['top-1']).to.equal(b.accuracy);
    expect(a.metrics.error).to.equal(1 - a.accuracy!);
    expect(() => objective(model, data, { loss: 'mse', metrics: ['error'] })).to.throw(/no accuracy/);
    expect(() => objective(model, data, { metrics: ['top-0'] })).to.throw(/top-/);
    expect(() => objective(model, data, { metrics: ['top-2', 'top-2'] })).to.throw(/different/);
  });

  it('every batch has dropout masks of its own, the same at every evaluation', async () => {
    using model = await loadFixture('dropout');
    const one = goldenData('mlp.x', 'mlp.y').slice(0, 1);
    const value = (array: { data: ArrayLike<number | bigint> }) => Array.from(array.data, Number);
    const [x, y] = [value(one.inputs[0]!), value(one.targets!)];
    const twice = dataset({
      inputs: { data: Float64Array.from([...x, ...x]), shape: [2, x.length] },
      targets: [...y, ...y],
    });
    using loss = objective(model, twice, { mode: 'train', batchSize: 1 });
    using first = objective(model, twice.slice(0, 1), { mode: 'train' });
    const [both, single] = [await loss.evaluate(), await first.evaluate()];
    expect(both.loss).to.not.be.closeTo(single.loss, 1e-6);
    expect((await loss.evaluate()).loss).to.equal(both.loss);
  });

  it('recalibrated running statistics equal torch.optim.swa_utils.update_bn at every point', async () => {
    using model = await loadFixture('convbn');
    using loss = objective(model, data, { mode: 'recalibrate', batchSize: 4 });
    using vector = await model.vector(golden.get('direction'));
    using direction = await customDirection(vector);
    const line = await lossLine(loss, direction, { range: [-0.2, 0.2], points: 5, gradientNorm: true });
    expect(relativeError(line.loss, column('line.recalibrate', 0, 3))).to.be.below(1e-12);
    expect(relativeError(line.gradientNorm!, column('line.recalibrate', 1, 3))).to.be.below(1e-11);
    const plain = await lossLine(loss, direction, { range: [-0.2, 0.2], points: 5 });
    expect(relativeError(plain.loss, line.loss)).to.be.below(1e-13);
    using theta = await model.theta();
    using state = await loss.statisticsAt(theta);
    expect((await state!.toArray('bn2.running_var'))[1]).to.be.closeTo(
      column('line.recalibrate', 2, 3)[2]!,
      1e-12,
    );
    // The Hessian holds the statistics fixed: it is that of eval mode with these buffers.
    using operator = hessian(loss);
    const fixed = new Solution('recalibrated', await model.theta(), (await loss.statisticsAt(theta))!);
    using there = fixed;
    using evaluated = objective(model, data, { batchSize: 4 });
    using other = hessian(evaluated, { at: there });
    expect(relativeError(await dense(operator), await dense(other))).to.be.below(1e-12);
  });

  it('a metric may not take a name of the library’s own', async () => {
    using model = await loadFixture('convbn');
    for (const name of ['error', 'top-3'])
      await rejects(
        async () => loadMetric(fixture('margin.pt'), model, { name }),
        'ERR_INVALID_OPTION',
        /another name/,
      );
  });

  it('top-1 is the accuracy where outputs are equal, and where they are NaN', async () => {
    using model = await loadFixture('convbn');
    using loss = objective(model, data, { metrics: ['top-1'] });
    for (const value of [0, NaN]) {
      using theta = await model.vector(new Float64Array(model.size).fill(value));
      const { accuracy, metrics } = await loss.evaluate(theta);
      if (value === 0) expect(metrics['top-1']).to.equal(accuracy);
      else expect(metrics['top-1']).to.equal(0);
    }
  });

  it('disposing of an objective while its data are being held leaves nothing behind', async () => {
    using model = await loadFixture('convbn');
    for (let i = 0; i < 12; i++) {
      const loss = objective(model, data, { batchSize: 1 });
      const pending = loss.evaluate().catch((error: unknown) => error);
      await new Promise((resolve) => setTimeout(resolve, i / 4));
      loss.dispose();
      await pending;
    }
  });

  it('recalibration over many batches is the mean of all', async () => {
    using model = await loadFixture('convbn');
    const many = data.slice(0, 8);
    const repeat = (array: { data: ArrayLike<number | bigint> }) =>
      Float64Array.from({ length: 5 * array.data.length }, (_, i) =>
        Number(array.data[i % array.data.length]),
      );
    const five = dataset({
      inputs: { data: repeat(many.inputs[0]!), shape: [40, ...many.inputs[0]!.shape.slice(1)] },
      targets: Array.from(repeat(many.targets!)),
    });
    using once = objective(model, many, { mode: 'recalibrate', batchSize: 2 });
    using often = objective(model, five, { mode: 'recalibrate', batchSize: 2 });
    expect((await often.evaluate()).loss).to.be.closeTo((await once.evaluate()).loss, 1e-13);
  });

  it('in float32, recalibration is right to rounding', async () => {
    using model = await loadFixture('convbn', { dtype: 'float32' });
    using loss = objective(model, data, { mode: 'recalibrate', batchSize: 4 });
    const { loss: value } = await loss.evaluate();
    expect(value).to.be.closeTo(column('line.recalibrate', 0, 3)[2]!, 2e-6);
  });

  it('streamed data give the same numbers as held data', async () => {
    using model = await loadFixture('convbn');
    using held = objective(model, data, { batchSize: 3 });
    using streamed = objective(model, data, { batchSize: 3, dataPlacement: 'streamed' });
    expect([held.dataPlacement, streamed.dataPlacement]).to.deep.equal(['held', 'streamed']);
    using plane = await randomPlane(model, { seed: 4 });
    const a = await lossSurface(held, plane, { points: 5 });
    const b = await lossSurface(streamed, plane, { points: 5 });
    expect(Array.from(a.loss)).to.deep.equal(Array.from(b.loss));
    using h1 = hessian(held);
    using h2 = hessian(streamed);
    expect(relativeError(await dense(h2), await dense(h1))).to.equal(0);
  });

  it('the second difference at the centre is dᵀHd on a smooth loss', async () => {
    using model = await loadFixture('quadratic');
    using loss = objective(model, anyData(), { loss: 'model' });
    using plane = await randomPlane(model, { normalization: 'none', seed: 2 });
    const surface = await lossSurface(loss, plane, { points: 3, checkCurvature: true });
    const matrix = await model.buffer('matrix');
    for (const [i, check] of surface.checks.curvature.entries()) {
      const d = await plane.axes[i]!.vector.toArray();
      const product = matVec(matrix, d);
      const expected = d.reduce((sum, value, k) => sum + value * product[k]!, 0);
      expect(check.quadraticForm).to.be.closeTo(expected, 1e-10 * Math.abs(expected));
      expect(check.secondDifference).to.be.closeTo(expected, 1e-5 * Math.abs(expected));
    }
  });
});

describe('traced modules', () => {
  expectNoLiveHandles();

  for (const form of ['eval', 'train'] as const) {
    it(`of PyTorch's own layers, traced in ${form} mode, run in both modes as PyTorch does`, async () => {
      using model = await loadModel(fixture(`layers_traced_${form}.pt`));
      expect(model.fixedMode).to.equal(null);
      for (const [i, mode] of (['eval', 'train'] as const).entries()) {
        using loss = objective(model, goldenData('mlp.x', 'mlp.y'), { mode });
        expect((await loss.evaluate()).loss).to.be.closeTo(golden.get(`layers.${form}`)[i]!, 1e-13);
      }
    });
  }

  it('are found out however deep their BatchNorm lies', async () => {
    for (const form of ['eval', 'train'] as const) {
      using nested = await loadFixture(`nested_traced_${form}`);
      expect(nested.fixedMode).to.equal(form);
      using free = await loadFixture(`nested_traced_${form}`, { tracedMode: 'free' });
      expect(free.fixedMode).to.equal(null);
    }
  });

  it('with code of their own keep their mode, unless the caller vouches for it', async () => {
    using model = await loadFixture('convbn_traced_eval');
    expect(model.fixedMode).to.equal('eval');
    await rejects(
      async () => Promise.resolve(objective(model, data, { mode: 'train' })),
      'ERR_MODE_BAKED_IN',
      /tracedMode/,
    );
    await rejects(
      async () => Promise.resolve(objective(model, data, { mode: 'recalibrate' })),
      'ERR_MODE_BAKED_IN',
    );
    using branching = await loadModel(fixture('branching_traced.pt'));
    expect(branching.fixedMode).to.equal('eval');
    using scripted = await loadFixture('convbn');
    for (const form of ['convbn_traced_eval', 'convbn_traced_train']) {
      using free = await loadFixture(form, { tracedMode: 'free' });
      expect(free.fixedMode).to.equal(null);
      for (const mode of ['eval', 'train', 'recalibrate'] as const) {
        using a = objective(free, data, { mode, batchSize: 4 });
        using b = objective(scripted, data, { mode, batchSize: 4 });
        // Tracing in train mode has moved the running statistics of that file.
        using buffers = await scripted.bufferState();
        using theta = await scripted.theta();
        const x = await a.evaluate(theta, undefined, buffers);
        const y = await b.evaluate();
        expect(x.loss, `${form} ${mode}`).to.be.closeTo(y.loss, 1e-12);
      }
    }
  });
});

describe('directions kept and frozen', () => {
  expectNoLiveHandles();
  let folder = '';
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lossatlas-'));
  });
  after(async () => rm(folder, { recursive: true }));

  it('a saved plane gives the same surface, bit for bit, in float32 and float64', async () => {
    for (const dtype of ['float32', 'float64'] as const) {
      using model = await loadFixture('convbn', { dtype });
      using loss = objective(model, data);
      using plane = await randomPlane(model, { seed: 9 });
      await savePlane(join(folder, 'plane.npz'), plane);
      using again = await loadPlane(join(folder, 'plane.npz'), model);
      const [a, b] = [
        await lossSurface(loss, plane, { points: 5 }),
        await lossSurface(loss, again, { points: 5 }),
      ];
      expect(Array.from(b.loss)).to.deep.equal(Array.from(a.loss));
      expect(b.axes).to.deep.equal(a.axes);
    }
  });

  it('a saved plane keeps origin, statistics and solutions', async () => {
    using model = await loadFixture('convbn');
    using a = await loadSolution(model, fixture('convbn_adam.pt'), { label: 'a' });
    using b = await ownSolution(model, 'b');
    using c = await shifted(model, 'c', (i) => Math.cos(i));
    using plane = await threePointPlane(a, b, c);
    await savePlane(join(folder, 'three.npz'), plane);
    using again = await loadPlane(join(folder, 'three.npz'), model);
    expect(again.solutions).to.deep.equal(plane.solutions);
    expect(again.origin!.label).to.equal('a');
    using loss = objective(model, data);
    const [x, y] = [
      await lossSurface(loss, plane, { points: 3 }),
      await lossSurface(loss, again, { points: 3 }),
    ];
    expect(Array.from(y.loss)).to.deep.equal(Array.from(x.loss));
    using mlp = await loadFixture('mlp');
    await rejects(async () => loadPlane(join(folder, 'three.npz'), mlp), 'ERR_LAYOUT_MISMATCH');
    await rejects(async () => loadPlane(fixture('landscapes.npz'), model), 'ERR_INVALID_DATA', /no plane/);
    await rejects(async () => loadPlane(join(folder, 'none.npz'), model), 'ERR_FILE_NOT_FOUND');
  });

  it('vectors come from files by name, and from flat arrays', async () => {
    using model = await loadFixture('convbn');
    using vector = await model.randomVector('gaussian', 3);
    await saveVector(join(folder, 'v.npz'), vector);
    using again = await loadVector(model, join(folder, 'v.npz'));
    expect(Array.from(await again.toArray())).to.deep.equal(Array.from(await vector.toArray()));
    // One over some of the parameters is zero elsewhere.
    using part = subspace(model, [model.parameters[1]!.name]);
    using block = await part.randomVector('gaussian', 4);
    await saveVector(join(folder, 'block.npz'), block);
    using whole = await loadVector(model, join(folder, 'block.npz'));
    using restricted = await part.restrict(whole);
    expect(await restricted.toArray()).to.deep.equal(await block.toArray());
    expect(await whole.norm()).to.be.closeTo(await block.norm(), 1e-12);
    using theta = await loadVector(model, fixture('convbn_state_dict_legacy.pt'), { strict: false });
    using own = await model.theta();
    expect(relativeError(await theta.toArray(), await own.toArray())).to.equal(0);
    using mlp = await loadFixture('mlp');
    await rejects(
      async () => loadVector(mlp, join(folder, 'v.npz')),
      'ERR_CHECKPOINT_MISMATCH',
      /v\.npz'.*missing/i,
    );
  });

  it('checkpoints of another architecture are refused with the names that do not fit', async () => {
    using model = await loadFixture('mlp');
    await rejects(
      async () => loadSolution(model, fixture('convbn_state_dict.pt')),
      'ERR_CHECKPOINT_MISMATCH',
      /convbn_state_dict\.pt' does not fit the model\. .*first\.weight/,
    );
    using convbn = await loadFixture('convbn');
    for (const file of ['convbn_state_dict.pt', 'convbn_state_dict_legacy.pt', 'convbn.pt']) {
      using solution = await loadSolution(convbn, fixture(file));
      using own = await ownSolution(convbn);
      expect(await solution.theta.toArray(), file).to.deep.equal(await own.theta.toArray());
      // The two state dicts were saved after a pass in train mode.
      expect((await solution.hash()) === (await own.hash()), file).to.equal(file === 'convbn.pt');
    }
    await rejects(async () => loadSolution(convbn, fixture('mlp.pt')), 'ERR_LAYOUT_MISMATCH');
  });

  it('frozen parameters do not move: by name, by pattern, by LLA’s index', async () => {
    using model = await loadFixture('convbn');
    using raw = await model.randomVector('gaussian', 1);
    const names = model.parameters.map(({ name }) => name);
    for (const [freeze, frozen] of [
      [['conv1.weight'], ['conv1.weight']],
      [['conv*', '*.bias'], names.filter((n) => n.startsWith('conv') || n.endsWith('.bias'))],
      [4, names.slice(4)],
      [-4, names.slice(0, 4)],
    ] as const) {
      using direction = await customDirection(raw, { freeze, normalization: 'layer', ignore: [] });
      const values = await direction.vector.toArray();
      expect(direction.description.frozen).to.deep.equal(
        [...frozen].sort((a, b) => names.indexOf(a) - names.indexOf(b)),
      );
      for (const { name, offset, numel } of model.parameters) {
        const moves = values.subarray(offset, offset + numel).some((v) => v !== 0);
        expect(moves, name).to.equal(!(frozen as readonly string[]).includes(name));
      }
    }
    await rejects(
      async () => customDirection(raw, { freeze: 99 }),
      'ERR_INVALID_OPTION',
      /layer index within ±8/,
    );
    await rejects(
      async () => customDirection(raw, { freeze: ['conv3.*'] }),
      'ERR_INVALID_OPTION',
      /fits no parameter/,
    );
  });
});

describe('atlases', () => {
  expectNoLiveHandles();

  it('several seeds: each surface alone, and their spread', async () => {
    using model = await loadFixture('convbn');
    using loss = objective(model, data);
    const atlas = await landscapeAtlas(loss, { seeds: [1, 2, 3], points: 5, range: [-0.5, 0.5] });
    using plane = await randomPlane(model, { seed: 2 });
    const alone = await lossSurface(loss, plane, { points: 5, range: [-0.5, 0.5] });
    expect(Array.from(atlas.surfaces[1]!.loss)).to.deep.equal(Array.from(alone.loss));
    const values = atlas.surfaces.map((surface) => surface.loss[7]!);
    const mean = (values[0]! + values[1]! + values[2]!) / 3;
    const variance = values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / 2;
    expect(atlas.spread!.mean[7]).to.be.closeTo(mean, 1e-14);
    expect(atlas.spread!.standardDeviation[7]).to.be.closeTo(Math.sqrt(variance), 1e-14);
    expect(atlas.spread!.standardDeviation[12]).to.be.below(1e-15);
    expect([atlas.spread!.min[7], atlas.spread!.max[7]]).to.deep.equal([
      Math.min(...values),
      Math.max(...values),
    ]);
  });

  it('all modes: LLA’s page for random, Hessian and Adam axes', async () => {
    using model = await loadFixture('convbn');
    using loss = objective(model, data);
    using moments = await loadMoments(model, fixture('convbn_adam.pt'));
    const options = { points: 3, range: [-0.1, 0.1] } as const;
    for (const [axes, count] of [
      ['random', 4],
      ['hessian', 8],
      ['adam', 10],
    ] as const) {
      const atlas = await allModes(loss, { ...options, axes, ...(axes === 'adam' ? { moments } : {}) });
      expect(atlas.surfaces.length).to.equal(count);
      expect(new Set(atlas.titles).size).to.equal(count);
      expect(atlas.spread).to.equal(null);
      for (const surface of atlas.surfaces.filter(({ update }) => update === 'add'))
        expect(surface.checks.centerDifference).to.equal(0);
    }
    await rejects(async () => allModes(loss, { ...options, axes: 'adam' }), 'ERR_INVALID_OPTION', /moments/);
  });

  it('weight normalisation multiplies once, also where the second axis is made orthogonal', async () => {
    using model = await loadFixture('convbn');
    using plane = await randomPlane(model, { seed: 1, normalization: 'weight' });
    using loose = await randomPlane(model, { seed: 1, normalization: 'weight', orthogonal: false });
    const [first, second] = [await loose.axes[0].vector.toArray(), await loose.axes[1].vector.toArray()];
    const dot = (a: Float64Array, b: Float64Array) => a.reduce((sum, v, i) => sum + v * b[i]!, 0);
    const share = dot(second, first) / dot(first, first);
    const expected = second.map((v, i) => v - share * first[i]!);
    expect(relativeError(await plane.axes[1].vector.toArray(), expected)).to.be.below(1e-13);
    expect(plane.axes[1].description.normalization).to.equal('weight');
  });

  it('a grid holds the model wherever its spacing allows it', async () => {
    using model = await loadFixture('convbn');
    using loss = objective(model, data);
    using raw = await model.randomVector('gaussian', 1);
    using direction = await customDirection(raw);
    for (const [low, high, points] of [
      [-0.2, 1.2, 15],
      [-0.4, 1.4, 19],
      [-0.3, 1.3, 17],
    ] as const) {
      const line = await lossLine(loss, direction, { range: [low, high], points });
      expect(line.checks.centerDifference).to.equal(0);
      expect(line.coordinates.includes(1)).to.equal(true);
    }
  });

  it('a solution from a TorchScript file outlives the model that it came with', async () => {
    using model = await loadFixture('convbn');
    using solution = await loadSolution(model, fixture('convbn.pt'));
    using direction = await customDirection(solution.theta);
    expect(direction.description.relativeNorm).to.be.closeTo(1, 1e-12);
    using ordered = await loadSolution(model, fixture('convbn_state_dict.pt'), { by: 'order' });
    using named = await loadSolution(model, fixture('convbn_state_dict.pt'));
    expect(await ordered.hash()).to.equal(await named.hash());
  });

  it('Hessian axes at another solution belong to the Hessian there', async () => {
    using model = await loadFixture('convbn');
    using there = await loadSolution(model, fixture('convbn_adam.pt'));
    using loss = objective(model, data);
    using operator = hessian(loss, { at: there });
    using plane = await hessianPlane(operator, { at: there, normalization: 'none' });
    const surface = await lossSurface(loss, plane, { points: 3, range: [-1e-3, 1e-3], checkCurvature: true });
    for (const [i, { quadraticForm }] of surface.checks.curvature.entries())
      expect(quadraticForm).to.be.closeTo(surface.axes[i]!.eigenvalue!, 1e-5 * quadraticForm);
  });
});
