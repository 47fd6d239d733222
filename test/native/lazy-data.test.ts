import { expect } from 'chai';
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  hessian,
  loadNpy,
  numLiveHandles,
  objective,
  randomDirection,
  writeNpy,
  type Dataset,
  type Model,
  type ObjectiveOptions,
} from '../../dist/index.js';
import { rejects } from '../support/errors.js';
import { goldenArray, loadFixture } from '../support/fixtures.js';
import { expectNoLiveHandles } from '../support/handles.js';

describe('data that is read batch by batch', () => {
  expectNoLiveHandles();
  const unhandled: unknown[] = [];
  const note = (reason: unknown) => void unhandled.push(reason);
  let folder = '';
  const [x, y] = [() => join(folder, 'x.npy'), () => join(folder, 'y.npy')];
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'lossatlas-'));
    const [inputs, targets] = [goldenArray('convbn.eval.x'), goldenArray('convbn.eval.y')];
    const dtype = (data: Float64Array | BigInt64Array) => (data instanceof Float64Array ? 'f8' : 'i8');
    writeFileSync(x(), writeNpy({ dtype: dtype(inputs.data), ...inputs } as Parameters<typeof writeNpy>[0]));
    writeFileSync(
      y(),
      writeNpy({ dtype: dtype(targets.data), ...targets } as Parameters<typeof writeNpy>[0]),
    );
    process.on('unhandledRejection', note);
  });
  afterEach(() => {
    process.off('unhandledRejection', note);
    rmSync(folder, { recursive: true });
    expect(unhandled).to.deep.equal([]);
  });

  async function numbers(model: Model, data: Dataset, options: ObjectiveOptions): Promise<unknown> {
    using loss = objective(model, data, options);
    const { loss: value, accuracy } = await loss.evaluate();
    const { gradient } = await loss.gradient();
    using first = gradient;
    using direction = await randomDirection(model, { seed: 1 });
    using operator = hessian(loss);
    const [product] = await operator.apply([direction.vector]);
    using second = product!;
    return [value, accuracy, await first.toArray(), await second.toArray()];
  }

  for (const mode of ['eval', 'train', 'recalibrate'] as const) {
    it(`gives the same bits held, streamed, and read from the file (${mode})`, async () => {
      using model = await loadFixture('convbn', { dtype: 'float64' });
      const [now, later] = [await loadNpy(x(), y()), await loadNpy(x(), y(), { lazy: true })];
      const expected = await numbers(model, now, { mode, batchSize: 3, dataPlacement: 'held' });
      for (const data of [now, later]) {
        for (const dataPlacement of ['held', 'streamed'] as const) {
          expect(await numbers(model, data, { mode, batchSize: 3, dataPlacement })).to.deep.equal(expected);
        }
      }
    });
  }

  it('is held by itself where it fits, and then read once', async () => {
    using model = await loadFixture('convbn', { dtype: 'float64' });
    const data = await loadNpy(x(), y(), { lazy: true });
    using loss = objective(model, data, { batchSize: 3 });
    expect([loss.dataPlacement, loss.dataIsHeld]).to.deep.equal(['held', false]);
    using same = objective(model, await data.load(), { batchSize: 3 });
    expect(loss.dataBytes).to.equal(same.dataBytes);
    const first = await loss.evaluate();
    expect(loss.dataIsHeld).to.equal(true);
    rmSync(x());
    expect(await loss.evaluate()).to.deep.equal(first);
    expect((await loss.provenance(0)).dataHash).to.equal(data.hash);
  });

  it('a file that goes bad is an error of its batch and leaves nothing behind', async () => {
    using model = await loadFixture('convbn', { dtype: 'float64' });
    const data = await loadNpy(x(), y(), { lazy: true });
    using streamed = objective(model, data, { batchSize: 2, dataPlacement: 'streamed' });
    let seen = 0;
    const spoil = async () => {
      for await (const _ of streamed.batches()) {
        if (++seen === 1) truncateSync(x(), 1000);
      }
    };
    await rejects(spoil, 'ERR_FILE_UNREADABLE', /x\.npy' has changed/);
    // The one that was read ahead may still have been good.
    expect(seen).to.be.within(1, 2);
    using held = objective(model, data, { batchSize: 2, dataPlacement: 'held' });
    rmSync(x());
    for (let i = 0; i < 2; i++) await rejects(() => held.evaluate(), 'ERR_FILE_NOT_FOUND', /x\.npy/);
    expect(held.dataIsHeld).to.equal(false);
  });

  it('an abort, a break and a dispose in the middle leave no handle and no rejection', async () => {
    using model = await loadFixture('convbn', { dtype: 'float64' });
    const data = await loadNpy(x(), y(), { lazy: true });
    const before = numLiveHandles();
    const streamed = { batchSize: 2, dataPlacement: 'streamed' } as const;
    using loss = objective(model, data, streamed);
    for await (const _ of loss.batches()) {
      break;
    }
    const controller = new AbortController();
    const running = loss.evaluate(undefined, controller.signal);
    controller.abort();
    await rejects(() => running, 'ERR_ABORTED');
    const other = objective(model, data, streamed);
    const evaluation = other.evaluate();
    other.dispose();
    await rejects(() => evaluation, 'ERR_DISPOSED');
    expect(numLiveHandles() - before).to.equal(1);
  });
});
