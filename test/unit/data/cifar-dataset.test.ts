import { expect } from 'chai';
import { readFileSync } from 'node:fs';
import { loadCifar } from '../../../dist/data/cifar-dataset.js';
import { rejects } from '../../support/errors.js';
import { fuzz, scratchFolder } from './files.js';
import { dataFile, goldenArrays } from './golden.js';

/** Records with these labels; record i has the pixel values i, i + 1, i + 2 in its three channels. */
function records(...labels: readonly (readonly number[])[]): Buffer {
  const channel = (value: number) => Buffer.alloc(1024, value);
  return Buffer.concat(
    labels.flatMap((l, i) => [Buffer.from(l), channel(i), channel(i + 1), channel(i + 2)]),
  );
}

describe('loadCifar', () => {
  const file = scratchFolder();

  it('CIFAR-10 from several files in turn', async () => {
    const paths = [await file('a.bin', records([3], [9])), await file('b.bin', records([0]))];
    const data = await loadCifar(paths);
    expect([data.name, data.preprocessing]).to.deep.equal(['a.bin, b.bin', '']);
    expect(data.targets).to.deep.equal({ data: Uint8Array.of(3, 9, 0), shape: [3] });
    const { data: pixels, shape } = data.inputs[0]!;
    expect(shape).to.deep.equal([3, 3, 32, 32]);
    expect(Array.from({ length: 9 }, (_, i) => pixels[i * 1024 + 1023])).to.deep.equal([
      0, 1, 2, 1, 2, 3, 0, 1, 2,
    ]);
    const one = await loadCifar(paths, { indices: [2, 1], name: 'mine' });
    expect(one.targets!.data).to.deep.equal(Uint8Array.of(0, 9));
    expect([one.name, one.inputs[0]!.data[3072]]).to.deep.equal(['mine', 1]);
  });

  it('CIFAR-100: fine and coarse labels', async () => {
    const path = await file('train.bin', records([19, 99], [4, 20]));
    const fine = await loadCifar(path, { classes: 100 });
    expect([...fine.targets!.data]).to.deep.equal([99, 20]);
    expect(fine.preprocessing).to.equal('fine labels');
    const coarse = await loadCifar(path, { classes: 100, labels: 'coarse', scale: 0.5 });
    expect([...coarse.targets!.data]).to.deep.equal([19, 4]);
    expect(coarse.preprocessing).to.equal('coarse labels; scale 0.5');
    expect(coarse.inputs[0]!.data[3 * 1024 + 2048]).to.equal(1.5);
  });

  it('says what is wrong, in which file and record', async () => {
    const refuses = async (bytes: Uint8Array, message: RegExp, options = {}) =>
      rejects(async () => loadCifar(await file('c.bin', bytes), options), 'ERR_INVALID_DATA', message);
    await refuses(
      records([1], [2]).subarray(0, 4000),
      /c\.bin': 4000 bytes are no whole number of CIFAR-10 records of 3073 bytes: after 1 of them 927 bytes are left/,
    );
    await refuses(records([1, 2]), /Is it CIFAR-100\?/);
    await refuses(records([1]), /Is it CIFAR-10\?/, { classes: 100 });
    await refuses(Buffer.from([0x1f, 0x8b, 8]), /gzip/);
    await refuses(records([1], [10]), /c\.bin', record 1: the label 10 is none of CIFAR-10, 0 to 9/);
    await refuses(records([20, 1]), /record 0: the label 20 .* coarse ones, 0 to 19/, {
      classes: 100,
      labels: 'coarse',
    });
    const first = await file('first.bin', records([1]));
    const second = await file('second.bin', records([1], [77]));
    await rejects(
      () => loadCifar([first, second]),
      'ERR_INVALID_DATA',
      /second\.bin', record 1: the label 77/,
    );
    await rejects(
      () => loadCifar([first, second.replace('second', 'third')]),
      'ERR_FILE_NOT_FOUND',
      /third\.bin/,
    );
    const empty = await file('empty.bin', new Uint8Array(0));
    await rejects(() => loadCifar(empty), 'ERR_EMPTY_DATA', /empty\.bin/);
    await rejects(() => loadCifar([]), 'ERR_INVALID_OPTION', /paths/);
    await rejects(() => loadCifar(first, { classes: 20 as 10 }), 'ERR_INVALID_OPTION', /10, 100/);
    await rejects(() => loadCifar(first, { labels: 'fine' }), 'ERR_INVALID_OPTION', /classes: 100/);
  });

  it("Python's batches, as Python 2 wrote them: pixels and labels as pickle reads them", async () => {
    const ten = await loadCifar(dataFile('data_batch_1'), { scale: 1 });
    expect([...ten.targets!.data]).to.deep.equal([6, 9]);
    expect(ten.inputs[0]!.shape).to.deep.equal([2, 3, 32, 32]);
    expect(Uint8Array.from(ten.inputs[0]!.data as Float32Array)).to.deep.equal(
      goldenArrays['cifar.data_batch_1']!.data,
    );
    const fine = await loadCifar(dataFile('train'));
    expect([[...fine.targets!.data], fine.preprocessing]).to.deep.equal([[19, 99], 'fine labels']);
    expect(fine.inputs[0]!.data).to.deep.equal(goldenArrays['cifar.train']!.data);
    const coarse = await loadCifar([dataFile('train'), dataFile('train')], {
      labels: 'coarse',
      classes: 100,
    });
    expect([...coarse.targets!.data]).to.deep.equal([11, 0, 11, 0]);
    const binary = await file('test.bin', records([3]));
    expect([...(await loadCifar([dataFile('data_batch_1'), binary])).targets!.data]).to.deep.equal([6, 9, 3]);
  });

  it('says what is wrong with a pickle, and runs nothing of it', async () => {
    const pickle = readFileSync(dataFile('data_batch_1'));
    const refuses = async (bytes: Uint8Array, message: RegExp, options = {}) =>
      rejects(async () => loadCifar(await file('p', bytes), options), 'ERR_INVALID_DATA', message);
    const changed = (from: string, to: string) =>
      Buffer.from(pickle.toString('latin1').replace(from, to), 'latin1');
    await refuses(pickle, /p': is CIFAR-10, and not CIFAR-100/, { classes: 100 });
    await refuses(changed('labels', 'lables'), /has no list 'labels'/);
    await refuses(changed('K\x06', 'K\x0a'), /p', record 0: the label 10 is none of CIFAR-10/);
    await refuses(changed('data', 'date'), /no array 'data' of \[N, 3072\] bytes/);
    await refuses(Buffer.from('\x80\x02cos\nsystem\n.', 'latin1'), /'os\.system', which is not read.*CIFAR/);
    await refuses(Buffer.from([0x80, 2, 0x7d]), /truncated/);
    await refuses(Buffer.from([0x80, 2, 0x7d, 0x2e]), /no array 'data'/);
    await rejects(
      () => loadCifar(dataFile('data_batch_1'), { labels: 'fine' }),
      'ERR_INVALID_OPTION',
      /labels/,
    );
    const refused = await fuzz(pickle, 100, async (bytes) => loadCifar(await file('fuzz', bytes)));
    expect(refused).to.be.above(30);
  });

  it('throws only LossAtlasError on damaged files', async () => {
    const refused = await fuzz(records([1], [2]), 60, async (bytes) => loadCifar(await file('fuzz', bytes)));
    expect(refused).to.be.above(20);
  });
});
