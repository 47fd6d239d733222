import { expect } from 'chai';
import {
  dataset,
  denseMatrix,
  empiricalFisher,
  gaussNewton,
  hessian,
  loadModel,
  monteCarloFisher,
  numLiveHandles,
  numThreads,
  objective,
  predictMemory,
  spectralDensity,
  type CurvatureOptions,
  type Dataset,
  type Objective,
} from '../../dist/index.js';
import { fixture, golden, goldenArray, goldenData, projectPath } from '../support/fixtures.js';
import { goldenFile } from '../support/golden-file.js';
import { relativeError } from '../support/numbers.js';

/** A plan of three samples a graph, which divide no batch here evenly. */
const parts = { chunk: 3, workers: 2 } as const;

async function matrixOf(loss: Objective, options: CurvatureOptions): Promise<Float64Array> {
  using operator = hessian(loss, options);
  return Float64Array.from((await denseMatrix(operator)).values);
}

describe('plans of products', function () {
  this.timeout(120_000);

  for (const [data, name, tolerance] of [
    ['mlp', 'mlp', 1e-10],
    ['convbn.eval', 'convbn', 1e-10],
    ['attention', 'attention', 1e-10],
    ['lstm', 'lstm', 1e-10],
  ] as const) {
    it(`parts of a batch add up to the Hessian of PyTorch: ${name}`, async () => {
      using model = await loadModel(fixture(`${name}.pt`), { dtype: 'float64' });
      using loss = objective(model, goldenData(`${data}.x`, `${data}.y`));
      for (const plan of [parts, { chunk: 3, workers: 1 }, { chunk: 1, workers: 3 }]) {
        const matrix = await matrixOf(loss, { plan });
        expect(relativeError(matrix, golden(`${data}.hessian`))).to.be.below(tolerance);
      }
    });
  }

  it('parts are small enough for a cache where one tensor of a sample is large', async () => {
    using model = await loadModel(projectPath('bench/lenet.script.pt'));
    const before = await numThreads();
    await numThreads(2);
    try {
      // Of its first layer 6 · 28² values a sample, and more as oneDNN blocks them.
      for (const [count, least, most] of [
        [2048, 100, 512],
        [256, 128, 128],
      ] as const) {
        const data = dataset({
          inputs: { data: new Float32Array(count * 784), shape: [count, 1, 28, 28] },
          targets: Array.from({ length: count }, (_, i) => i % 10),
        });
        using loss = objective(model, data);
        using operator = hessian(loss);
        const { provenance } = await spectralDensity(operator, { steps: 1, probes: 1, seed: 1 });
        const [, chunk, workers] = /^graphs of (\d+) samples, (\d+) at a time$/.exec(provenance.plan!) ?? [];
        expect(Number(chunk), `${count} samples`).to.be.within(least, most);
        // As many parts as keep both threads busy to the end.
        expect((count / Number(chunk)) % 2).to.equal(0);
        expect(workers).to.equal('2');
      }
    } finally {
      await numThreads(before);
    }
  });

  it('bits depend on the plan alone: neither on what is retained, nor on who is faster', async () => {
    using model = await loadModel(fixture('convbn.pt'), { dtype: 'float32' });
    using loss = objective(model, goldenData('convbn.eval.x', 'convbn.eval.y'), { batchSize: 7 });
    const expected = await matrixOf(loss, { plan: parts });
    using some = hessian(loss, { plan: parts });
    await denseMatrix(some);
    for (const memoryBudget of [1, some.retainedBytes / 2, 1e9]) {
      const again = await matrixOf(loss, { plan: parts, memoryBudget });
      expect([...again], `${memoryBudget} bytes`).to.deep.equal([...expected]);
    }
  });

  it('Gauss–Newton and empirical Fisher matrices are divided too; Monte-Carlo draws are not', async () => {
    using model = await loadModel(fixture('mlp.pt'), { dtype: 'float64' });
    using loss = objective(model, goldenData('mlp.x', 'mlp.y'));
    for (const [make, key] of [
      [gaussNewton, 'ggn'],
      [empiricalFisher, 'fisher'],
    ] as const) {
      using divided = make(loss, { plan: parts });
      using whole = make(loss, { plan: { chunk: 1e6, workers: 1 } });
      const a = (await denseMatrix(divided)).values;
      expect(relativeError(a, (await denseMatrix(whole)).values), key).to.be.below(1e-12);
      expect((await divided.plan()).chunk).to.equal(3);
    }
    using drawn = monteCarloFisher(loss, { samples: 2, seed: 1, plan: parts });
    expect((await drawn.plan()).chunk).to.equal(loss.batchSize);
  });

  it('a batch whose samples see each other stays whole', async () => {
    const mixing = goldenFile('mixing.npz');
    using model = await loadModel(fixture('mixing.pt'), { dtype: 'float64' });
    const data = dataset({ inputs: mixing.array('x'), targets: mixing.array('y') });
    using loss = objective(model, data);
    using operator = hessian(loss, { plan: { chunk: 10, workers: 2 } });
    expect(await operator.plan()).to.deep.equal({ chunk: 40, workers: 2 });
    expect(relativeError((await denseMatrix(operator)).values, mixing.get('hessian'))).to.be.below(1e-10);
  });

  it('so does one in train mode', async () => {
    using model = await loadModel(fixture('convbn.pt'), { dtype: 'float64' });
    using train = objective(model, goldenData('convbn.eval.x', 'convbn.eval.y'), { mode: 'train' });
    using operator = hessian(train, { plan: parts });
    expect((await operator.plan()).chunk).to.equal(train.batchSize);
    expect(relativeError((await denseMatrix(operator)).values, golden('convbn.train.hessian'))).to.be.below(
      1e-10,
    );
  });

  it('batches are multiplied side by side in train mode too', async () => {
    using model = await loadModel(fixture('convbn.pt'), { dtype: 'float64' });
    using train = objective(model, goldenData('convbn.eval.x', 'convbn.eval.y'), {
      mode: 'train',
      batchSize: 2,
    });
    const one = await matrixOf(train, { plan: { workers: 1 } });
    const two = await matrixOf(train, { plan: { workers: 2 } });
    expect(relativeError(two, one)).to.be.below(1e-12);
  });

  it('a trial takes one of its candidates, frees the others and says which in the provenance', async () => {
    using model = await loadModel(fixture('convbn.pt'), { dtype: 'float32' });
    using loss = objective(model, goldenData('convbn.eval.x', 'convbn.eval.y'));
    await loss.evaluate();
    const before = numLiveHandles();
    using operator = hessian(loss, { plan: 'trial' });
    const { chunk, workers } = await operator.plan();
    expect(operator.retainedBytes).to.equal(0);
    // θ, which the operator keeps.
    expect(numLiveHandles()).to.be.at.most(before + 1);
    expect(chunk).to.be.within(1, loss.batchSize);
    expect(workers).to.be.oneOf([1, await numThreads()]);
    const density = await spectralDensity(operator, { steps: 3, probes: 1, seed: 1 });
    expect(density.provenance.plan).to.equal(`graphs of ${chunk} samples, ${workers} at a time`);
  });

  it('the default is decided by sizes alone: whole for little work, a part a thread for much', async () => {
    using model = await loadModel(fixture('convbn.pt'), { dtype: 'float32' });
    using small = objective(model, goldenData('convbn.eval.x', 'convbn.eval.y'));
    using whole = hessian(small);
    expect(await whole.plan()).to.deep.equal({ chunk: small.batchSize, workers: 1 });
    const threads = await numThreads();
    const { data, shape } = goldenArray('convbn.eval.x');
    const many = repeated(Float64Array.from(data, Number), shape, 20_000);
    using large = objective(model, many);
    using divided = hessian(large);
    const plan = await divided.plan();
    if (threads > 1)
      expect(plan).to.deep.equal({ chunk: Math.ceil(large.batchSize / threads), workers: threads });
    using single = hessian(large, { plan: { chunk: large.batchSize, workers: 1 } });
    using v = await model.space.randomVector('rademacher', 1);
    const [a] = await divided.apply([v]);
    const [b] = await single.apply([v]);
    expect(relativeError(await a!.toArray(), await b!.toArray())).to.be.below(1e-4);
    a!.dispose();
    b!.dispose();
  });

  it('memory is predicted for the plan', async () => {
    using model = await loadModel(fixture('convbn.pt'), { dtype: 'float64' });
    using loss = objective(model, goldenData('convbn.eval.x', 'convbn.eval.y'));
    using operator = hessian(loss, { plan: parts });
    const { numParts, numRetained, graphBytes } = await predictMemory(operator, { steps: 5 });
    expect(numParts).to.equal(Math.ceil(loss.batchSize / 3));
    expect(numRetained).to.equal(numParts);
    await denseMatrix(operator);
    expect(graphBytes / operator.retainedBytes).to.be.within(0.9, 1.1);
  });

  it('refuses plans that are none', async () => {
    using model = await loadModel(fixture('mlp.pt'));
    using loss = objective(model, goldenData('mlp.x', 'mlp.y'));
    for (const plan of ['fast', { chunk: 0 }, { workers: 1.5 }, { parts: 2 }, 3, null] as never[]) {
      expect(() => hessian(loss, { plan })).to.throw(/'plan'/);
    }
  });
});

/** The same samples again and again. */
function repeated(data: Float64Array, shape: readonly number[], numSamples: number): Dataset {
  const size = data.length / shape[0]!;
  const inputs = Float64Array.from(
    { length: numSamples * size },
    (_, i) => data[i % data.length]! * (1 + i / 1e7),
  );
  const targets = BigInt64Array.from({ length: numSamples }, (_, i) => BigInt(i % 2));
  return dataset({
    inputs: { data: inputs, shape: [numSamples, ...shape.slice(1)] },
    targets: { data: targets, shape: [numSamples] },
  });
}
