import { expect } from 'chai';
import { collect, type DataRecord } from '../../../dist/data/collect.js';
import type { Progress } from '../../../dist/types.js';
import { rejects } from '../../support/errors.js';

const sample = (i: number): DataRecord => ({ inputs: Float32Array.of(i, -i), targets: i % 3 });

async function* samples(count: number): AsyncGenerator<DataRecord> {
  for (let i = 0; i < count; i++) {
    await Promise.resolve();
    yield sample(i);
  }
}

describe('collect', () => {
  it('samples of any iterable, asynchronous or not', async () => {
    for (const source of [samples(5), [0, 1, 2, 3, 4].map(sample)]) {
      const data = await collect(source, { scale: 2 });
      expect(data.inputs[0]).to.deep.equal({
        data: Float32Array.of(0, -0, 2, -2, 4, -4, 6, -6, 8, -8),
        shape: [5, 2],
      });
      expect(data.targets).to.deep.equal({ data: Int32Array.of(0, 1, 2, 0, 1), shape: [5] });
    }
  });

  it('copies, for the source may use its memory again', async () => {
    const pixels = new Uint8Array(4);
    function* records(): Generator<DataRecord> {
      for (let i = 0; i < 3; i++) yield { inputs: { data: pixels.fill(i), shape: [1, 2, 2] } };
    }
    const data = await collect(records());
    expect(data.targets).to.equal(null);
    expect(data.inputs[0]!.shape).to.deep.equal([3, 1, 2, 2]);
    expect([...data.inputs[0]!.data]).to.deep.equal([0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2]);
  });

  it('batches of different sizes, of named inputs; bigints', async () => {
    const batch = (ids: bigint[]): DataRecord => ({
      inputs: {
        ids: { data: BigInt64Array.from([...ids, ...ids]), shape: [ids.length, 2] },
        mask: { data: new Uint8Array(ids.length), shape: [ids.length] },
      },
      targets: ids.map(Number),
    });
    const data = await collect([batch([1n, 2n]), batch([3n])], { batched: true, limit: 2 });
    expect([data.inputNames, data.numSamples]).to.deep.equal([['ids', 'mask'], 2]);
    expect(data.inputs.map(({ shape }) => shape)).to.deep.equal([[2, 2], [2]]);
    expect([...data.targets!.data]).to.deep.equal([1, 2]);
    const wide = await collect([
      {
        inputs: [
          { data: Int8Array.of(1), shape: [1] },
          { data: Int8Array.of(2), shape: [] },
        ],
        targets: 5n,
      },
    ]);
    expect([wide.inputs.length, wide.inputNames, wide.targets!.data]).to.deep.equal([
      2,
      null,
      BigInt64Array.of(5n),
    ]);
  });

  it('limit ends the source, progress counts', async () => {
    let ended = false;
    async function* endless(): AsyncGenerator<DataRecord> {
      try {
        for (let i = 0; ; i++) yield sample(i);
      } finally {
        await Promise.resolve();
        ended = true;
      }
    }
    const seen: Progress[] = [];
    const data = await collect(endless(), { limit: 4, onProgress: (progress) => seen.push(progress) });
    expect([data.numSamples, ended]).to.deep.equal([4, true]);
    expect(seen.map(({ done, total }) => [done, total])).to.deep.equal([
      [1, 4],
      [2, 4],
      [3, 4],
      [4, 4],
    ]);
  });

  it('an abort ends even a source that never answers, and one that never pauses', async () => {
    const controller = new AbortController();
    async function* silent(): AsyncGenerator<DataRecord> {
      yield sample(0);
      setTimeout(() => controller.abort('enough'), 5);
      await new Promise(() => undefined);
    }
    const error = await rejects(() => collect(silent(), { signal: controller.signal }), 'ERR_ABORTED');
    expect(error.cause).to.equal('enough');
    let ended = false;
    function* busy(): Generator<DataRecord> {
      try {
        for (;;) yield sample(1);
      } finally {
        ended = true;
      }
    }
    await rejects(() => collect(busy(), { signal: AbortSignal.timeout(20) }), 'ERR_ABORTED');
    expect(ended).to.equal(true);
    await rejects(() => collect(samples(1), { signal: AbortSignal.abort() }), 'ERR_ABORTED');
  });

  it('names the record that is wrong', async () => {
    const bad = async (records: unknown[], message: RegExp, options = {}) =>
      rejects(
        () => collect(records as DataRecord[], { name: 'rows', ...options }),
        'ERR_INVALID_DATA',
        message,
      );
    await bad(
      [sample(0), { inputs: Float32Array.of(1), targets: 0 }],
      /rows, record 1: inputs has samples of shape \[1\], .* \[2\]/,
    );
    await bad([sample(0), { inputs: Float64Array.of(1, 2), targets: 0 }], /record 1: inputs is Float64Array/);
    await bad([sample(0), { inputs: Float32Array.of(1, 2) }], /record 1: targets are in some records only/);
    await bad([7], /record 0: it is no \{ inputs, targets \}/);
    await bad([{}], /record 0: it has no 'inputs'/);
    await bad([{ inputs: 'text' }], /record 0: inputs must be a typed array/);
    await bad([{ inputs: { data: Int8Array.of(1), shape: [2] } }], /\[2\], which does not fit its 1 values/);
    await bad(
      [{ inputs: { a: Int8Array.of(1) } }, { inputs: { b: Int8Array.of(1) } }],
      /not those of the first record/,
    );
    await bad([{ inputs: Int8Array.of(1, 2), targets: [1] }], /differ in their number/, { batched: true });
    async function* failing(): AsyncGenerator<DataRecord> {
      yield* samples(2);
      throw new Error('connection lost');
    }
    await rejects(
      () => collect(failing(), { name: 'rows' }),
      'ERR_INVALID_DATA',
      /rows, record 2 cannot be had: connection lost/,
    );
    await rejects(() => collect([]), 'ERR_EMPTY_DATA', /no samples/);
    for (const none of [5, null, undefined, {}]) {
      await rejects(() => collect(none as never), 'ERR_INVALID_OPTION', /an iterable/);
    }
  });
});
