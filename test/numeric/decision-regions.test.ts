import { expect } from 'chai';
import {
  dataset,
  decisionRegions,
  modelOutputs,
  objective,
  randomSolution,
  Solution,
  type Objective,
} from '../../dist/index.js';
import { rejects } from '../support/errors.js';
import { goldenData, loadFixture } from '../support/fixtures.js';
import { goldenFile } from '../support/golden-file.js';
import { expectNoLiveHandles } from '../support/handles.js';
import { relativeError } from '../support/numbers.js';

const file = goldenFile('regions.npz');
const golden = (name: string) => file.get(name);
const labels = Array.from(golden('labels'));
const samplesOf = (targets: readonly number[]) =>
  dataset({ inputs: { data: golden('samples'), shape: [40, 2] }, targets }, { name: 'samples' });
const plane = { range: [-2, 2], yRange: [-1, 3], points: 9, yPoints: 7 } as const;

describe('outputs of a model', () => {
  expectNoLiveHandles();

  it('are those of PyTorch, in batches too', async () => {
    using model = await loadFixture('regions_three');
    const grid = dataset({
      inputs: { data: golden('grid'), shape: [63, 2] },
      targets: labels.slice(0, 1).concat(Array<number>(62).fill(0)),
    });
    for (const batchSize of [63, 10]) {
      using loss = objective(model, grid, { batchSize });
      const { data, shape } = await modelOutputs(loss);
      expect(shape).to.deep.equal([63, 3]);
      expect(relativeError(data, golden('three.outputs'))).to.be.below(1e-13);
    }
  });

  it('are those of the given solution, in the mode of the objective', async () => {
    using model = await loadFixture('regions_three');
    using other = await randomSolution(model, { seed: 1 });
    using evaluated = objective(model, samplesOf(labels));
    using trained = objective(model, samplesOf(labels), { mode: 'train' });
    const own = await modelOutputs(evaluated);
    expect((await modelOutputs(evaluated, { at: other })).data).to.not.deep.equal(own.data);
    // Normalised by the batch itself, so that a shift of all samples changes nothing.
    const moved = dataset({
      inputs: { data: golden('samples').map((value) => value + 5), shape: [40, 2] },
      targets: labels,
    });
    using shifted = objective(model, moved, { mode: 'train' });
    const [a, b] = [await modelOutputs(trained), await modelOutputs(shifted)];
    expect(relativeError(b.data, a.data)).to.be.below(1e-10);
  });
});

describe('decision regions', () => {
  expectNoLiveHandles();

  for (const [name, loss] of [
    ['three', 'cross-entropy'],
    ['binary', 'bce-with-logits'],
  ] as const) {
    it(`classes and probabilities are those of PyTorch: ${loss}`, async () => {
      using model = await loadFixture(`regions_${name}`);
      const isBinary = name === 'binary';
      const data = isBinary
        ? dataset({
            inputs: { data: golden('samples'), shape: [40, 2] },
            targets: { data: Float64Array.from(labels, (label) => Number(label > 0)), shape: [40, 1] },
          })
        : samplesOf(labels);
      using goal = objective(model, data, { loss });
      const regions = await decisionRegions(goal, plane);
      expect(Array.from(regions.predicted)).to.deep.equal(Array.from(golden(`${name}.predicted`)));
      expect(relativeError(regions.confidence, golden(`${name}.confidence`))).to.be.below(1e-12);
      expect(regions.accuracy).to.be.closeTo(golden(`${name}.right`)[0]!, 1e-12);
      const { samples } = regions;
      const right = samples.label.filter((label, i) => label === samples.predicted[i]).length;
      expect(right / 40).to.be.closeTo(regions.accuracy, 1e-12);
      expect([regions.numNotFinite, regions.classNames.length]).to.deep.equal([0, isBinary ? 2 : 3]);
    });
  }

  it('with recalibrated statistics are those of the net with the statistics of its samples', async () => {
    using model = await loadFixture('regions_three');
    using goal = objective(model, samplesOf(labels), { mode: 'recalibrate' });
    using theta = await model.theta();
    using state = await goal.statisticsAt(theta);
    const recalibrated = await decisionRegions(goal, plane);
    using plain = objective(model, samplesOf(labels));
    const own = await decisionRegions(plain, plane);
    expect(recalibrated.confidence).to.not.deep.equal(own.confidence);
    // Column j of the grid at the first sample's place would need the state: the samples' own answers have it.
    const { loss } = await plain.evaluate(theta, undefined, state);
    expect(recalibrated.loss).to.be.closeTo(loss, 1e-12);
  });

  it('reach a tenth beyond the samples, and keep as many of them as are asked for', async () => {
    using model = await loadFixture('regions_three');
    using goal = objective(model, samplesOf(labels));
    const { x, y, samples, numSamples } = await decisionRegions(goal, { points: 5, maxSamples: 10 });
    const all = golden('samples');
    for (const [axis, values] of [x, y].entries()) {
      const own = Array.from({ length: 40 }, (_, i) => all[2 * i + axis]!);
      const [low, high] = [Math.min(...own), Math.max(...own)];
      expect(values[0]).to.be.closeTo(low - (high - low) / 10, 1e-12);
      expect(values.at(-1)).to.be.closeTo(high + (high - low) / 10, 1e-12);
    }
    expect([samples.x.length, numSamples]).to.deep.equal([10, 40]);
    expect(samples.x[3]).to.equal(all[2 * 12]);
  });

  it('outputs that are not finite are counted, and no class', async () => {
    using model = await loadFixture('regions_three');
    using goal = objective(model, samplesOf(labels));
    const far = { ...plane, range: [-1e306, 1e306], yRange: [-1e306, 1e306] } as const;
    // All units are tanh of a tiny multiple of the sum of both inputs, and all outputs their sum times what overflows
    // where they are ±1, in whatever order it is added up.
    const parameters = [
      { size: 16, value: 1 },
      { size: 8, value: 0 },
      { size: 8, value: 1e-300 }, // BatchNorm's scale
      { size: 8, value: 0 },
      { size: 24, value: 1.5e308 },
      { size: 3, value: 0 },
    ];
    using large = await model.vector(
      Float64Array.from(parameters.flatMap(({ size, value }) => Array<number>(size).fill(value))),
    );
    using buffers = await model.bufferState();
    const regions = await decisionRegions(goal, { ...far, at: new Solution('large', large, buffers) });
    expect(regions.numNotFinite).to.be.above(0);
    expect(regions.predicted.filter(Number.isNaN).length).to.equal(regions.numNotFinite);
  });

  it('weights without a finite loss have none, and what is wrong is told of the samples', async () => {
    using model = await loadFixture('regions_three');
    using goal = objective(model, samplesOf(labels));
    using huge = await model.vector(new Float64Array(model.size).fill(1e308));
    using buffers = await model.bufferState();
    const at = new Solution('huge', huge, buffers);
    await rejects(
      async () => decisionRegions(goal, { ...plane, at }),
      'ERR_INVALID_DATA',
      /loss of 'huge' is/,
    );
    const inputs = { data: golden('samples').slice(), shape: [40, 2] };
    inputs.data[7] = NaN;
    using bad = objective(model, dataset({ inputs, targets: labels }));
    await rejects(async () => decisionRegions(bad, plane), 'ERR_INVALID_DATA', /sample 3 of (?!the grid)/);
    await rejects(
      async () => decisionRegions(goal, { points: 1e7 }),
      'ERR_OUT_OF_MEMORY',
      /100000000000000 points/,
    );
  });

  it('take the most probable of soft labels, and none where a label is ignored', async () => {
    using model = await loadFixture('regions_three');
    const soft = Float64Array.from({ length: 120 }, (_, i) =>
      i % 3 === labels[Math.floor(i / 3)] ? 0.8 : 0.1,
    );
    const inputs = { data: golden('samples'), shape: [40, 2] };
    using hard = objective(model, samplesOf(labels));
    using mixed = objective(model, dataset({ inputs, targets: { data: soft, shape: [40, 3] } }));
    const { samples, numWrong, accuracy } = await decisionRegions(hard, plane);
    const softer = await decisionRegions(mixed, plane);
    expect(softer.samples).to.deep.equal(samples);
    expect(softer.numWrong).to.equal(numWrong);
    expect(numWrong).to.equal(Math.round((1 - accuracy) * 40));
    const some = labels.map((label, i) => (i < 20 ? -100 : label));
    using ignoring = objective(model, samplesOf(some));
    const right = Array.from(samples.predicted).filter((value, i) => i >= 20 && value === labels[i]).length;
    expect((await decisionRegions(ignoring, plane)).numWrong).to.equal(20 - right);
  });

  it('refuses what is no classifier of two inputs', async () => {
    using model = await loadFixture('regions_three');
    using mlp = await loadFixture('mlp');
    const wide = goldenData('mlp.x', 'mlp.y');
    using six = objective(mlp, wide);
    using squares = objective(model, samplesOf(labels), { loss: 'mse' });
    using trained = objective(model, samplesOf(labels), { mode: 'train' });
    using binary = await loadFixture('regions_binary');
    using one = objective(binary, samplesOf(labels));
    const cases: readonly [Objective, RegExp][] = [
      [six, /two inputs takes data of shape \[N, 2\], not/],
      [squares, /'mse' has no classes/],
      [trained, /depends on the other points/],
    ];
    for (const [goal, message] of cases)
      await rejects(async () => decisionRegions(goal), 'ERR_INVALID_OPTION', message);
    await rejects(async () => decisionRegions(one, plane), 'ERR_LABEL_RANGE', /label/i);
  });
});
