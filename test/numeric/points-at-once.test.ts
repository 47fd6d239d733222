import { expect } from 'chai';
import {
  AbortError,
  dataset,
  loadLoss,
  loadMetric,
  loadModel,
  interpolate,
  lossLine,
  lossSurface,
  numThreads,
  objective,
  ownSolution,
  randomPlane,
  randomSolution,
  type Dataset,
  type LossSurface,
  type Model,
  type Objective,
  type ObjectiveOptions,
  type Plane,
} from '../../dist/index.js';
import { evalNets, fixture, goldenData, loadFixture } from '../support/fixtures.js';
import { goldenFile } from '../support/golden-file.js';
import { expectNoLiveHandles } from '../support/handles.js';

const points = 5;
const threads = 3;
const atOnce = `${threads} points at once`;

const image = () => goldenData('convbn.eval.x', 'convbn.eval.y');

/** The loss at every point of the surface, each by itself from its own parameters. */
async function oneByOne(loss: Objective, plane: Plane, { x, y }: LossSurface): Promise<number[]> {
  const coefficients = Float64Array.from(Array.from(y).flatMap((b) => Array.from(x).flatMap((a) => [a, b])));
  using origin = await loss.model.theta();
  const directions = plane.axes.map(({ vector }) => vector);
  const out: number[] = [];
  for (let p = 0; p < x.length * y.length; p++) {
    using theta = await loss.pointAt({ origin, directions, coefficients, numPoints: 0 }, p);
    out.push((await loss.evaluate(theta)).loss);
  }
  return out;
}

interface Case {
  readonly model: Model;
  readonly data: Dataset;
  readonly options?: ObjectiveOptions;
  readonly plan?: string | null;
  readonly tolerance?: number;
}

async function expectAlike(label: string, { model, data, options, plan, tolerance = 1e-12 }: Case) {
  using loss = objective(model, data, options ?? {});
  using plane = await randomPlane(model, { seed: 1 });
  const surface = await lossSurface(loss, plane, { points });
  expect(surface.provenance.plan, label).to.equal(plan === undefined ? atOnce : plan);
  const expected = await oneByOne(loss, plane, surface);
  expect(new Set(surface.loss).size, label).to.be.above(points);
  surface.loss.forEach((value, p) => {
    const error = Math.abs(value - expected[p]!) / Math.max(1, Math.abs(expected[p]!));
    expect(error, `${label}, point ${p}`).to.be.below(tolerance);
  });
}

describe('several points at once, each on one thread', function () {
  this.timeout(120_000);
  expectNoLiveHandles();
  let before = 0;
  beforeEach(async () => {
    before = await numThreads();
    await numThreads(threads);
  });
  afterEach(async () => {
    await numThreads(before);
  });

  for (const [file, inputs, targets] of evalNets) {
    it(`have the losses of points by themselves: ${file}`, async () => {
      const data = goldenData(inputs, targets);
      for (const dtype of ['float64', 'float32'] as const) {
        using model = await loadFixture(file, file === 'half' ? {} : { dtype });
        const tolerance = dtype === 'float64' && file !== 'half' ? 1e-12 : 1e-5;
        for (const batchSize of [data.numSamples, 3]) {
          const options = { batchSize };
          await expectAlike(`${dtype}, batches of ${batchSize}`, { model, data, options, tolerance });
        }
      }
    });
  }

  it('in train mode too, unless something is drawn', async () => {
    using plain = await loadFixture('convbn', { dtype: 'float64' });
    await expectAlike('BatchNorm', { model: plain, data: image(), options: { mode: 'train' } });
    using drawing = await loadFixture('dropout', { dtype: 'float64' });
    const data = goldenData('mlp.x', 'mlp.y');
    await expectAlike('dropout', { model: drawing, data, options: { mode: 'train', seed: 3 }, plan: null });
    await expectAlike('dropout in eval mode', { model: drawing, data });
  });

  it('in train mode not where the graph does not show what is drawn, which is seeded all the same', async () => {
    for (const file of ['unseen_fork', 'unseen_interface']) {
      using model = await loadFixture(file, { dtype: 'float64' });
      const data = goldenData('mlp.x', 'mlp.y');
      await expectAlike(file, { model, data, options: { mode: 'train', seed: 3 }, plan: null });
    }
  });

  it('of models that write to their inputs, or to a view of something', async () => {
    const golden = goldenFile('aliases/golden.npz');
    for (const name of ['input_written', 'output_kept', 'view', 'shared', 'folded']) {
      const data = dataset({ inputs: golden.array('x'), targets: golden.array('y') });
      using model = await loadModel(fixture(`aliases/${name}.pt`), { dtype: 'float64' });
      await expectAlike(name, { model, data, options: { batchSize: 5 } });
    }
  });

  it('from layers that stand still, and with running statistics along the axes', async () => {
    using model = await loadFixture('convbn', { dtype: 'float64' });
    using loss = objective(model, image(), { batchSize: 3 });
    const { name } = model.parameters[0]!;
    using plane = await randomPlane(model, { seed: 1, freeze: [name] });
    const surface = await lossSurface(loss, plane, { points });
    expect(surface.provenance.plan).to.equal(atOnce);
    const expected = await oneByOne(loss, plane, surface);
    surface.loss.forEach((value, p) => expect(value).to.be.closeTo(expected[p]!, 1e-12 * expected[p]!));
    const [here, there] = [await ownSolution(model), await randomSolution(model, { seed: 1 })];
    const line = await interpolate(loss, here, there, { points: 11, range: [0, 1] });
    expect(line.provenance.plan).to.equal(atOnce);
    expect(line.loss[0]).to.be.closeTo((await loss.evaluate()).loss, 1e-12);
    const ends = await loss.evaluate(there.theta, undefined, there.buffers);
    expect(line.loss[10]).to.be.closeTo(ends.loss, 1e-12 * ends.loss);
    here.dispose();
    there.dispose();
  });

  it('in bfloat16 the same as one after the other', async () => {
    using model = await loadFixture('convbn', { dtype: 'float32' });
    using loss = objective(model, image());
    using plane = await randomPlane(model, { seed: 1 });
    const together = await lossSurface(loss, plane, { points, precision: 'bf16' });
    process.env.LOSSATLAS_POINTS = 'libtorch';
    const alone = await lossSurface(loss, plane, { points, precision: 'bf16' }).finally(() => {
      delete process.env.LOSSATLAS_POINTS;
    });
    expect(together.provenance.plan).to.equal(atOnce);
    expect(alone.provenance.plan).to.equal(null);
    together.loss.forEach((value, p) => expect(value).to.be.closeTo(alone.loss[p]!, 1e-2 * alone.loss[p]!));
  });

  it('points of three directions share what they can, and nothing else', async () => {
    using model = await loadFixture('mlp', { dtype: 'float64' });
    using loss = objective(model, goldenData('mlp.x', 'mlp.y'));
    using origin = await model.theta();
    const directions = [];
    for (const seed of [1, 2, 3]) directions.push(await model.randomVector('gaussian', seed));
    const rows = [0, 1, 2, 5, 1, 2, -1, 1, 2, 1, 0, 2, 1, 0, 0, 1, 2, 0, 0, 0, 0, 3, 0, 0];
    const set = { origin, directions, coefficients: Float64Array.from(rows), numPoints: 8 };
    const got = await loss.evaluatePoints(set);
    for (let p = 0; p < 8; p++) {
      using theta = await loss.pointAt(set, p);
      const expected = (await loss.evaluate(theta)).loss;
      expect(got[p]!.loss, `point ${p}`).to.be.closeTo(expected, 1e-12 * expected);
    }
    directions.forEach((direction) => {
      direction.dispose();
    });
  });

  it('of exported programs', async () => {
    using model = await loadModel(fixture('exported/convbn_train.pt2'), { dtype: 'float64' });
    const golden = goldenFile('exported/exported.npz');
    const data = dataset({ inputs: golden.array('images'), targets: golden.array('y') });
    await expectAlike('eval', { model, data });
    await expectAlike('train, with dropout', { model, data, options: { mode: 'train' }, plan: null });
  });

  it('not with a loss or a metric of the user’s, which may keep something', async () => {
    using model = await loadFixture('mlp', { dtype: 'float64' });
    const data = goldenData('mlp.x', 'mlp.y');
    using metric = await loadMetric(fixture('mean_confidence.pt'), model);
    await expectAlike('metric', { model, data, options: { metrics: [metric] }, plan: null });
    await expectAlike('top-2', { model, data, options: { metrics: ['error', 'top-2'] } });
    using own = await loadLoss(fixture('margin.pt'), model);
    await expectAlike('loss', { model, data, options: { loss: own }, plan: null });
  });

  it('not where there are too few points for all threads', async () => {
    using model = await loadFixture('mlp');
    using loss = objective(model, goldenData('mlp.x', 'mlp.y'));
    using plane = await randomPlane(model, { seed: 1 });
    const few = await lossLine(loss, plane.axes[0], { points: 2 * threads - 1 });
    expect(few.provenance.plan).to.equal(null);
    const enough = await lossLine(loss, plane.axes[0], { points: 2 * threads });
    expect(enough.provenance.plan).to.equal(atOnce);
    await numThreads(1);
    const one = await lossLine(loss, plane.axes[0], { points: 2 * threads });
    expect(one.provenance.plan).to.equal(null);
  });

  it('with the same bits whenever and in whatever company', async () => {
    using model = await loadFixture('convbn', { dtype: 'float32' });
    using loss = objective(model, image(), { batchSize: 3, metrics: ['error'] });
    using plane = await randomPlane(model, { seed: 1 });
    const first = await lossSurface(loss, plane, { points: 9 });
    for (let pass = 0; pass < 20; pass++) {
      const again = await lossSurface(loss, plane, { points: 9 });
      expect(again.loss).to.deep.equal(first.loss);
      expect(again.accuracy).to.deep.equal(first.accuracy);
    }
    // Every second point of it.
    const coarse = await lossSurface(loss, plane, { points: 5 });
    coarse.loss.forEach((value, p) => {
      const [column, row] = [p % 5, Math.floor(p / 5)];
      expect(value).to.equal(first.loss[2 * row * 9 + 2 * column]);
    });
  });

  it('leave the model as it was, end when they are told to, and pass errors on', async () => {
    using model = await loadFixture('convbn', { dtype: 'float64' });
    using loss = objective(model, image());
    using plane = await randomPlane(model, { seed: 1 });
    const { loss: untouched } = await loss.evaluate();
    const controller = new AbortController();
    const running = lossSurface(loss, plane, {
      points: 301,
      signal: controller.signal,
      onProgress: ({ done }) => {
        if (done > 0) controller.abort();
      },
    });
    const error = await running.then(
      () => null,
      (reason: unknown) => reason,
    );
    expect(error).to.be.instanceOf(AbortError);
    expect((await loss.evaluate()).loss).to.equal(untouched);
    using wrong = objective(model, goldenData('mlp.x', 'mlp.y'));
    const failed = await lossSurface(wrong, plane, { points }).then(
      () => null,
      (reason: unknown) => reason,
    );
    expect(failed).to.have.property('code', 'ERR_FORWARD');
    expect((await lossSurface(loss, plane, { points: 3 })).loss[4]).to.be.closeTo(untouched, 1e-12);
  });
});
