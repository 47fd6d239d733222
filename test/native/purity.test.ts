import { expect } from 'chai';
import {
  dataset,
  eigenpairs,
  hessian,
  lossSurface,
  objective,
  randomPlane,
  spectralDensity,
  type Model,
} from '../../dist/index.js';
import { rejects } from '../support/errors.js';
import { expectNoLiveHandles } from '../support/handles.js';
import { golden, goldenArray, goldenData, loadFixture } from '../support/fixtures.js';

async function stateOf(model: Model): Promise<unknown> {
  using theta = await model.theta();
  const buffers: Record<string, number[]> = {};
  for (const { name } of model.buffers) buffers[name] = Array.from(await model.buffer(name));
  return { theta: Array.from(await theta.toArray()), buffers };
}

describe('pure steps', () => {
  expectNoLiveHandles();

  for (const name of ['convbn', 'convbn_traced_train'] as const) {
    it(`${name}: no analysis changes parameters, BatchNorm statistics or mode, in train mode either`, async () => {
      using model = await loadFixture(name);
      const before = await stateOf(model);
      const data = goldenData('convbn.eval.x', 'convbn.eval.y');
      using train = objective(model, data, { mode: 'train', batchSize: 5 });
      using operator = hessian(train);
      using plane = await randomPlane(model);
      await train.evaluate();
      (await train.gradient()).gradient.dispose();
      await lossSurface(train, plane, { points: 5 });
      await spectralDensity(operator, { steps: 5, probes: 2 });
      (await eigenpairs(operator, { k: 1 })).dispose();
      expect(await stateOf(model)).to.deep.equal(before);
    });
  }

  it('a forward pass that throws leaves the model as it was', async () => {
    using model = await loadFixture('convbn');
    const before = await stateOf(model);
    const wrong = dataset({ inputs: { data: new Float64Array(12), shape: [2, 6] }, targets: [0, 1] });
    using loss = objective(model, wrong, { mode: 'train' });
    await rejects(async () => loss.evaluate(), 'ERR_FORWARD');
    await rejects(async () => loss.gradient(), 'ERR_FORWARD');
    expect(await stateOf(model)).to.deep.equal(before);
    using good = objective(model, goldenData('convbn.eval.x', 'convbn.eval.y'));
    expect((await good.evaluate()).loss).to.be.closeTo(golden('convbn.eval.loss')[0]!, 1e-12);
  });

  it('two analyses interleave on one model, in two modes, and get what they get alone', async () => {
    using model = await loadFixture('convbn');
    const data = goldenData('convbn.eval.x', 'convbn.eval.y');
    using inEval = objective(model, data);
    using inTrain = objective(model, data, { mode: 'train' });
    using evalOperator = hessian(inEval);
    using trainOperator = hessian(inTrain);
    using plane = await randomPlane(model);
    const works = [
      async () =>
        (await spectralDensity(evalOperator, { steps: 12, probes: 2 })).nodes.map((n) => Array.from(n)),
      async () =>
        (await spectralDensity(trainOperator, { steps: 12, probes: 2 })).nodes.map((n) => Array.from(n)),
      async () => Array.from((await lossSurface(inEval, plane, { points: 7 })).loss),
      async () => Array.from((await lossSurface(inTrain, plane, { points: 7 })).loss),
    ];
    const alone: unknown[] = [];
    for (const work of works) alone.push(await work());
    expect(await Promise.all(works.map(async (work) => work()))).to.deep.equal(alone);
  });

  it('dropout in train mode draws the same masks for the same seed, and its Hessian is repeatable', async () => {
    using model = await loadFixture('dropout');
    const data = dataset({ inputs: goldenArray('mlp.x'), targets: goldenArray('mlp.y') });
    using a = objective(model, data, { mode: 'train', seed: 1 });
    using b = objective(model, data, { mode: 'train', seed: 2 });
    using off = objective(model, data);
    const [first, again, other, none] = [
      await a.evaluate(),
      await a.evaluate(),
      await b.evaluate(),
      await off.evaluate(),
    ];
    expect(first).to.deep.equal(again);
    expect(first.loss).to.not.equal(other.loss);
    expect(first.loss).to.not.equal(none.loss);
    using operator = hessian(a, { memoryBudget: 1 });
    using v = await model.randomVector('gaussian', 1);
    const [x] = await operator.apply([v]);
    const [y] = await operator.apply([v]);
    using left = x!;
    using right = y!;
    expect(Array.from(await left.toArray())).to.deep.equal(Array.from(await right.toArray()));
  });
});

describe('abort and progress', () => {
  expectNoLiveHandles();

  it('progress counts to the total; an abort rejects with AbortError and frees everything', async () => {
    using model = await loadFixture('convbn');
    using loss = objective(model, goldenData('convbn.eval.x', 'convbn.eval.y'));
    using operator = hessian(loss);
    using plane = await randomPlane(model);
    const runs: ((
      signal: AbortSignal,
      onProgress: (p: { done: number; total: number }) => void,
    ) => Promise<unknown>)[] = [
      async (signal, onProgress) => lossSurface(loss, plane, { points: 15, signal, onProgress }),
      async (signal, onProgress) => spectralDensity(operator, { steps: 20, probes: 3, signal, onProgress }),
      async (signal, onProgress) => {
        (await eigenpairs(operator, { k: 3, signal, onProgress })).dispose();
      },
    ];
    for (const run of runs) {
      const seen: { done: number; total: number }[] = [];
      await run(new AbortController().signal, (p) => seen.push(p));
      expect(seen.length).to.be.at.least(2);
      expect(seen.at(-1)!.done).to.equal(seen.at(-1)!.total);
      expect(seen.every((p, i) => i === 0 || p.done >= seen[i - 1]!.done)).to.equal(true);

      const controller = new AbortController();
      const reason = new Error('enough');
      const error = await rejects(
        async () =>
          run(controller.signal, ({ done }) => {
            if (done >= 2) controller.abort(reason);
          }),
        'ERR_ABORTED',
      );
      expect(error.name).to.equal('AbortError');
      expect(error.cause).to.equal(reason);
      await rejects(async () => run(AbortSignal.abort(), () => undefined), 'ERR_ABORTED');
    }
  });
});
