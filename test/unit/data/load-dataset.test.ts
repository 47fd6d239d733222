import { expect } from 'chai';
import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { fileURLToPath } from 'node:url';
import { loadDataset, type LoadDatasetOptions } from '../../../dist/data/load-dataset.js';
import { writeNpy } from '../../../dist/io/npy.js';
import { writeNpz } from '../../../dist/io/npz.js';
import { rejects } from '../../support/errors.js';
import { sharedFile } from '../../support/fixtures.js';
import { fuzz, scratchFolder } from './files.js';
import { dataFile } from './golden.js';

const fixture = (name: string) => fileURLToPath(new URL(`../../../test/fixtures/${name}`, import.meta.url));

describe('loadDataset', () => {
  const file = scratchFolder();
  const x = { dtype: 'u1', shape: [2, 2], data: Uint8Array.of(1, 2, 3, 4) } as const;
  const idx = Buffer.from([0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 1, 7, 8]);
  const cifar = Buffer.alloc(3073);

  it('knows every format by its content, whatever its name is', async () => {
    const shapeOf = async (path: string, options: LoadDatasetOptions = {}) =>
      (await loadDataset(path, options)).inputInfo[0]!.shape;
    const labels = await file('labels', Buffer.from([0, 0, 8, 1, 0, 0, 0, 2, 1, 0]));
    expect(await shapeOf(await file('a.csv', writeNpy(x)))).to.deep.equal([2, 2]);
    expect(await shapeOf(await file('a', writeNpz({ x })))).to.deep.equal([2, 2]);
    expect(await shapeOf(fixture('data.h5'), { inputs: 'train/x' })).to.deep.equal([6, 2]);
    expect(await shapeOf(dataFile('text.safetensors'), { inputs: 'ids' })).to.deep.equal([6, 2]);
    for (const bytes of [idx, gzipSync(idx)]) {
      const data = await loadDataset(await file('a.bin', bytes), { targetsPath: labels });
      expect([data.inputs[0]!.shape, data.targets!.data]).to.deep.equal([[2, 1], Uint8Array.of(1, 0)]);
    }
    expect(await shapeOf(await file('a.bin', cifar))).to.deep.equal([1, 3, 32, 32]);
    expect(await shapeOf(dataFile('train'), { labels: 'coarse' })).to.deep.equal([2, 3, 32, 32]);
    expect(await shapeOf(dataFile('sparse.svm'))).to.deep.equal([12, 7]);
    expect(await shapeOf(await file('a.txt', Buffer.from('-1\n1 3:4')), {})).to.deep.equal([2, 3]);
    expect(await shapeOf(dataFile('quoted.csv'), { target: -2 })).to.deep.equal([6, 3]);
    expect(await shapeOf(await file('a.tsv', Buffer.from('1\t2\n')), { target: null })).to.deep.equal([1, 2]);
    expect(await shapeOf(dataFile('images'))).to.deep.equal([14, 3, 13, 11]);
    expect(
      await shapeOf(await file('a.dat', Buffer.from('1;2\n')), {
        format: 'csv',
        target: null,
        delimiter: ';',
      }),
    ).to.deep.equal([1, 2]);
  });

  it('real files of other projects', async function () {
    const values = async (name: string, options: LoadDatasetOptions = {}, count = 3) => {
      const path = sharedFile(name);
      if (path === null) this.skip();
      const data = await loadDataset(path, options);
      const { inputs } = await data.read(0, 9);
      return [data.inputInfo[0]!.shape, Array.from(inputs[0]!.data.subarray(0, count), Number)];
    };
    for (const lazy of [false, true]) {
      expect(await values('misc/candle_test.npy', { lazy })).to.deep.equal([[10], [0, 1, 2]]);
      expect(await values('misc/djl_2d.npy', { lazy })).to.deep.equal([
        [1, 2],
        [1, 1],
      ]);
      for (const type of ['boolean', 'fp16', 'fp32', 'int8', 'uint8']) {
        expect(await values(`misc/djl_${type}.npy`, { lazy }), type).to.deep.equal([[1], [1]]);
      }
      const options = { inputs: 'attention', lazy };
      expect((await values('misc/djl_list.safetensors', options))[0]).to.deep.equal([2, 3]);
      const scalar = () => values('misc/djl_0d.npy', { lazy });
      await rejects(scalar, 'ERR_INVALID_DATA', /djl_0d\.npy': an array has no dimension of samples/);
    }
    expect(await values('misc/candle_test.npz')).to.deep.equal([[10], [0, 1, 2]]);
    const usps = { inputs: 'test/data', targets: 'test/target', limit: 5, shape: [1, 16, 16] };
    expect((await values('usps/usps.h5', usps))[0]).to.deep.equal([5, 1, 16, 16]);
    const sizes = [
      [100, 1, 28, 28],
      [0, 0, 0],
    ];
    expect(await values('mnist/t10k-images-idx3-ubyte.gz', { limit: 100 })).to.deep.equal(sizes);
    expect((await values('cifar10/cifar10_jpeg_test_5000.bin'))[0]).to.deep.equal([5000, 3, 32, 32]);
    const checkpoint = () => values('checkpoints/convexadv_mnist.pth');
    await rejects(checkpoint, 'ERR_INVALID_DATA', /convexadv_mnist\.pth' is no data that is known/);
  });

  it('lists what is known where it knows nothing, and passes options to the reader', async () => {
    for (const bytes of ['', 'Once upon a time', '\x89PNG\r\n\x1a\n', gzipSync('1,2\n'), cifar]) {
      const path = await file('a.what', Buffer.from(bytes));
      await rejects(
        () => loadDataset(path),
        'ERR_INVALID_DATA',
        /a\.what' is no data that is known: NumPy \.npy; .*a folder of images/,
      );
    }
    const npy = await file('a.npy', writeNpy(x));
    await rejects(
      () => loadDataset(npy, { target: 1 }),
      'ERR_INVALID_OPTION',
      /loadNpy: unknown option 'target'/,
    );
    const npz = await file('a.npz', writeNpz({ x }));
    await rejects(
      () => loadDataset(npz, { targetsPath: npy }),
      'ERR_INVALID_OPTION',
      /'targetsPath' is for \.npy and IDX/,
    );
    await rejects(() => loadDataset(npy, { format: 'numpy' as 'npy' }), 'ERR_INVALID_OPTION', /'format'/);
    await rejects(() => loadDataset('nowhere'), 'ERR_FILE_NOT_FOUND', /nowhere/);
    await rejects(() => loadDataset(5 as never), 'ERR_INVALID_OPTION', /path/);
  });

  it('throws only LossAtlasError on damaged files', async () => {
    for (const name of ['text.safetensors', 'data_batch_1', 'sparse.svm']) {
      const refused = await fuzz(readFileSync(dataFile(name)), 60, async (damaged) =>
        (await loadDataset(await file('fuzz', damaged))).load(),
      );
      expect(refused, name).to.be.above(20);
    }
  });
});
