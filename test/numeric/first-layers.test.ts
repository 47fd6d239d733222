import { expect } from 'chai';
import { dataset, loadModel, objective, type Dataset, type Model, type Objective } from '../../dist/index.js';
import { run } from '../support/child.js';
import { fixture, goldenData, loadFixture } from '../support/fixtures.js';
import { goldenFile } from '../support/golden-file.js';
import { expectNoLiveHandles } from '../support/handles.js';
import { relativeError } from '../support/numbers.js';

/** Nets of test/fixtures/first_layers.py; whether their first layers are combined from a few outputs. */
const nets = {
  conv1d: true,
  grouped: true,
  conv3d: true,
  circular: true,
  reflected: true,
  transposed: true,
  in_place: true,
  scaled: true,
  siamese: true,
  pooled: true,
  pooled_first: true,
  residual: true,
  tied: true,
  frozen_weight: true,
  frozen: false, // the same outputs at every point, to the bit
  convbn: true,
  dropout: true,
  written: false,
  branching: false,
} as const;
type Net = keyof typeof nets;
const names = Object.keys(nets) as Net[];

const golden = goldenFile('first_layers/golden.npz');
const points = golden.get('points');
const numPoints = points.length / 2;

function dataOf(name: Net): Dataset {
  const keys = golden.names.filter((key) => key.startsWith(`${name}.x`));
  const inputs = keys.map((key) => golden.array(key)) as Parameters<typeof dataset>[0]['inputs'];
  return dataset({ inputs, targets: golden.array(`${name}.y`) });
}

const load = (name: Net, dtype: 'float32' | 'float64') =>
  loadModel(fixture(`first_layers/${name}.pt`), { dtype });

/** Losses at the points (a, b) of origin + a·d₀ + b·d₁. */
async function losses(
  loss: Objective,
  model: Model,
  directions: readonly Float64Array[],
  coefficients: Float64Array,
): Promise<Float64Array> {
  using origin = await model.theta();
  using first = await model.vector(directions[0]!);
  using second = await model.vector(directions[1]!);
  const count = coefficients.length / 2;
  const set = { origin, directions: [first, second], coefficients, numPoints: count };
  return Float64Array.from(await loss.evaluatePoints(set), (evaluation) => evaluation.loss);
}

/** The same by the forward pass as it was written, which one point without directions takes. */
async function plainLosses(
  loss: Objective,
  model: Model,
  directions: readonly Float64Array[],
): Promise<Float64Array> {
  using origin = await model.theta();
  const theta = await origin.toArray();
  const out: number[] = [];
  for (let p = 0; p < numPoints; p++) {
    const at = theta.map(
      (t, k) => t + points[2 * p]! * directions[0]![k]! + points[2 * p + 1]! * directions[1]![k]!,
    );
    using point = await model.vector(at);
    out.push((await loss.evaluate(point)).loss);
  }
  return Float64Array.from(out);
}

const directionsOf = (name: Net) => [golden.get(`${name}.d0`), golden.get(`${name}.d1`)];

/** Losses of every net at its own place and at 19 others, in a process of its own. */
async function inProcess(variables: Readonly<Record<string, string>>): Promise<Record<string, number[]>> {
  const outcome = await run(
    `
    import { readFileSync } from 'node:fs';
    const golden = lib.readNpz(readFileSync(${JSON.stringify(fixture('first_layers/golden.npz'))}));
    const coefficients = Float64Array.from({ length: 40 }, (_, k) => (k < 2 ? 0 : Math.sin(k)));
    const out = {};
    for (const name of ${JSON.stringify(names)}) {
      const model = await lib.loadModel(${JSON.stringify(fixture('first_layers'))} + '/' + name + '.pt');
      const inputs = Object.keys(golden).filter((key) => key.startsWith(name + '.x')).map((key) => golden[key]);
      const loss = lib.objective(model, lib.dataset({ inputs, targets: golden[name + '.y'] }));
      const directions = [await model.vector(golden[name + '.d0'].data), await model.vector(golden[name + '.d1'].data)];
      const set = { origin: await model.theta(), directions, coefficients, numPoints: 20 };
      out[name] = (await loss.evaluatePoints(set)).map((evaluation) => evaluation.loss);
    }
    console.log(JSON.stringify(out));`,
    60_000,
    0,
    variables,
  );
  expect(outcome.stderr).to.equal('');
  return JSON.parse(outcome.stdout) as Record<string, number[]>;
}

describe('first layers at the points of a plane', function () {
  this.timeout(120_000);
  expectNoLiveHandles();

  it('give PyTorch’s losses, in both precisions and modes', async () => {
    for (const name of names) {
      for (const mode of ['eval', 'train'] as const) {
        if (!golden.names.includes(`${name}.${mode}`)) continue;
        const expected = golden.get(`${name}.${mode}`);
        for (const dtype of ['float64', 'float32'] as const) {
          using model = await load(name, dtype);
          using loss = objective(model, dataOf(name), { mode });
          const got = await losses(loss, model, directionsOf(name), points);
          const tolerance = dtype === 'float64' ? 1e-12 : 2e-6;
          expect(relativeError(got, expected), `${name}, ${mode}, ${dtype}`).to.be.below(tolerance);
        }
      }
    }
  });

  it('give what the model as written gives at each point: dropout draws the same masks', async () => {
    for (const name of names) {
      for (const mode of ['eval', 'train'] as const) {
        for (const dtype of ['float64', 'float32'] as const) {
          using model = await load(name, dtype);
          using loss = objective(model, dataOf(name), { mode, seed: 5 });
          const got = await losses(loss, model, directionsOf(name), points);
          const expected = await plainLosses(loss, model, directionsOf(name));
          const tolerance = dtype === 'float64' ? 1e-12 : 5e-6;
          expect(relativeError(got, expected), `${name}, ${mode}, ${dtype}`).to.be.below(tolerance);
        }
      }
    }
  });

  it('are combined where the graph allows it, and nowhere else', async () => {
    // Where BatchNorm is folded, first layers are not combined.
    const plain = { LOSSATLAS_FOLDING: 'libtorch' };
    const ours = await inProcess(plain);
    const libtorchs = await inProcess({ ...plain, LOSSATLAS_FIRST_LAYER: 'libtorch' });
    for (const name of names) {
      const isCombined = ours[name]!.some((value, p) => value !== libtorchs[name]![p]);
      expect(isCombined, name).to.equal(nets[name]);
      expect(ours[name]![0], name).to.equal(libtorchs[name]![0]);
    }
  });

  it('do not depend on the company a point is computed in, to the bit', async () => {
    for (const name of ['pooled', 'residual', 'siamese'] as const) {
      using model = await load(name, 'float32');
      using loss = objective(model, dataOf(name), { batchSize: 4 });
      // More points than are made together.
      const many = Float64Array.from({ length: 2 * 21 }, (_, k) => Math.sin(k));
      const together = await losses(loss, model, directionsOf(name), many);
      for (const p of [0, 7, 8, 20]) {
        const alone = await losses(loss, model, directionsOf(name), many.subarray(2 * p, 2 * p + 2));
        expect(alone[0], `${name}, point ${p}`).to.equal(together[p]);
      }
    }
  });

  it('follow buffers along directions of their own', async () => {
    // The weight of this layer is frozen, and stands with the buffers.
    using model = await load('frozen_weight', 'float64');
    using loss = objective(model, dataOf('frozen_weight'));
    using origin = await model.theta();
    using direction = await model.vector(directionsOf('frozen_weight')[0]!);
    using buffers = await model.bufferState();
    const coefficients = Float64Array.of(0.5, -1);
    const set = {
      origin,
      buffers,
      directions: [direction],
      bufferDirections: [buffers],
      coefficients,
      numPoints: 2,
    };
    const got = await loss.evaluatePoints(set);
    for (let p = 0; p < 2; p++) {
      using theta = await loss.pointAt(set, p);
      using state = await loss.buffersAt(set, p);
      const expected = await loss.evaluate(theta, undefined, state);
      expect(got[p]!.loss).to.be.closeTo(expected.loss, 1e-12);
    }
  });

  it('are left alone where parameters are rounded, and where there are none', async () => {
    for (const [file, inputs, targets] of [
      ['half', 'mlp.x', 'mlp.y'],
      ['attention', 'attention.x', 'attention.y'],
      ['lstm', 'lstm.x', 'lstm.y'],
    ] as const) {
      using model = await loadFixture(file);
      using loss = objective(model, goldenData(inputs, targets));
      using origin = await model.theta();
      using direction = await model.randomVector('gaussian', 1);
      const set = { origin, directions: [direction], coefficients: Float64Array.of(0.25), numPoints: 1 };
      using theta = await loss.pointAt(set, 0);
      const [got, expected] = [(await loss.evaluatePoints(set))[0]!.loss, (await loss.evaluate(theta)).loss];
      expect(got, file).to.be.closeTo(expected, 1e-12);
    }
  });
});
