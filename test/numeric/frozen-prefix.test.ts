import { expect } from 'chai';
import {
  dataset,
  eigenpairs,
  hessian,
  loadLoss,
  loadModel,
  objective,
  type Dataset,
  type Model,
} from '../../dist/index.js';
import { evalNets, fixture, goldenData, loadFixture } from '../support/fixtures.js';
import { goldenFile } from '../support/golden-file.js';
import { expectNoLiveHandles } from '../support/handles.js';

/** A direction that moves the parameters from number `first` on alone. */
async function directionFrom(model: Model, first: number, seed: number) {
  using drawn = await model.randomVector('gaussian', seed);
  const values = await drawn.toArray();
  values.fill(0, 0, model.parameters[first]?.offset ?? values.length);
  return await model.vector(values.map((value) => 0.3 * value));
}

/** Losses in a plane, and at the same points one by one, of the whole forward pass. */
async function bothLosses(
  model: Model,
  data: Dataset,
  first: number,
  options: { readonly mode?: 'train' | 'eval'; readonly batchSize?: number },
): Promise<[number[], number[]]> {
  using loss = objective(model, data, options);
  using origin = await model.theta();
  using d0 = await directionFrom(model, first, 1);
  using d1 = await directionFrom(model, first, 2);
  const coefficients = Float64Array.of(0, 0, 1, 0.5, -1, 2, 0.25, 0);
  const set = { origin, directions: [d0, d1], coefficients, numPoints: 4 };
  const got = (await loss.evaluatePoints(set)).map((evaluation) => evaluation.loss);
  // What was kept serves the next call.
  const again = (await loss.evaluatePoints(set)).map((evaluation) => evaluation.loss);
  expect(again).to.deep.equal(got);
  const expected: number[] = [];
  for (let p = 0; p < 4; p++) {
    using theta = await loss.pointAt(set, p);
    expected.push((await loss.evaluate(theta)).loss);
  }
  return [got, expected];
}

describe('points whose first layers stand still', function () {
  this.timeout(120_000);
  expectNoLiveHandles();

  for (const [file, inputs, targets] of evalNets) {
    it(`have the losses of whole forward passes: ${file}`, async () => {
      const data = goldenData(inputs, targets);
      for (const dtype of ['float64', 'float32'] as const) {
        using model = await loadFixture(file, file === 'half' ? {} : { dtype });
        const tolerance = dtype === 'float64' ? 1e-12 : 1e-5;
        for (let first = 1; first < model.parameters.length; first++) {
          for (const batchSize of [data.numSamples, 2]) {
            const [got, expected] = await bothLosses(model, data, first, { batchSize });
            const label = `${dtype}, from ${model.parameters[first]!.name}, batches of ${batchSize}`;
            got.forEach((value, p) => {
              expect(value, `${label}, point ${p}`).to.be.closeTo(
                expected[p]!,
                tolerance * Math.abs(expected[p]!),
              );
            });
            // Another point has another loss: the moving part was not kept.
            expect(new Set(got).size, label).to.be.above(1);
          }
        }
      }
    });
  }

  it('have them in train mode too, where nothing is kept', async () => {
    using model = await loadFixture('convbn', { dtype: 'float64' });
    const data = goldenData('convbn.eval.x', 'convbn.eval.y');
    const [got, expected] = await bothLosses(model, data, model.parameters.length - 2, { mode: 'train' });
    got.forEach((value, p) => expect(value).to.be.closeTo(expected[p]!, 1e-12));
  });

  it('follow buffers along directions of their own', async () => {
    using model = await loadFixture('convbn', { dtype: 'float64' });
    using loss = objective(model, goldenData('convbn.eval.x', 'convbn.eval.y'));
    using origin = await model.theta();
    using direction = await directionFrom(model, model.parameters.length - 1, 1);
    using buffers = await model.bufferState();
    const set = {
      origin,
      buffers,
      directions: [direction],
      bufferDirections: [buffers],
      coefficients: Float64Array.of(0.5, 1),
      numPoints: 2,
    };
    const got = await loss.evaluatePoints(set);
    for (let p = 0; p < 2; p++) {
      using theta = await loss.pointAt(set, p);
      using state = await loss.buffersAt(set, p);
      const expected = await loss.evaluate(theta, undefined, state);
      expect(got[p]!.loss).to.be.closeTo(expected.loss, 1e-12);
    }
    const [still] = await loss.evaluatePoints({ ...set, bufferDirections: [] });
    expect(still!.loss).not.to.equal(got[0]!.loss);
  });
});

describe('what is written to under another name', function () {
  this.timeout(60_000);
  expectNoLiveHandles();

  const golden = goldenFile('aliases/golden.npz');
  const names = golden.names.filter((name) => !['x', 'y', 'factors'].includes(name));
  const factors = golden.get('factors');
  const data = () => dataset({ inputs: golden.array('x'), targets: golden.array('y') });
  const load = (name: string, dtype: 'float64' | 'float32') =>
    loadModel(fixture(`aliases/${name}.pt`), { dtype });

  /** The points at which the parameters after the first layer are `factors` times their own. */
  async function pointsOf(model: Model, still = /^first/) {
    const origin = await model.theta();
    const values = await origin.toArray();
    model.parameters.forEach(({ name, offset, numel }) => {
      if (still.test(name)) values.fill(0, offset, offset + numel);
    });
    const direction = await model.vector(values);
    const coefficients = factors.map((factor) => factor - 1);
    return { origin, directions: [direction], coefficients, numPoints: factors.length };
  }

  it('gives PyTorch’s losses at points that share the first layer, in any company, again and again', async () => {
    for (const name of names) {
      for (const dtype of ['float64', 'float32'] as const) {
        using model = await load(name, dtype);
        using loss = objective(model, data(), { batchSize: 5 });
        const set = await pointsOf(model);
        const expected = golden.get(name);
        const tolerance = dtype === 'float64' ? 1e-12 : 2e-6;
        for (let pass = 0; pass < 3; pass++) {
          const got = await loss.evaluatePoints(set);
          got.forEach(({ loss: value }, p) => {
            expect(value, `${name}, ${dtype}, point ${p}, pass ${pass}`).to.be.closeTo(
              expected[p]!,
              tolerance * Math.max(1, expected[p]!),
            );
          });
          // The model as it is, through all of its forms.
          expect((await loss.evaluate()).loss, `${name}, ${dtype}`).to.be.closeTo(expected[0]!, tolerance);
        }
        set.origin.dispose();
        set.directions[0]!.dispose();
      }
    }
  });

  it('gradients and surfaces leave the data as they are', async () => {
    using model = await load('input_written', 'float64');
    using loss = objective(model, data());
    const expected = golden.get('input_written')[0]!;
    for (let pass = 0; pass < 3; pass++) {
      const { loss: value, gradient } = await loss.gradient();
      gradient.dispose();
      expect(value).to.be.closeTo(expected, 1e-12);
      using operator = hessian(loss);
      const pairs = await eigenpairs(operator, { k: 1, seed: 1, tolerance: 1e-3 });
      pairs.dispose();
      expect((await loss.evaluate()).loss).to.be.closeTo(expected, 1e-12);
    }
  });

  it('a loss of one’s own may write to an output that is kept', async () => {
    using model = await load('output_kept', 'float64');
    using own = await loadLoss(fixture('aliases/in_place_loss.pt'), model);
    using loss = objective(model, data(), { loss: own });
    const set = await pointsOf(model, /^(first|head|bn)/);
    const expected = (await loss.evaluate()).loss;
    for (let pass = 0; pass < 3; pass++) {
      for (const { loss: value } of await loss.evaluatePoints(set))
        expect(value).to.be.closeTo(expected, 1e-12);
    }
    set.origin.dispose();
    set.directions[0]!.dispose();
  });
});
