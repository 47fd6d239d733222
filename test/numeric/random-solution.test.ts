import { expect } from 'chai';
import {
  combine,
  hessian,
  loadModel,
  objective,
  randomSolution,
  type InitialScheme,
  type Model,
  type ParameterInfo,
  type RandomSolutionOptions,
} from '../../dist/index.js';
import { rejects } from '../support/errors.js';
import { goldenData, loadFixture, sharedFile } from '../support/fixtures.js';
import { goldenFile } from '../support/golden-file.js';
import { expectNoLiveHandles } from '../support/handles.js';

const golden = goldenFile('init.npz');
const numDraws = 100;
const numGoldenDraws = 400;

async function drawn(model: Model, options: RandomSolutionOptions): Promise<Float64Array> {
  using solution = await randomSolution(model, options);
  return await solution.theta.toArray();
}

function part(values: Float64Array, model: Model, name: string): Float64Array {
  const { offset, numel } = model.parameters.find((p) => p.name === name)!;
  return values.subarray(offset, offset + numel);
}

/** Of all draws of one parameter, as init.py has them. */
function momentsOf(draws: readonly Float64Array[], { offset, numel }: ParameterInfo) {
  let [low, high, sum, squares] = [Infinity, -Infinity, 0, 0];
  for (const draw of draws) {
    for (const value of draw.subarray(offset, offset + numel)) {
      low = Math.min(low, value);
      high = Math.max(high, value);
      sum += value;
      squares += value * value;
    }
  }
  const mean = sum / (numel * draws.length);
  return { low, high, mean, std: Math.sqrt(Math.max(0, squares / (numel * draws.length) - mean * mean)) };
}

describe('a random solution', function () {
  this.timeout(60_000);
  expectNoLiveHandles();

  for (const name of ['init', 'init_traced']) {
    it(`every layer of torch.nn has the law that its reset_parameters has (${name})`, async () => {
      using model = await loadFixture(name);
      expect(model.parameters.map((p) => p.name)).to.have.members([...golden.names]);
      const draws: Float64Array[] = [];
      for (let seed = 0; seed < numDraws; seed++) draws.push(await drawn(model, { seed }));
      for (const parameter of model.parameters) {
        const [low, high, mean, std, distinct] = golden.get(parameter.name) as unknown as number[];
        const ours = momentsOf(draws, parameter);
        const at = `${parameter.name} (${parameter.modules.at(-1)!})`;
        if (distinct === 1) {
          expect([ours.low, ours.high], at).to.deep.equal([low, high]);
          continue;
        }
        // Five standard errors of both samples; a normal law has the larger one of the deviation.
        const count = parameter.numel * numDraws;
        const error = (5 / Math.sqrt(count)) * Math.sqrt(1 + numDraws / numGoldenDraws);
        expect(Math.abs(ours.mean - mean!), `mean of ${at}`).to.be.below(error * std!);
        expect(Math.abs(ours.std / std! - 1), `deviation of ${at}`).to.be.below(error * Math.SQRT1_2);
        const isUniform = high! < 2 * std!;
        if (isUniform) {
          // The extremes of k uniform numbers are within a few 1/k of the bounds.
          expect(ours.high / high!, `maximum of ${at}`).to.be.closeTo(1, 20 / count);
          expect(ours.low / low!, `minimum of ${at}`).to.be.closeTo(1, 20 / count);
        } else {
          expect(ours.high, `maximum of ${at}`).to.be.above(2.5 * ours.std);
        }
      }
    });
  }

  it('rows of padding stay zero, running statistics start anew', async () => {
    using model = await loadFixture('init');
    using solution = await randomSolution(model);
    const theta = await solution.theta.toArray();
    const embedding = part(theta, model, 'embedding.weight');
    expect(Array.from(embedding.subarray(4, 8))).to.deep.equal([0, 0, 0, 0]);
    expect(embedding.filter((x) => x === 0).length).to.equal(4);
    expect(Array.from(part(theta, model, 'bag.weight').subarray(0, 4))).to.deep.equal([0, 0, 0, 0]);
    expect(await model.buffer('batch.running_mean')).to.deep.equal(new Float64Array(3).fill(2));
    for (const layer of ['batch', 'instance']) {
      for (const [leaf, values] of [
        ['running_mean', [0, 0, 0]],
        ['running_var', [1, 1, 1]],
        ['num_batches_tracked', [0]],
      ] as const) {
        expect(Array.from(await solution.buffers.toArray(`${layer}.${leaf}`))).to.deep.equal(values);
      }
    }
  });

  it('one seed gives the same bits, another one others, and float32 the rounded ones', async () => {
    using model = await loadFixture('convbn');
    using single = await loadFixture('convbn', { dtype: 'float32' });
    const first = await drawn(model, { seed: 1 });
    expect(await drawn(model, { seed: 1 })).to.deep.equal(first);
    const other = part(await drawn(model, { seed: 2 }), model, 'fc.weight');
    part(first, model, 'fc.weight').forEach((value, i) => expect(value).to.not.equal(other[i]));
    (await drawn(single, { seed: 1 })).forEach((value, i) => expect(value).to.be.closeTo(first[i]!, 1e-7));
  });

  it('the numbers of a seed do not meet directions and probes of that seed', async () => {
    using model = await loadFixture('init');
    using solution = await randomSolution(model, {
      seed: 3,
      scheme: 'uniform',
      laws: { '*': { uniform: 1 } },
    });
    for (const stream of [0, 1]) {
      using direction = await model.randomVector('uniform', 3, stream);
      const overlap = (await solution.theta.dot(direction)) * (3 / model.size);
      expect(Math.abs(overlap)).to.be.below(5 / Math.sqrt(model.size));
    }
  });

  it('tied parameters are drawn once, under their first name', async () => {
    using model = await loadFixture('tied');
    const theta = await drawn(model, { seed: 1 });
    expect(theta.length).to.equal(16);
    expect(Math.max(...theta.map(Math.abs))).to.be.within(0.3, 0.5);
  });

  it('schemes by shape: bounds, deviations, biases and norms', async () => {
    using model = await loadFixture('init');
    const of = async (scheme: InitialScheme) => drawn(model, { scheme, seed: 1 });
    const [uniform, kaiming] = [await of('uniform'), await of('kaiming')];
    const bound = 1 / Math.sqrt(2 * 3 * 2);
    for (const name of ['conv2.weight', 'conv2.bias']) {
      const largest = Math.max(...part(uniform, model, name).map(Math.abs));
      expect(largest, name).to.be.within(0.5 * bound, bound);
    }
    const weight = part(kaiming, model, 'conv2.weight');
    const variance = weight.reduce((sum, x) => sum + x * x, 0) / weight.length;
    expect(variance).to.be.closeTo(2 / 12, 5 * (2 / 12) * Math.sqrt(2 / weight.length));
    for (const [name, value] of [
      ['conv2.bias', 0],
      ['gru.bias_ih_l0', 0],
      ['attention.in_proj_bias', 0],
      ['batch.bias', 0],
      ['layer.weight', 1],
      ['prelu.weight', 0.25],
    ] as const) {
      expect(new Set(part(kaiming, model, name)), name).to.deep.equal(new Set([value]));
    }
    expect(new Set(part(uniform, model, 'batch.weight'))).to.deep.equal(new Set([1]));
  });

  it('parameters of own modules are refused by name, or take the laws that are given', async () => {
    using model = await loadFixture('init_own');
    const error = await rejects(async () => randomSolution(model), 'ERR_UNKNOWN_LAW');
    expect(error.message).to.contain('token [1, 4] of Own, scale [4] of Own. Say how they start');
    await rejects(async () => randomSolution(model, { scheme: 'uniform' }), 'ERR_UNKNOWN_LAW');
    using solution = await randomSolution(model, {
      seed: 5,
      laws: { token: { normal: 0.02 }, 'sc*': 'keep', '*.bias': { constant: 2 } },
    });
    expect(solution.label).to.equal(
      'initialised (pytorch, seed 5, token: normal 0.02, sc*: keep, *.bias: constant 2)',
    );
    const theta = await solution.theta.toArray();
    expect(Math.max(...part(theta, model, 'token').map(Math.abs))).to.be.within(1e-4, 0.1);
    expect(Array.from(part(theta, model, 'scale'))).to.deep.equal([1, 1, 1, 1]);
    expect(Array.from(part(theta, model, 'fc.bias'))).to.deep.equal([2, 2]);
    // The layer is frozen, so its statistics belong to weights that stay.
    expect(await solution.buffers.toArray('frozen.running_mean')).to.deep.equal(new Float64Array(4).fill(3));
  });

  it('options are checked', async () => {
    using model = await loadFixture('init_own');
    const wrong = [
      { seed: -1 },
      { scheme: 'xavier' },
      { laws: { token: { uniform: -1 } } },
      { laws: { token: { uniform: 1, normal: 1 } } },
      { laws: { tokn: { uniform: 1 } } },
      { laws: { token: 'kep' } },
    ];
    for (const options of wrong)
      await rejects(
        async () => randomSolution(model, options as RandomSolutionOptions),
        'ERR_INVALID_OPTION',
      );
  });

  it('an untrained classifier guesses, in both modes, and its label is the point of an analysis', async () => {
    using model = await loadFixture('convbn');
    const data = goldenData('convbn.eval.x', 'convbn.eval.y');
    for (const mode of ['eval', 'train'] as const) {
      using solution = await randomSolution(model, { seed: 3 });
      using loss = objective(model, data, { mode });
      const { loss: value } = await loss.evaluate(solution.theta, undefined, solution.buffers);
      expect(value, mode).to.be.closeTo(Math.log(3), 0.5);
      using operator = hessian(loss, { at: solution });
      expect((await operator.provenance(Date.now())).point).to.equal('initialised (pytorch, seed 3)');
    }
  });

  it('the model stays as it was', async () => {
    using model = await loadFixture('convbn');
    using before = await model.theta();
    using _solution = await randomSolution(model);
    using after = await model.theta();
    using difference = await combine([before, after], [1, -1]);
    expect(await difference.norm()).to.equal(0);
    expect(Math.max(...(await model.buffer('bn1.running_mean')).map(Math.abs))).to.be.above(0);
  });

  for (const form of [
    'resnet20_cifar10.script',
    'resnet20_cifar10.trace_eval',
    'torchsharp_l1000_100_10.script',
  ]) {
    it(`a real model: all parameters have a law (${form})`, async function () {
      const path = sharedFile(`torchscript/${form}.pt`);
      if (path === null) this.skip();
      using model = await loadModel(path);
      const theta = await drawn(model, { seed: 1 });
      for (const { name, shape, role } of model.parameters) {
        if (role !== 'weight') continue;
        const bound = 1 / Math.sqrt(shape.slice(1).reduce((product, size) => product * size, 1));
        const largest = part(theta, model, name).reduce((max, x) => Math.max(max, Math.abs(x)), 0);
        expect(largest / bound, name).to.be.within(0.98, 1.000001);
      }
    });
  }
});
