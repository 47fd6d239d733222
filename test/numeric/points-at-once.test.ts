import { expect } from 'chai';
import {
  AbortError,
  dataset,
  loadLoss,
  loadMetric,
  loadModel,
  lossLine,
  lossSurface,
  numThreads,
  objective,
  randomPlane,
  type Dataset,
  type LossSurface,
  type Model,
  type Objective,
  type ObjectiveOptions,
  type Plane,
} from '../../dist/index.js';
import { fixture, goldenData, loadFixture } from '../support/fixtures.js';
import { goldenFile } from '../support/golden-file.js';
import { expectNoLiveHandles } from '../support/handles.js';

const points = 5;
const threads = 3;
const atOnce = `${threads} points at once`;

/** File, and golden arrays of inputs and targets. */
const nets = [
  ['mlp', 'mlp.x', 'mlp.y'],
  ['convbn', 'convbn.eval.x', 'convbn.eval.y'],
  ['convbn_traced_eval', 'convbn.eval.x', 'convbn.eval.y'],
  ['attention', 'attention.x', 'attention.y'],
  ['lstm', 'lstm.x', 'lstm.y'],
  ['encoder', 'encoder.x', 'encoder.y'],
  ['half', 'mlp.x', 'mlp.y'],
] as const;
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

  for (const [file, inputs, targets] of nets) {
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

  it('of models that write to their inputs, or to a view of something', async () => {
    const golden = goldenFile('aliases/golden.npz');
    for (const name of ['input_written', 'output_kept', 'view', 'shared', 'folded']) {
      const data = dataset({ inputs: golden.array('x'), targets: golden.array('y') });
      using model = await loadModel(fixture(`aliases/${name}.pt`), { dtype: 'float64' });
      await expectAlike(name, { model, data, options: { batchSize: 5 } });
    }
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
