import { expect } from 'chai';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { dataset } from '../../../dist/data/from-arrays.js';
import { randomBatches } from '../../../dist/data/random-batches.js';
import { loadNpz } from '../../../dist/data/npz-dataset.js';
import { writeNpz } from '../../../dist/io/npz.js';

describe('dataset', () => {
  const x = { data: Uint8Array.from({ length: 24 }, (_, i) => i), shape: [3, 2, 2, 2] };

  it('scales and standardises by channel', () => {
    const { inputs } = dataset({ inputs: x, targets: [0, 1, 2] }, { scale: 0.5, mean: [1, 2], std: [2, 4] });
    const values = inputs[0]!.data as Float32Array;
    expect(values[0]).to.equal((0 * 0.5 - 1) / 2);
    expect(values[5]).to.equal((5 * 0.5 - 2) / 4);
    expect(values[23]).to.equal((23 * 0.5 - 2) / 4);
  });

  it('leaves integers alone unless told to scale, and turns unsigned ones into what libtorch has', () => {
    expect(dataset({ inputs: x }).inputs[0]!.data).to.be.instanceOf(Uint8Array);
    const wide = dataset({ inputs: x, targets: { data: Uint32Array.of(0, 1, 4294967295), shape: [3] } });
    expect(wide.targets!.data).to.deep.equal(BigInt64Array.of(0n, 1n, 4294967295n));
    expect(dataset({ inputs: x, targets: [0, 1, 2] }).targets!.data).to.be.instanceOf(Int32Array);
    expect(dataset({ inputs: x, targets: [0, 1.5, 2] }).targets!.data).to.be.instanceOf(Float64Array);
  });

  it('slices samples of every array, and limits', () => {
    const data = dataset({ inputs: x, targets: [7, 8, 9] });
    const part = data.slice(1, 5);
    expect(part.numSamples).to.equal(2);
    expect(Array.from(part.inputs[0]!.data as Uint8Array)[0]).to.equal(8);
    expect(Array.from(part.targets!.data as Int32Array)).to.deep.equal([8, 9]);
    expect(dataset({ inputs: x }, { limit: 2 }).numSamples).to.equal(2);
    expect(dataset({ inputs: x }, { limit: 99 }).numSamples).to.equal(3);
  });

  it('named inputs keep their names and order, whatever they are called', () => {
    const [ids, mask] = [
      { data: BigInt64Array.of(1n, 2n, 3n), shape: [3] },
      { data: Uint8Array.of(1, 1, 0), shape: [3, 1] },
    ];
    const data = dataset(
      { inputs: { input_ids: ids, attention_mask: mask }, targets: [0, 1, 2] },
      { limit: 2 },
    );
    expect(data.inputNames).to.deep.equal(['input_ids', 'attention_mask']);
    expect(data.inputs.map(({ shape }) => shape)).to.deep.equal([[2], [2, 1]]);
    const odd = dataset({ inputs: { data: ids, shape: mask } });
    expect([odd.inputNames, odd.numSamples]).to.deep.equal([['data', 'shape'], 3]);
    expect([dataset({ inputs: ids }).inputNames, dataset({ inputs: [ids, mask] }).inputNames]).to.deep.equal([
      null,
      null,
    ]);
    for (const part of [
      data.slice(1, 2),
      data.pick(Uint32Array.of(1)),
      ...randomBatches(data, { count: 2 }),
    ]) {
      expect(part.inputNames).to.deep.equal(['input_ids', 'attention_mask']);
      expect(part.numSamples).to.equal(1);
    }
    expect(() => dataset({ inputs: { a: ids, b: { data: [1] } } as never })).to.throw(
      /inputs\['b'\] must be/,
    );
    expect(() => dataset({ inputs: { a: ids, b: { data: mask.data, shape: [2] } } })).to.throw(
      /inputs\['b'\]: shape \[2\]/,
    );
    expect(() => dataset({ inputs: {} })).to.throw(/no input array/);
    expect(() => data.pick(Uint32Array.of(2))).to.throw(/there is no sample 2/);
  });

  it('from .npz: names, a missing name, no targets', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'lossatlas-'));
    try {
      const path = join(folder, 'data.npz');
      const inputs = { dtype: 'f4', shape: [2, 3], data: Float32Array.of(1, 2, 3, 4, 5, 6) } as const;
      const labels = { dtype: 'u1', shape: [2], data: Uint8Array.of(1, 0) } as const;
      await writeFile(path, writeNpz({ x: inputs, y: labels }));
      const data = await loadNpz(path);
      expect([data.name, data.numSamples, data.targets!.shape]).to.deep.equal(['data.npz', 2, [2]]);
      const error = await loadNpz(path, { inputs: 'z' }).catch((e: unknown) => e as Error & { code: string });
      expect(error).to.include({ code: 'ERR_INVALID_DATA' });
      expect((error as Error).message).to.match(/no array 'z'.*'?x'?/);
      const named = await loadNpz(path, { inputs: { pixels: 'x', labels: 'y' } });
      expect(named.inputNames).to.deep.equal(['pixels', 'labels']);
      await writeFile(path, writeNpz({ x: inputs }));
      expect((await loadNpz(path)).targets).to.equal(null);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
