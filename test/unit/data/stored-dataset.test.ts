import { expect } from 'chai';
import fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { utimes, writeFile } from 'node:fs/promises';
import { loadNpy } from '../../../dist/data/npy-dataset.js';
import { randomBatches } from '../../../dist/data/random-batches.js';
import { loadSafetensors } from '../../../dist/data/safetensors-dataset.js';
import { writeNpy, type NpyArray } from '../../../dist/io/npy.js';
import { rejects } from '../../support/errors.js';
import { fuzz, scratchFolder, throws } from './files.js';
import { dataFile, goldenArrays } from './golden.js';

const range = (count: number) => Array.from({ length: count }, (_, i) => i);

describe('loadNpy', () => {
  const file = scratchFolder();
  const x: NpyArray = { dtype: 'u2', shape: [10, 1, 2, 3], data: Uint16Array.from(range(60)) };
  const y: NpyArray = { dtype: 'i8', shape: [10], data: BigInt64Array.from(range(10), (i) => BigInt(i % 3)) };
  const save = async (name: string, array: NpyArray) => file(name, writeNpy(array));

  it('inputs and targets of files of their own, one or several, by name', async () => {
    const [a, b] = [await save('x.npy', x), await save('y.npy', y)];
    const data = await loadNpy(a, b, { scale: 0.5 });
    expect([data.name, data.numSamples, data.isLazy, data.inputNames]).to.deep.equal([
      'x.npy',
      10,
      false,
      null,
    ]);
    expect(data.inputs[0]!.data).to.deep.equal(Float32Array.from(range(60), (i) => i / 2));
    expect(data.targets!.data).to.deep.equal(y.data);
    const named = await loadNpy({ pixels: a, order: b });
    expect([named.inputNames, named.targets]).to.deep.equal([['pixels', 'order'], null]);
    for (const part of [named.slice(1, 4), named.pick(Uint32Array.of(3, 1)), await named.read(0, 2)]) {
      expect(part.inputNames).to.deep.equal(['pixels', 'order']);
    }
    expect((await loadNpy([a, b])).inputInfo).to.deep.equal([
      { shape: [10, 1, 2, 3], dtype: 'int32', bytes: 240 },
      { shape: [10], dtype: 'int64', bytes: 80 },
    ]);
  });

  it('reads batch by batch what it reads at once, to the last bit, with every option', async () => {
    const [a, b] = [await save('x.npy', x), await save('y.npy', y)];
    for (const options of [
      {},
      { limit: 4, resize: [4, 5] as const, pad: 1, scale: 0.3, mean: [1], std: [2] },
      { indices: [9, 0, 0, 4, 5, 6], mapLabels: { 0: 2, 1: 0, 2: 1 } },
      { sample: { count: 8, seed: 3 }, shuffle: 4, perClass: 2 },
    ]) {
      const now = await loadNpy(a, b, options);
      const later = await loadNpy(a, b, { ...options, lazy: true });
      expect([later.isLazy, later.numSamples, later.preprocessing]).to.deep.equal([
        true,
        now.numSamples,
        now.preprocessing,
      ]);
      expect(later.inputInfo).to.deep.equal(now.inputInfo);
      const loaded = await later.load();
      expect([loaded.inputs, loaded.targets, loaded.hash]).to.deep.equal([now.inputs, now.targets, now.hash]);
      for (const [start, end] of [
        [0, 1],
        [1, 3],
        [2, 99],
        [3, 3],
      ] as const) {
        const [some, same] = [await later.read(start, end), now.slice(start, end)];
        expect([some.inputs, some.targets]).to.deep.equal([same.inputs, same.targets]);
        const nested = await later
          .slice(start, end)
          .pick(Uint32Array.from(range(some.numSamples).reverse()))
          .load();
        expect(nested.inputs).to.deep.equal(
          same.pick(Uint32Array.from(range(some.numSamples).reverse())).inputs,
        );
      }
    }
    const later = await loadNpy(a, b, { lazy: true });
    const batches = randomBatches(later, { count: 2, batchSize: 3, seed: 1 });
    const expected = randomBatches(await loadNpy(a, b), { count: 2, batchSize: 3, seed: 1 });
    for (const [i, batch] of batches.entries()) {
      expect((await batch.load()).inputs).to.deep.equal(expected[i]!.inputs);
      expect(batch.preprocessing).to.equal(expected[i]!.preprocessing);
    }
  });

  it('a lazy set: no inputs, a hash of the file, the samples and what is done to them', async () => {
    const [a, b] = [await save('x.npy', x), await save('y.npy', y)];
    const data = await loadNpy(a, b, { lazy: true });
    await throws(() => data.inputs, 'ERR_INVALID_DATA', /x\.npy: .*data\.read\(start, end\)/);
    const hashes = [
      data.hash,
      (await loadNpy(a, null, { lazy: true })).hash,
      (await loadNpy(a, b, { lazy: true, limit: 3 })).hash,
      (await loadNpy(a, b, { lazy: true, scale: 2 })).hash,
      data.slice(0, 3).hash,
      data.slice(3, 6).hash,
      (
        await loadNpy(await save('z.npy', { ...x, data: (x.data as Uint16Array).map((v) => v + 1) }), b, {
          lazy: true,
        })
      ).hash,
    ];
    expect(new Set(hashes)).to.have.property('size', hashes.length);
    expect((await loadNpy(a, b, { lazy: true })).hash).to.equal(data.hash);
  });

  it('refuses a file that changes while it is used, and one in Fortran order', async () => {
    const a = await save('x.npy', x);
    const data = await loadNpy(a, null, { lazy: true });
    await utimes(a, 1, 1);
    await rejects(() => data.read(0, 1), 'ERR_FILE_UNREADABLE', /x\.npy' has changed/);
    await rejects(() => data.read(0, 1, AbortSignal.abort()), 'ERR_ABORTED');
    const bytes = Buffer.from(writeNpy(x));
    bytes.write(
      bytes.toString('latin1').replace("'fortran_order': False", "'fortran_order': True ").slice(0, 128),
      0,
      'latin1',
    );
    const fortran = await file('f.npy', bytes);
    await rejects(() => loadNpy(fortran, null, { lazy: true }), 'ERR_INVALID_DATA', /Fortran.*lazy: false/);
    expect((await loadNpy(fortran)).inputs[0]!.data[1]).to.equal(20);
    await rejects(() => loadNpy('nowhere.npy'), 'ERR_FILE_NOT_FOUND', /nowhere/);
    await rejects(() => loadNpy(a, a.replace('x.npy', 'no.npy')), 'ERR_FILE_NOT_FOUND', /no\.npy/);
    await rejects(() => loadNpy([]), 'ERR_INVALID_OPTION', /inputPaths/);
    const short = await save('short.npy', { dtype: 'i8', shape: [2], data: BigInt64Array.of(1n, 2n) });
    await rejects(() => loadNpy(a, short), 'ERR_INVALID_DATA', /x\.npy' with '.*short\.npy'.*10 and 2/);
    await rejects(() => loadNpy([a, short], null, { lazy: true }), 'ERR_INVALID_DATA', /10 and 2/);
    const hollow = await save('hollow.npy', { dtype: 'f4', shape: [2 ** 31, 0], data: new Float32Array(0) });
    for (const lazy of [true, false]) {
      await rejects(() => loadNpy(hollow, null, { lazy }), 'ERR_EMPTY_DATA', /no values/);
    }
  });

  it('any array survives, at once and batch by batch', async () => {
    const arrays = fc
      .tuple(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 4 }))
      .chain(([rows, columns]) =>
        fc
          .float64Array({ minLength: rows * columns, maxLength: rows * columns })
          .map((data): NpyArray => ({ dtype: 'f8', shape: [rows, columns], data })),
      );
    await fc.assert(
      fc.asyncProperty(arrays, fc.boolean(), async (array, lazy) => {
        const data = await (await loadNpy(await save('p.npy', array), null, { lazy })).load();
        expect(data.inputs[0]).to.deep.equal({ data: array.data, shape: array.shape });
      }),
      { numRuns: 40 },
    );
  });

  it('throws only LossAtlasError on damaged files', async () => {
    for (const lazy of [true, false]) {
      const refused = await fuzz(writeNpy(x), 120, async (damaged) =>
        (await loadNpy(await file('fuzz.npy', damaged), null, { lazy })).load(),
      );
      expect(refused).to.be.above(50);
    }
  });
});

describe('loadSafetensors', () => {
  const file = scratchFolder();
  const path = dataFile('text.safetensors');

  for (const lazy of [false, true]) {
    it(`what the library of safetensors wrote, ${lazy ? 'batch by batch' : 'at once'}`, async () => {
      for (const name of ['x', 'half', 'brain', 'ids']) {
        const data = await (await loadSafetensors(path, { inputs: name, lazy })).load();
        const golden = goldenArrays[`safetensors.${name}`]!;
        expect(data.inputs[0]!.shape).to.deep.equal(golden.shape);
        expect(Array.from(data.inputs[0]!.data, Number)).to.deep.equal(Array.from(golden.data, Number));
        expect([...data.targets!.data]).to.deep.equal([2n, 0n, 1n, 1n, 0n, 2n]);
      }
      const data = await loadSafetensors(path, { inputs: { input_ids: 'ids', features: 'x' }, lazy });
      expect(data.inputNames).to.deep.equal(['input_ids', 'features']);
      expect(data.inputInfo.map(({ dtype }) => dtype)).to.deep.equal(['int64', 'float32']);
    });
  }

  it('says what is missing or damaged', async () => {
    await rejects(
      () => loadSafetensors(path, { inputs: 'idz' }),
      'ERR_INVALID_DATA',
      /no tensor 'idz'\. Did you mean 'ids'/,
    );
    await rejects(() => loadSafetensors(path, { inputs: {} }), 'ERR_INVALID_OPTION', /'inputs'/);
    const bytes = readFileSync(path);
    const huge = Buffer.from(bytes);
    huge.writeBigUInt64LE(2n ** 60n);
    await writeFile(await file('huge', huge), huge);
    await rejects(
      async () => loadSafetensors(await file('huge', huge)),
      'ERR_INVALID_DATA',
      /huge': it is no safetensors file/,
    );
    for (const lazy of [true, false]) {
      const refused = await fuzz(bytes, 160, async (damaged) =>
        (await loadSafetensors(await file('fuzz', damaged), { lazy })).load(),
      );
      expect(refused).to.be.above(50);
    }
  });
});
